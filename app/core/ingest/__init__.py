"""Taking over what happened elsewhere: events of mail that another system sent, or that is known from elsewhere.

    take_over     up to 1000 events at once into ledger, companions and counters, each at its own time
    foreign_ids   the email ids that copies had in another system
    find_copy     the copy that such an id names

Owns the table `foreign_email_ids`, and writes the tables of messages and tracking beside their owners: in whatever
order events come, and however often, ledger and counters end up the same. Imports the front doors of the nouns,
models, mail, db and kit.
"""

from app.core.ingest.names import MAX_EMAIL_ID, find_copy, foreign_ids
from app.core.ingest.service import MAX_EVENTS, take_over
from app.core.ingest.values import (
    Blocked,
    Bounced,
    Complained,
    Deferred,
    Event,
    EventKind,
    Outcome,
    Refused,
    Rejection,
    Unsubscribed,
    Visited,
)

__all__ = [
    "MAX_EMAIL_ID",
    "MAX_EVENTS",
    "Blocked",
    "Bounced",
    "Complained",
    "Deferred",
    "Event",
    "EventKind",
    "Outcome",
    "Refused",
    "Rejection",
    "Unsubscribed",
    "Visited",
    "find_copy",
    "foreign_ids",
    "take_over",
]
