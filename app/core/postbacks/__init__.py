"""Postbacks: telling customers by HTTP of bounces, complaints and unsubscriptions. Owns the table `postbacks`.

    rendering    the URL of an event: pure
    endpoints    how many calls an endpoint may have at once: pure
    service      the table: put in, claim, record, tidy up

The calls themselves are made by `workers.postback_sender`, through `app.outbound`.
"""

from app.core.postbacks.endpoints import Ended, Endpoints
from app.core.postbacks.service import claim, enqueue, record, tidy
from app.core.postbacks.values import Due, Result

__all__ = ["Due", "Ended", "Endpoints", "Result", "claim", "enqueue", "record", "tidy"]
