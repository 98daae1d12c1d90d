"""What is counted of whom.

Imports this package's values and windows, and the front door of suppressions (types).
"""

from dataclasses import dataclass
from enum import StrEnum

from app.core.metrics.values import RollUp, Scope
from app.core.metrics.windows import Window
from app.core.suppressions import Reason

DELETED = "deleted"
"""Stands in the ledger for a campaign copy whose contact was deleted meanwhile; shown and counted as `manual`."""


_CAUSES = {Reason.SOFTBOUNCE: [1], Reason.HARDBOUNCE: [2]}


class What(StrEnum):
    """What is counted."""

    ACCEPTED = "accepted"
    BOUNCES = "bounces"
    """Two numbers: soft ones and hard ones."""
    BLOCKED = "blocked"
    """Three numbers: all, and those because of earlier soft and hard bounces; a series has the first alone."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is counted of whom.

    Attributes:
        what: The measure.
        window: When.
        scope: Whose.
        by: What a key stands for.
        reason: Of blocked copies only those blocked for this.
    """

    what: What
    window: Window
    scope: Scope
    by: RollUp
    reason: Reason | None = None


def stored(reason: Reason | None) -> list[str] | None:
    """Return the words of the ledger for a reason."""
    if reason is None:
        return None
    return [reason, DELETED] if reason is Reason.MANUAL else [reason]


def columns(asked: Question, numbers: int) -> dict[str, list[int]]:
    """Return which measures of the counters make which of the first numbers of an answer."""
    found: dict[str, list[int]]
    match asked.what, asked.reason:
        case What.ACCEPTED, _:
            found = {"accepted": [0]}
        case What.BOUNCES, _:
            found = {"soft_bounces": [0], "hard_bounces": [1]}
        case _, None:
            found = {"blocked": [0], "blocked_softbounce": [1], "blocked_hardbounce": [2]}
        case _, reason:
            found = {f"blocked_{reason}": [0, *_CAUSES.get(reason, ())]}
    wanted = {measure: [column for column in places if column < numbers] for measure, places in found.items()}
    return {measure: places for measure, places in wanted.items() if places}
