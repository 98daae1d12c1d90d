"""The plan of a chaos run, and what its looks and its verdict call a fault."""

import signal
from random import Random

import pytest

from bench.chaos_blows import ALL_DELIVERIES, LAST, STOPPABLE, plan
from bench.chaos_watch import Look


def test_a_seed_makes_the_same_plan_again() -> None:
    names = ["delivery-1", "delivery-2"]
    first, again, other = (plan(Random(seed), 50, names) for seed in (1, 1, 2))
    assert first == again != other
    assert sum(blow.number is signal.SIGKILL for blow in first) == 50
    assert sum(blow.number is signal.SIGTERM for blow in first) == 10
    assert [blow.at for blow in first] == sorted(blow.at for blow in first)
    assert all(0 <= blow.at <= LAST for blow in first)
    assert all(blow.victim in STOPPABLE for blow in first if blow.number is signal.SIGTERM)


def test_who_is_not_there_is_not_killed() -> None:
    assert not [blow for blow in plan(Random(1), 200, ["delivery-1"]) if blow.victim in {"delivery-2", ALL_DELIVERIES}]


@pytest.mark.parametrize(
    ("look", "holds"),
    [
        (Look("queued", None, 0, 0, {}), True),
        (Look("queued", None, 0, 0, {"sending": 1}), False),
        (Look("sending", 10, 4, 0, {"sending": 2, "delivered": 4}), True),
        (Look("sending", 10, 4, 0, {"sending": 2, "delivered": 5}), False),
        (Look("sending", 10, 3, 0, {"sending": 2, "delivered": 4}), False),
        (Look("stopped", 10, 4, 4, {"cancelled": 2, "delivered": 4}), True),
        (Look("stopped", 10, 0, 4, {"cancelled": 2, "delivered": 4}), True),
        (Look("stopped", 10, 0, 3, {"cancelled": 2, "delivered": 4}), False),
        (Look("done", 10, 0, 0, {"bounced": 2, "delivered": 8}), True),
    ],
)
def test_targets_are_copies_and_those_not_yet_reached(look: Look, holds: bool) -> None:
    assert look.holds is holds
