"""Audit: whether the ledger, the queue and the counters agree, and what happened to one address.

    check, check_identity      differences between what is counted and what is noted, in one snapshot
    why                        the copies for an address, their attempts, and why there is none

Reads tables of every noun and writes none. Imports models, db, kit.
"""

from app.core.audit.service import check, check_identity
from app.core.audit.stories import CopyStory, ListEntry, Membership, RunStory, Why
from app.core.audit.values import DAYS_BACK, MOST_SHOWN, Difference, Kind, Report, Scope
from app.core.audit.why import MOST_COPIES, why

__all__ = [
    "DAYS_BACK",
    "MOST_COPIES",
    "MOST_SHOWN",
    "CopyStory",
    "Difference",
    "Kind",
    "ListEntry",
    "Membership",
    "Report",
    "RunStory",
    "Scope",
    "Why",
    "check",
    "check_identity",
    "why",
]
