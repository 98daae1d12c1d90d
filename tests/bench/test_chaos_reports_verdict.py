"""What the verdict over reports and webhooks calls lost, doubled, counted twice and unstable."""

from bench.chaos_reports_verdict import Told, compare

COPIES = {1: "a@example.org", 2: "b@example.org"}
Row = tuple[str, int | None, str | None]
ROWS: list[Row] = [
    row
    for number, who in COPIES.items()
    for row in (("bounce", number, who), ("email.bounced", number, who), ("suppression.added", None, who))
]
TOLD = [Told("evt_1", "a@example.org"), Told("evt_2", "b@example.org")]
COUNTED = [2, 2, 2]


def test_one_of_each_holds() -> None:
    assert compare(COPIES, TOLD, ROWS, COUNTED).ok


def test_what_is_told_again_under_its_id_is_no_fault() -> None:
    verdict = compare(COPIES, [*TOLD, TOLD[0], TOLD[0]], ROWS, COUNTED)
    assert verdict.ok
    assert (verdict.again, verdict.most) == (2, 3)


def test_what_is_missing_anywhere_is_lost() -> None:
    assert compare(COPIES, TOLD[1:], ROWS, COUNTED).lost == 1
    for missing in ROWS:
        assert compare(COPIES, TOLD, [row for row in ROWS if row != missing], COUNTED).lost == 1


def test_what_is_there_twice_is_doubled() -> None:
    for row in ROWS:
        verdict = compare(COPIES, TOLD, [*ROWS, row], COUNTED)
        assert (verdict.lost, verdict.doubled) == (0, 1)


def test_what_nobody_reported_is_doubled() -> None:
    assert compare(COPIES, TOLD, [*ROWS, ("bounce", 3, "c@example.org")], COUNTED).doubled == 1


def test_a_counter_that_is_off_is_told() -> None:
    assert compare(COPIES, TOLD, ROWS, [2, 3, 2]).miscounted == 1
    assert compare(COPIES, TOLD, ROWS, [2, 2, 0]).miscounted == 2


def test_an_id_is_of_one_person_and_a_person_of_one_id() -> None:
    assert compare(COPIES, [*TOLD, Told("evt_3", "a@example.org")], ROWS, COUNTED).unstable == 1
    assert compare(COPIES, [*TOLD, Told("evt_1", "b@example.org")], ROWS, COUNTED).unstable == 2
