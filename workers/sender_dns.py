"""DNS as the tasks of senders ask it, and what they look for. May import everything in `app`."""

from functools import cache
from ipaddress import ip_address
from urllib.parse import urlsplit

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
    """Return what SPF records have to cover by the settings, this process's unless others are given."""
    given = given or settings()
    name = given.senders.spf_include or urlsplit(given.public_url).hostname or ""
    addresses = [ip_address(one.strip()) for one in given.delivery.source_addresses.split(",") if one.strip()]
    return Expected(name, addresses)
