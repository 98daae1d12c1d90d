"""Addresses at `simulator.test`: mail to them never leaves, and the local part up to a `+` decides the outcome.

They go the way of all mail up to the server: limits, withdrawal, composing and signing, recording. What follows from
an outcome (a complaint, an unsubscription, an open, a click) is brought about where real ones come in.

Source: docs/contract/native.md, 18.
"""

from collections.abc import Mapping

from app.mail.smtp.outcome import Outcome, Status

DOMAIN = "simulator.test"
HOST = "mx.simulator.test"

_DELIVERED = Outcome(Status.DELIVERED, 250, "2.0.0", "2.0.0 Ok: simulated", HOST)
_OUTCOMES: Mapping[str, Outcome] = {
    "hardbounce": Outcome(Status.REJECTED, 550, "5.1.1", "5.1.1 User unknown", HOST),
    "softbounce": Outcome(Status.REJECTED, 552, "5.2.2", "5.2.2 Mailbox full", HOST),
    "defer": Outcome(Status.DEFERRED, 451, "4.3.0", "4.3.0 Try again later", HOST),
}


def outcome_of(recipient: str) -> Outcome:
    """Return what becomes of mail to an address at `DOMAIN`; unknown local parts take everything."""
    local = recipient.rpartition("@")[0].partition("+")[0]
    return _OUTCOMES.get(local.lower(), _DELIVERED)
