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
class SnapshotTargets(Job):
    """Fix whom a queued run is for, and let it send."""

    name: ClassVar[str] = "campaigns.snapshot"
    run_id: int
