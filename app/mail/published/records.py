"""Whom to ask for records, and what is said when there is no answer. Imports the standard library alone."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Protocol

Address = IPv4Address | IPv6Address


class NoAnswer(Exception):
    """DNS did not say: a time-out or a failing server. What was known before is as good as ever."""


class Records(Protocol):
    """DNS, as far as it is needed here; a name that does not exist has no records."""

    async def texts(self, name: str) -> Sequence[str]:
        """Return the TXT records of a name, the strings of each as one.

        Raises:
            NoAnswer: DNS does not say.
        """
        ...

    async def addresses(self, name: str, *, version: int) -> Sequence[Address]:
        """Return the addresses of a name: A records for version 4, AAAA for 6.

        Raises:
            NoAnswer: DNS does not say.
        """
        ...

    async def exchanges(self, name: str) -> Sequence[str]:
        """Return the hosts of a name's MX records, the most preferred first.

        Raises:
            NoAnswer: DNS does not say.
        """
        ...


class AllRecords(Records, Protocol):
    """DNS, with the one thing more that the names of our own servers need."""

    async def aliases(self, name: str) -> Sequence[str]:
        """Return where a name's CNAME record leads, in lower case without the final dot.

        Raises:
            NoAnswer: DNS does not say.
        """
        ...
