"""What recipients do with a mail: opens, clicks, complaints, unsubscriptions.

Owns the tables `opens`, `clicks`, `engagements`, `link_clicks`, `complaints` and `unsubscriptions`.
"""

from app.core.errors import Overloaded as Busy
from app.core.tracking.batcher import EventBatcher
from app.core.tracking.complaints import complain
from app.core.tracking.copies import ContactPlace, TrackedCopy, copy_of, place_of
from app.core.tracking.forgetting import forget
from app.core.tracking.machines import is_machine
from app.core.tracking.recording import Clicked, Opened, next_ids, record_events
from app.core.tracking.targets import Destinations, url_of
from app.core.tracking.unsubscribing import unsubscribe
from app.core.tracking.views import web_view
from app.models.unsubscription import Means

__all__ = [
    "Busy",
    "Clicked",
    "ContactPlace",
    "Destinations",
    "EventBatcher",
    "Means",
    "Opened",
    "TrackedCopy",
    "complain",
    "copy_of",
    "forget",
    "is_machine",
    "next_ids",
    "place_of",
    "record_events",
    "unsubscribe",
    "url_of",
    "web_view",
]
