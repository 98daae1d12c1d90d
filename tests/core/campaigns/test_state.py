"""The table of moves is that of docs/contract/native.md, section 10, cell by cell."""

import re
from pathlib import Path

import pytest

from app.core.campaigns.state import Cell, Column, Family, Move, Stay, Verb, cell, column_of
from app.models.run import RunState

CONTRACT = Path(__file__).resolve().parents[3] / "docs" / "contract" / "native.md"
HEAD = "| Verb | Dynosend | Dyno | native |"
COLUMNS: dict[str, tuple[Column, ...]] = {
    "draft": (Column.DRAFT,),
    "scheduled": (Column.SCHEDULED,),
    "queued, sending": (Column.RUNNING,),
    "paused, its time ahead": (Column.PAUSED_AHEAD,),
    "paused": (Column.PAUSED,),
    "stopped": (Column.STOPPED,),
    "done, failed": (Column.DONE, Column.FAILED),
}
VERBS = {
    "start / init": Verb.START,
    "schedule / reschedule": Verb.SCHEDULE,
    "cancel schedule": Verb.CANCEL_SCHEDULE,
    "pause": Verb.PAUSE,
    "resume": Verb.RESUME,
    "update and resume": Verb.UPDATE_AND_RESUME,
    "stop": Verb.STOP,
}
ANY = tuple(Family)
NEW = Move(RunState.QUEUED, RunState.SCHEDULED, new_run=True)
TIMED = Move(RunState.QUEUED, RunState.SCHEDULED)
QUEUED, SCHEDULED, DRAFT = Move(RunState.QUEUED), Move(RunState.SCHEDULED), Move(RunState.DRAFT)
PAUSED, STOPPED = Move(RunState.PAUSED), Move(RunState.STOPPED)
NO, SAME = Stay.REFUSED, Stay.UNCHANGED


def each(value: Cell) -> dict[Family, Cell]:
    return dict.fromkeys(ANY, value)


READINGS: dict[str, dict[Family, Cell] | dict[Column, dict[Family, Cell]]] = {
    "new run: queued, or scheduled when a time is ahead": each(NEW),
    "native: queued now; Dynosend 400; Dyno 124": {**each(NO), Family.NATIVE: QUEUED},
    "refused (native: 200, no change)": {**each(NO), Family.NATIVE: SAME},
    "refused": each(NO),
    "refused (Dyno 124)": each(NO),
    "Dyno: new run; others refused": {**each(NO), Family.DYNO: NEW},
    "scheduled (revives the dormant run, else makes one)": each(TIMED),
    "new time": each(TIMED),
    "no change": each(SAME),
    "draft, run dormant": each(DRAFT),
    "paused (Dyno 124)": {**each(PAUSED), Family.DYNO: NO},
    "paused": each(PAUSED),
    "scheduled": each(SCHEDULED),
    "queued": each(QUEUED),
    "scheduled, with the new content": each(SCHEDULED),
    "queued, new content for copies not yet tried": each(QUEUED),
    "stopped": each(STOPPED),
    "failed: queued (Dynosend `error`, native); Dyno and done: refused": {
        Column.DONE: each(NO),
        Column.FAILED: {**each(QUEUED), Family.DYNO: NO},
    },
}
"""What each wording of the document means, per family."""


def table() -> dict[tuple[Verb, str], str]:
    """Return the cells of the document as it words them."""
    lines = CONTRACT.read_text(encoding="utf-8").splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith(HEAD))
    rows = [[part.strip() for part in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[begin : begin + 9]]
    names = rows[0][4:]
    assert names == list(COLUMNS)
    return {(VERBS[row[0]], name): text for row in rows[2:] for name, text in zip(names, row[4:], strict=True)}


CELLS = table()


def test_the_document_has_every_verb_and_column() -> None:
    assert len(CELLS) == len(VERBS) * len(COLUMNS)
    assert {verb for verb, _ in CELLS} == set(Verb) - {Verb.CHANGE, Verb.DELETE}


@pytest.mark.parametrize(("verb", "name"), CELLS, ids=str)
def test_a_cell_does_what_the_document_says(verb: Verb, name: str) -> None:
    reading = READINGS[CELLS[verb, name]]
    for column in COLUMNS[name]:
        expected = reading.get(column, reading)  # type: ignore[call-overload]
        assert {family: cell(family, verb, column) for family in ANY} == expected


def test_what_may_be_changed_and_deleted() -> None:
    may = {
        (family, verb): {column for column in Column if cell(family, verb, column) is Stay.ALLOWED}
        for family in ANY
        for verb in (Verb.CHANGE, Verb.DELETE)
    }
    quiet = {Column.DRAFT, Column.STOPPED, Column.DONE, Column.FAILED}
    editable = {Column.DRAFT, Column.SCHEDULED, Column.PAUSED, Column.PAUSED_AHEAD}
    assert may[Family.NATIVE, Verb.CHANGE] == may[Family.DYNOSEND, Verb.CHANGE] == editable
    assert may[Family.DYNO, Verb.CHANGE] == set(Column) - {Column.RUNNING}
    assert (
        may[Family.NATIVE, Verb.DELETE] == may[Family.DYNOSEND, Verb.DELETE] == may[Family.DYNO, Verb.DELETE] == quiet
    )
    for column in (Column.SCHEDULED, Column.PAUSED, Column.PAUSED_AHEAD):
        assert cell(Family.DYNO, Verb.DELETE, column) == STOPPED, "deleting what waits stops it"
    assert cell(Family.DYNO, Verb.DELETE, Column.RUNNING) is NO


@pytest.mark.parametrize("ahead", [False, True])
def test_each_state_stands_in_a_column(ahead: bool) -> None:
    columns = {state: column_of(state, ahead=ahead) for state in RunState}
    assert columns.pop(RunState.QUEUED) is columns.pop(RunState.SENDING) is Column.RUNNING
    assert columns.pop(RunState.PAUSED) is (Column.PAUSED_AHEAD if ahead else Column.PAUSED)
    assert {state: column.value for state, column in columns.items()} == {state: state.value for state in columns}


def test_a_move_goes_elsewhere_when_its_time_lies_ahead() -> None:
    assert (NEW.target(ahead=True), NEW.target(ahead=False)) == (RunState.SCHEDULED, RunState.QUEUED)
    assert QUEUED.target(ahead=True) is RunState.QUEUED
