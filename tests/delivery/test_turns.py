"""Whose turn it is."""

from collections import Counter
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from app.core.messages import OpenRun
from app.delivery.turns import Turns

# How many runs each account has.
accounts = st.lists(st.integers(1, 5), min_size=1, max_size=6)


def runs_of(counts: Sequence[int]) -> list[OpenRun]:
    return [
        OpenRun(account * 100 + number, account, is_fresh=True, is_due=False)
        for account, count in enumerate(counts, 1)
        for number in range(count)
    ]


def take(turns: Turns, count: int) -> list[OpenRun]:
    taken = [turns.next() for _ in range(count)]
    return [run for run in taken if run is not None]


def is_even(counts: Counter[int], keys: Sequence[int]) -> bool:
    shares = [counts[key] for key in keys]
    return max(shares) - min(shares) <= 1


def test_nobody_waits_at_first() -> None:
    assert Turns().next() is None


@given(accounts, st.integers(0, 30), st.integers(1, 40), st.booleans())
def test_in_any_stretch_accounts_get_equal_turns_and_so_do_the_runs_of_each(
    counts: list[int], before: int, length: int, looks_again: bool
) -> None:
    turns, runs = Turns(), runs_of(counts)
    turns.update(runs)
    take(turns, before)
    if looks_again:
        turns.update(reversed(runs))
    stretch = take(turns, length)
    assert len(stretch) == length
    assert is_even(Counter(run.account_id for run in stretch), range(1, len(counts) + 1))
    for account in range(1, len(counts) + 1):
        own = Counter(run.id for run in stretch if run.account_id == account)
        assert is_even(own, [run.id for run in runs if run.account_id == account])


changes = st.lists(st.tuples(st.sampled_from(("next", "drop", "update")), st.integers(0, 255)), max_size=80)


@given(accounts, changes)
def test_between_two_turns_of_who_always_waits_each_other_account_gets_one_at_most(
    counts: list[int], steps: list[tuple[str, int]]
) -> None:
    """Accounts that leave and come back gain nothing by it."""
    steady, others = OpenRun(1, 0, is_fresh=True, is_due=False), runs_of(counts)
    turns = Turns()
    turns.update([*others, steady])
    since: Counter[int] = Counter()
    for step, chance in steps:
        if step == "drop":
            turns.drop(others[chance % len(others)])
        elif step == "update":
            turns.update([*(run for place, run in enumerate(others) if chance >> place % 8 & 1), steady])
        else:
            run = turns.next()
            assert run is not None
            if run is steady:
                since.clear()
            else:
                since[run.account_id] += 1
                assert since[run.account_id] == 1


def test_a_run_that_is_dropped_comes_again_with_the_next_look() -> None:
    turns, (one, two) = Turns(), runs_of([1, 1])
    turns.update([one, two])
    turns.drop(one)
    turns.drop(one)
    assert take(turns, 3) == [two, two, two]
    turns.update([one, two])
    assert take(turns, 2) == [two, one]


def test_what_a_look_tells_about_a_run_is_taken_over() -> None:
    turns, (run,) = Turns(), runs_of([1])
    turns.update([run])
    later = OpenRun(run.id, run.account_id, is_fresh=False, is_due=True)
    turns.update([later])
    assert turns.next() is later
    turns.update([])
    assert turns.next() is None
