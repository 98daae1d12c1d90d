"""Addresses at `simulator.test`: mail to them never leaves, and the local part up to a `+` decides the outcome.

They go the way of all mail up to the server: limits, withdrawal, composing and signing, recording. What a recipient
does then (`app/delivery/sequels.py`) is told by the host that is said to have taken the mail, which journal and record
keep. Mail of accounts in test mode goes the same way to `TEST_HOST`, which takes everything.

Source: docs/contract/native.md, 2 and 18.
"""

from collections.abc import Mapping
from enum import StrEnum

from app.mail.smtp.outcome import Outcome, Status

DOMAIN = "simulator.test"
HOST = "mx.simulator.test"
TEST_HOST = "test-mode"


class Sequel(StrEnum):
    """What a recipient does with a delivered mail; the value is the local part that asks for it."""

    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"
    OPEN = "open"
    CLICK = "click"


def _taken(host: str, words: str) -> Outcome:
    return Outcome(Status.DELIVERED, 250, "2.0.0", f"250 2.0.0 Ok: {words}", host)


SEQUELS: Mapping[str, Sequel] = {f"{sequel}.{DOMAIN}": sequel for sequel in Sequel}
"""By the host that takes the mail."""
TEST_OUTCOME = _taken(TEST_HOST, "test mode, not sent")
_DELIVERED = _taken(HOST, "simulated")
_OUTCOMES: Mapping[str, Outcome] = {
    "hardbounce": Outcome(Status.REJECTED, 550, "5.1.1", "550 5.1.1 User unknown", HOST),
    "softbounce": Outcome(Status.REJECTED, 552, "5.2.2", "552 5.2.2 Mailbox full", HOST),
    "defer": Outcome(Status.DEFERRED, 451, "4.3.0", "451 4.3.0 Try again later", HOST),
    **{sequel.value: _taken(host, f"simulated, with {sequel} to follow") for host, sequel in SEQUELS.items()},
}


def outcome_of(recipient: str) -> Outcome:
    """Return what becomes of mail to an address at `DOMAIN`; unknown local parts take everything."""
    local = recipient.rpartition("@")[0].partition("+")[0]
    return _OUTCOMES.get(local.lower(), _DELIVERED)
