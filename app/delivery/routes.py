"""Which way a copy goes: the sandbox inbox, the relays, or the recipient domain's MX hosts."""

from urllib.parse import urlsplit

from app.mail.smtp.outcome import Outcome
from app.mail.smtp.pool import Pool, Source
from app.mail.smtp.routes import MxResolver, Route, dns_resolver, relay_route, relay_routes
from app.settings import Settings


class Routes:
    """The ways of one delivery process."""

    def __init__(self, settings: Settings) -> None:
        """Prepare; nothing is looked up yet.

        Args:
            settings: The groups `delivery` and `sandbox`.

        Raises:
            ValueError: The address of a relay or of a name server can't be read.
        """
        delivery = settings.delivery
        self._settings = settings
        self._resolver: MxResolver | None = None
        self.fixed: Route | None = None
        """The way of every copy; None: it depends on the recipient's domain."""
        if delivery.route == "relay":
            self.fixed = relay_routes(delivery.relay_url)
        elif delivery.route == "sandbox":
            self.fixed = relay_route(f"smtp://{settings.sandbox.host}:{settings.sandbox.port}")
        else:
            self._resolver = MxResolver(
                dns_resolver(delivery.name_servers, dnssec=delivery.dane),
                dnssec=delivery.dane,
                mta_sts=delivery.mta_sts,
                ipv6=delivery.ipv6,
                own=delivery.own_names,
                allow_private=delivery.allow_private,
                port=delivery.mx_port,
            )

    async def of(self, domain: str) -> Route | Outcome:
        """Return the way to a domain (A-labels), or the outcome of mail to it."""
        if self.fixed is not None:
            return self.fixed
        assert self._resolver is not None  # noqa: S101 one of the two
        return await self._resolver.route(domain)

    def pool(self, route: Route, source: Source, *, connections: int, max_per_connection: int) -> Pool:
        """Return sessions for a way, none of them open yet."""
        delivery = self._settings.delivery
        return Pool(
            route,
            source,
            connections=connections,
            max_per_connection=max_per_connection,
            helo_name=delivery.helo_name or urlsplit(self._settings.public_url).hostname or "localhost",
            connect_timeout=delivery.connect_timeout_seconds,
            reply_timeout=delivery.reply_timeout_seconds,
            source_address=delivery.source_addresses,
        )
