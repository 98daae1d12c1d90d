"""What an audit is asked and what it finds. Imports the standard library alone."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

DAYS_BACK = 40
"""Days a comparison covers when nobody says how many."""
MOST_SHOWN = 200
"""Differences of one comparison that are described; the others are counted."""


class Kind(StrEnum):
    """What differs; counters stand beside these by table and column, such as `hourly_counts.delivered`."""

    TOTAL = "run total"
    """Copies and targets ahead are not what the run's total says."""
    REACHED = "run reached"
    """Copies are not as many as targets were claimed."""
    TARGETS = "run targets"
    """Targets that are there are not those that should be."""
    LOST = "lost"
    """An unfinished copy that nobody will try: in neither queue nor lease."""
    DOUBLED = "doubled"
    """An unfinished copy in more than one place."""
    FINISHED = "finished"
    """A finished copy that waits to be tried."""
    STRAY = "stray"
    """An entry of queue or lease without a copy."""
    WRONG_RUN = "wrong run"
    """An entry of queue or lease that names another run than its copy."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it should be.

    Attributes:
        what: A `Kind`, or table and column of a counter.
        where: The run, the copy, or sender and time.
        counted: What counting the ledger gave.
        stored: What is noted elsewhere.
    """

    what: str
    where: str
    counted: str
    stored: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was found.

    Attributes:
        total: Differences, the undescribed ones included.
        shown: Those that are described, at most `MOST_SHOWN` of one comparison.
        runs: Runs that were looked at.
    """

    total: int = 0
    shown: tuple[Difference, ...] = ()
    runs: int = 0

    def __add__(self, other: "Report") -> "Report":
        return Report(self.total + other.total, self.shown + other.shown, self.runs + other.runs)


@dataclass(frozen=True, slots=True)
class Scope:
    """What is looked at.

    Attributes:
        since: Start of a day, UTC: counters from then on, copies accepted from then on, runs that were going on then.
        account_id: One account alone.
        run_id: One run alone; counters by sender are left out, as they do not know runs.
        holds: Whether copies in doubt wait for a decision (`delivery.in_doubt` is `hold`) and so for no attempt.
    """

    since: datetime
    account_id: int | None = None
    run_id: int | None = None
    holds: bool = False

    @classmethod
    def from_day(cls, day: date, *, holds: bool = False) -> "Scope":
        """Return the scope of everything since a day, UTC."""
        return cls(datetime.combine(day, time(), UTC), holds=holds)

    @classmethod
    def recent(cls, now: datetime, *, holds: bool = False) -> "Scope":
        """Return the scope of the last `DAYS_BACK` days."""
        return cls.from_day((now.astimezone(UTC) - timedelta(days=DAYS_BACK)).date(), holds=holds)

    def only(self, *, account_id: int | None = None, run_id: int | None = None) -> "Scope":
        """Return the part of it that belongs to an account or a run."""
        return replace(self, account_id=account_id, run_id=run_id)
