"""DNS as the tasks of senders ask it, and what they look for. May import everything in `app`."""

from functools import cache

from app.core.senders import Expected
from app.mail.smtp.lookups import Lookups, dns_resolver
from app.mail.smtp.records import DnsRecords
from app.settings import Settings, settings

QUESTION_SECONDS = 5.0


@cache
def records() -> DnsRecords:
    """Return this process's way to DNS: the name servers of delivery.

    Raises:
        dns.resolver.NoResolverConfiguration: None is given, and the machine has none.
    """
    return DnsRecords(Lookups(dns_resolver(settings().delivery.name_servers), timeout_seconds=QUESTION_SECONDS))


def expected(given: Settings | None = None) -> Expected:
    """Return what senders' domains are to publish by the settings, this process's unless others are given."""
    return Expected.of(given or settings())
