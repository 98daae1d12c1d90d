"""States of campaigns and their legal moves: one pure table for all families.

A campaign's state is that of its latest run, `draft` without one. Imports the enum of states only.

Source: docs/contract/native.md, section 10; docs/contract/dyno.md, sections 7 and 8.
"""

from dataclasses import dataclass
from enum import StrEnum

from app.models.run import RunState


class Family(StrEnum):
    """In whose words a verb is asked for; they differ in what is refused."""

    DYNOSEND = "dynosend"
    DYNO = "dyno"
    NATIVE = "native"


class Verb(StrEnum):
    """What can be asked of a campaign."""

    START = "start"
    SCHEDULE = "schedule"
    CANCEL_SCHEDULE = "cancel_schedule"
    PAUSE = "pause"
    RESUME = "resume"
    UPDATE_AND_RESUME = "update_and_resume"
    STOP = "stop"
    CHANGE = "change"
    DELETE = "delete"


class Column(StrEnum):
    """A column of the table: states that are treated alike."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    RUNNING = "queued, sending"
    PAUSED_AHEAD = "paused, its time ahead"
    PAUSED = "paused"
    STOPPED = "stopped"
    DONE = "done"
    FAILED = "failed"


class Stay(StrEnum):
    """A cell that changes no state."""

    UNCHANGED = "no change"
    """It is so already: a success."""
    REFUSED = "refused"
    ALLOWED = "allowed"
    """Of verbs that are not about the state."""


@dataclass(frozen=True, slots=True)
class Move:
    """A cell that changes the state.

    Attributes:
        to: The state it goes to. `queued` stands for going on: a run whose targets are fixed is `sending` at once.
        if_ahead: The state it goes to instead when the time that is given lies ahead.
        new_run: Whether a further run is made; otherwise the latest one moves, if there is one.
    """

    to: RunState
    if_ahead: RunState | None = None
    new_run: bool = False

    def target(self, *, ahead: bool) -> RunState:
        """Return the state it goes to."""
        return self.if_ahead if ahead and self.if_ahead is not None else self.to


Cell = Move | Stay

_REFUSED = Stay.REFUSED
_UNCHANGED = Stay.UNCHANGED
_NEW_RUN = Move(RunState.QUEUED, if_ahead=RunState.SCHEDULED, new_run=True)
_SET_TIME = Move(RunState.QUEUED, if_ahead=RunState.SCHEDULED)
_GO_ON = Move(RunState.QUEUED)
_WAIT_ON = Move(RunState.SCHEDULED)
_PAUSE = Move(RunState.PAUSED)
_STOP = Move(RunState.STOPPED)

_ALL: dict[Verb, dict[Column, Cell]] = {
    Verb.START: {Column.DRAFT: _NEW_RUN},
    Verb.SCHEDULE: {Column.DRAFT: _SET_TIME, Column.SCHEDULED: _SET_TIME},
    Verb.CANCEL_SCHEDULE: {Column.DRAFT: _UNCHANGED, Column.SCHEDULED: Move(RunState.DRAFT)},
    Verb.PAUSE: {
        Column.SCHEDULED: _PAUSE,
        Column.RUNNING: _PAUSE,
        Column.PAUSED_AHEAD: _UNCHANGED,
        Column.PAUSED: _UNCHANGED,
    },
    Verb.RESUME: {
        Column.RUNNING: _UNCHANGED,
        Column.PAUSED_AHEAD: _WAIT_ON,
        Column.PAUSED: _GO_ON,
        Column.FAILED: _GO_ON,
    },
    Verb.UPDATE_AND_RESUME: {Column.PAUSED_AHEAD: _WAIT_ON, Column.PAUSED: _GO_ON},
    Verb.STOP: {
        Column.SCHEDULED: _STOP,
        Column.RUNNING: _STOP,
        Column.PAUSED_AHEAD: _STOP,
        Column.PAUSED: _STOP,
        Column.STOPPED: _UNCHANGED,
    },
    Verb.CHANGE: dict.fromkeys((Column.DRAFT, Column.SCHEDULED, Column.PAUSED_AHEAD, Column.PAUSED), Stay.ALLOWED),
    Verb.DELETE: dict.fromkeys((Column.DRAFT, Column.STOPPED, Column.DONE, Column.FAILED), Stay.ALLOWED),
}
"""What holds for every family; a cell that is missing is refused."""

_DIFFERENT: dict[tuple[Family, Verb], dict[Column, Cell]] = {
    (Family.NATIVE, Verb.START): {Column.SCHEDULED: _GO_ON, Column.RUNNING: _UNCHANGED},
    (Family.DYNO, Verb.START): dict.fromkeys((Column.STOPPED, Column.DONE, Column.FAILED), _NEW_RUN),
    (Family.DYNO, Verb.PAUSE): {Column.SCHEDULED: _REFUSED},
    (Family.DYNO, Verb.RESUME): {Column.FAILED: _REFUSED},
    # Dyno refuses only what is running; deleting what waits stops it.
    (Family.DYNO, Verb.CHANGE): dict.fromkeys((Column.STOPPED, Column.DONE, Column.FAILED), Stay.ALLOWED),
    (Family.DYNO, Verb.DELETE): dict.fromkeys((Column.SCHEDULED, Column.PAUSED_AHEAD, Column.PAUSED), _STOP),
}
"""Where a family differs."""


def column_of(state: RunState, *, ahead: bool) -> Column:
    """Return the column of a state.

    Args:
        state: Of the latest run; `draft` without one.
        ahead: Whether that run never began and its time still lies ahead.
    """
    if state in {RunState.QUEUED, RunState.SENDING}:
        return Column.RUNNING
    if state is RunState.PAUSED and ahead:
        return Column.PAUSED_AHEAD
    return Column(state.value)


def cell(family: Family, verb: Verb, column: Column) -> Cell:
    """Return what a verb does to a campaign in that column; a family without the verb's URL takes the rest's."""
    return _DIFFERENT.get((family, verb), {}).get(column) or _ALL[verb].get(column, _REFUSED)
