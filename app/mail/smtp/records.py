"""DNS for `app.mail.published`: its questions asked through `Lookups`.

May import `dns`, `app.mail.smtp.lookups`, `app.mail.published.records` and the standard library.
"""

from collections.abc import Sequence
from ipaddress import ip_address

import dns.rdtypes.ANY.CNAME
import dns.rdtypes.ANY.MX
import dns.rdtypes.ANY.TXT
import dns.resolver
from dns.rdatatype import RdataType

from app.mail.published.records import Address, NoAnswer
from app.mail.smtp.lookups import Lookups, NoDnsAnswer, dns_resolver

MAX_TEXT = 16_384
"""Octets of one TXT record that are looked at."""


QUESTION_SECONDS = 5.0
"""How long one question may take where nothing else is said."""


class DnsRecords:
    """Asks DNS for texts, addresses and exchanges."""

    def __init__(self, lookups: Lookups) -> None:
        """Prepare; nothing is asked."""
        self._lookups = lookups

    async def texts(self, name: str) -> Sequence[str]:
        """Return the TXT records of a name, the strings of each as one (RFC 7208, 3.3; RFC 6376, 3.6.2.2).

        Raises:
            NoAnswer: DNS does not say.
        """
        found = await self._ask(name, RdataType.TXT)
        return [
            b"".join(one.strings)[:MAX_TEXT].decode("utf-8", "replace")
            for one in found
            if isinstance(one, dns.rdtypes.ANY.TXT.TXT)
        ]

    async def addresses(self, name: str, *, version: int) -> Sequence[Address]:
        """Return the addresses of a name.

        Raises:
            NoAnswer: DNS does not say.
        """
        found = await self._ask(name, RdataType.A if version == 4 else RdataType.AAAA)  # noqa: PLR2004 of IP
        return [ip_address(one.to_text()) for one in found]

    async def exchanges(self, name: str) -> Sequence[str]:
        """Return the hosts of a name's MX records, the most preferred first.

        Raises:
            NoAnswer: DNS does not say.
        """
        found = [one for one in await self._ask(name, RdataType.MX) if isinstance(one, dns.rdtypes.ANY.MX.MX)]
        found.sort(key=lambda one: int(one.preference))
        return [one.exchange.to_text(omit_final_dot=True).lower() for one in found]

    async def aliases(self, name: str) -> Sequence[str]:
        """Return where a name's CNAME record leads, in lower case without the final dot.

        Raises:
            NoAnswer: DNS does not say.
        """
        found = [one for one in await self._ask(name, RdataType.CNAME) if isinstance(one, dns.rdtypes.ANY.CNAME.CNAME)]
        return [one.target.to_text(omit_final_dot=True).lower() for one in found]

    async def _ask(self, name: str, rdtype: RdataType) -> Sequence[dns.rdata.Rdata]:
        """Return the records.

        Raises:
            NoAnswer: DNS does not say.
        """
        try:
            answer = await self._lookups.ask(name.rstrip(".") + ".", rdtype)
        except NoDnsAnswer as error:
            raise NoAnswer(str(error)) from error
        return answer.records


class LateRecords:
    """DNS for a process that may never ask: the name servers are looked for at the first question."""

    def __init__(self, name_servers: Sequence[str]) -> None:
        """Prepare.

        Args:
            name_servers: As address[:port]; empty: the machine's.
        """
        self._name_servers = list(name_servers)
        self._records: DnsRecords | None = None

    async def texts(self, name: str) -> Sequence[str]:
        """Return the TXT records of a name, as `DnsRecords` does."""
        return await self._asked().texts(name)

    async def addresses(self, name: str, *, version: int) -> Sequence[Address]:
        """Return the addresses of a name, as `DnsRecords` does."""
        return await self._asked().addresses(name, version=version)

    async def exchanges(self, name: str) -> Sequence[str]:
        """Return the MX hosts of a name, as `DnsRecords` does."""
        return await self._asked().exchanges(name)

    async def aliases(self, name: str) -> Sequence[str]:
        """Return where a name's CNAME record leads, as `DnsRecords` does."""
        return await self._asked().aliases(name)

    def _asked(self) -> DnsRecords:
        """Return the way to DNS.

        Raises:
            NoAnswer: No name server is given, and the machine has none.
        """
        if self._records is None:
            try:
                resolver = dns_resolver(self._name_servers)
            except dns.resolver.NoResolverConfiguration as error:
                raise NoAnswer("there is no name server to ask") from error
            self._records = DnsRecords(Lookups(resolver, timeout_seconds=QUESTION_SECONDS))
        return self._records
