"""Every job the core may ask for: a name and ids, never content.

A job may be lost or doubled without harm, because a sweep of `workers/scheduler.py` asks the same question.
`tests/architecture` pairs each class with a Celery task of the same name.
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Job:
    """Base of all; the fields of a child are the arguments of its task."""

    name: ClassVar[str]


@dataclass(frozen=True, slots=True)
class DrainQueue(Job):
    """Wake a delivery process: there are due copies in the queue."""

    name: ClassVar[str] = "delivery.drain"


@dataclass(frozen=True, slots=True)
class MakePartitions(Job):
    """Make the ledger's partitions of the coming months."""

    name: ClassVar[str] = "housekeeping.make_partitions"


@dataclass(frozen=True, slots=True)
class ForgetOld(Job):
    """Drop what is older than the settings of retention keep."""

    name: ClassVar[str] = "housekeeping.forget_old"


@dataclass(frozen=True, slots=True)
class FoldTallies(Job):
    """Keep the counts of audiences' contacts short."""

    name: ClassVar[str] = "housekeeping.fold_tallies"


@dataclass(frozen=True, slots=True)
class SnapshotTargets(Job):
    """Fix whom a queued run is for, and let it send."""

    name: ClassVar[str] = "campaigns.snapshot"
    run_id: int


@dataclass(frozen=True, slots=True)
class VerifySender(Job):
    """Look for a sender's records in DNS: it is new, or signs with another key."""

    name: ClassVar[str] = "senders.verify"
    sender_id: int


@dataclass(frozen=True, slots=True)
class VerifyDueSenders(Job):
    """Look in DNS again for the records of senders whose time has come."""

    name: ClassVar[str] = "senders.verify_due"


@dataclass(frozen=True, slots=True)
class WindUpAccounts(Job):
    """Stop what deleted accounts have under way."""

    name: ClassVar[str] = "accounts.wind_up"


@dataclass(frozen=True, slots=True)
class RunTransfer(Job):
    """Work on an import, an export or a bulk action for a while."""

    name: ClassVar[str] = "transfers.run"
    job_id: int


@dataclass(frozen=True, slots=True)
class SweepTransfers(Job):
    """Take up jobs whose workers are gone, and drop files of those that ended a week ago."""

    name: ClassVar[str] = "transfers.sweep"
