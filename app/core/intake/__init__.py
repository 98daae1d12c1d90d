"""Mail that comes back to us: whose address it came to, and what follows from it.

    destination   the copy that an address of ours names, by its signed token
    understand    what a message says; takes time, so call it in a thread
    apply         what follows: a bounce, a complaint, an unsubscription, or nothing
    apply_group   the same for many delivery reports (`is_of_bounce`) in one transaction

There is no table of incoming mail: a message is applied before its sender is told that it was taken, and applying it
again changes nothing. Imports the front doors of messages and tracking, mail, db and kit.

Source: docs/contract/dyn-email.md, 14 to 16; docs/inbound.md.
"""

from app.core.intake.addresses import Destination, Keys, Purpose, destination
from app.core.intake.bounces import apply_group, is_of_bounce
from app.core.intake.results import Outcome, Result, Understood
from app.core.intake.service import apply, understand

__all__ = [
    "Destination",
    "Keys",
    "Outcome",
    "Purpose",
    "Result",
    "Understood",
    "apply",
    "apply_group",
    "destination",
    "is_of_bounce",
    "understand",
]
