"""DNS for `app.mail.published`: its questions asked through `Lookups`.

May import `dns`, `app.mail.smtp.lookups`, `app.mail.published.records` and the standard library.
"""

from collections.abc import Sequence
from ipaddress import ip_address

import dns.rdtypes.ANY.MX
import dns.rdtypes.ANY.TXT
from dns.rdatatype import RdataType

from app.mail.published.records import Address, NoAnswer
from app.mail.smtp.lookups import Lookups, NoDnsAnswer

MAX_TEXT = 16_384
"""Octets of one TXT record that are looked at."""


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
