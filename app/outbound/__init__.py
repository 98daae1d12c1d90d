"""HTTP calls to URLs that customers gave: every one goes through here, and none reaches a network it should not.

    addresses    which IP addresses may be called
    targets      which URLs are well formed, and where they lead
    names        names to checked addresses, through the system, with time-outs and a short memory
    client       the calls
    endpoints    how many calls an endpoint may have at once: pure

A URL is taken apart once, strictly; its name is resolved once, every address is checked, and the connection goes to a
checked address and no other. Redirects are not followed. May import `app.settings` and `app.kit`. Only `client` loads
an HTTP client, and only who calls imports it.

Source: docs/contract/dyn-email.md, 17.
"""

from app.outbound.endpoints import Ended, Endpoints
from app.outbound.errors import Failed, OutboundError, Refused, TimedOut
from app.outbound.targets import endpoint_of, refuse_hopeless

__all__ = [
    "Ended",
    "Endpoints",
    "Failed",
    "OutboundError",
    "Refused",
    "TimedOut",
    "endpoint_of",
    "refuse_hopeless",
]
