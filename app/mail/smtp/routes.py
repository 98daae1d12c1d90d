"""Where mail goes: the front door of relays and MX look-ups. May import `app.mail.smtp` below `connection`."""

from app.mail.smtp.hosts import Host, Route, Tls
from app.mail.smtp.lookups import dns_resolver
from app.mail.smtp.mx import MxResolver
from app.mail.smtp.relay import relay_route, relay_routes

__all__ = ["Host", "MxResolver", "Route", "Tls", "dns_resolver", "relay_route", "relay_routes"]
