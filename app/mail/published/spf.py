"""Whether a domain lets us send: its SPF record evaluated. Imports its siblings.

A domain lets us send when its record lets each of our sending addresses pass, and including, or redirecting to, the
name we tell customers to include lets all of them pass. The record is evaluated from left to right as a receiver does
it, so that an `include` behind an `all`, or one that says `?include`, is worth nothing. While our addresses are not
known, what asks for them matches nothing.

Source: RFC 7208, 4 and 5.
"""

from collections.abc import Sequence
from ipaddress import ip_network

from app.mail.published.records import Address, Records
from app.mail.published.spf_macros import NoAddress, Values, expand
from app.mail.published.spf_terms import Malformed, Mechanism, Policy, is_policy, read_policy

MAX_LOOKUPS = 10
"""Terms that ask DNS, in one evaluation (4.6.4)."""
MAX_VOID = 2
"""Of their questions those that may find nothing (4.6.4)."""
MAX_HOSTS = 10
"""Hosts of one `mx` (4.6.4)."""
MAX_ADDRESSES = 100
"""Of our own addresses the first that are asked about."""


class _Fault(Exception):
    """`permerror`: no receiver goes on from here."""


async def lets_us_send(records: Records, domain: str, *, name: str, addresses: Sequence[Address], sender: str) -> bool:
    """Tell whether a domain's SPF record covers us; no record, or one with a fault in it, does not.

    Args:
        records: DNS.
        domain: Of the From address.
        name: The name that customers include; empty: there is none.
        addresses: We send from these; empty: they are not known, and only the name counts.
        sender: The From address, for records with macros.

    Raises:
        NoAnswer: DNS does not say.
    """
    asked = _Remembered(records)
    for address in addresses[:MAX_ADDRESSES] or (None,):
        if not await _passes(asked, domain, name=name, address=address, sender=sender):
            return False
    return True


async def _passes(records: Records, domain: str, *, name: str, address: Address | None, sender: str) -> bool:
    evaluation = _Evaluation(records, name.lower().rstrip("."), address, sender)
    try:
        return await evaluation.result(domain.lower().rstrip(".")) == "+"
    except (_Fault, Malformed):
        return False


class _Remembered:
    """Asks each question once: our addresses share one domain's records."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._texts: dict[str, Sequence[str]] = {}
        self._addresses: dict[tuple[str, int], Sequence[Address]] = {}
        self._exchanges: dict[str, Sequence[str]] = {}

    async def texts(self, name: str) -> Sequence[str]:
        if name not in self._texts:
            self._texts[name] = await self._records.texts(name)
        return self._texts[name]

    async def addresses(self, name: str, *, version: int) -> Sequence[Address]:
        if (name, version) not in self._addresses:
            self._addresses[name, version] = await self._records.addresses(name, version=version)
        return self._addresses[name, version]

    async def exchanges(self, name: str) -> Sequence[str]:
        if name not in self._exchanges:
            self._exchanges[name] = await self._records.exchanges(name)
        return self._exchanges[name]


class _Evaluation:
    """One run of check_host() for one address; without an address only what holds for all of them matches."""

    def __init__(self, records: Records, ours: str, address: Address | None, sender: str) -> None:
        self._records = records
        self._ours = ours
        self._address = address
        self._sender = sender
        self._lookups = 0
        self._void = 0

    async def result(self, domain: str) -> str:
        """Return the qualifier that counts; "" when the domain has no record, "?" when nothing matches.

        Raises:
            _Fault: The policy is broken.
            NoAnswer: DNS does not say.
            Malformed: A record is.
        """
        while True:  # a redirect is a look-up, and those are counted
            policy = await self._policy(domain)
            if policy is None:
                return ""
            for mechanism in policy.mechanisms:
                if await self._matches(mechanism, domain):
                    return mechanism.qualifier
            if not policy.redirect or any(one.name == "all" for one in policy.mechanisms):
                return "?"
            target = self._name(policy.redirect, domain)
            if target is None:
                return "?"
            if target == self._ours:
                return "+"
            self._count()
            if await self._policy(target) is None:
                raise _Fault("a redirect to nothing")
            domain = target

    async def _policy(self, domain: str) -> Policy | None:
        """Return the record of a domain.

        Raises:
            _Fault: It has two.
        """
        found = [text for text in await self._records.texts(domain) if is_policy(text)]
        if len(found) > 1:
            raise _Fault("two records")
        return read_policy(found[0]) if found else None

    async def _matches(self, mechanism: Mechanism, domain: str) -> bool:
        if mechanism.name in {"ip4", "ip6"}:
            return self._address is not None and self._address in (mechanism.network or ())
        if mechanism.name == "include":
            return await self._includes(mechanism, domain)
        return mechanism.name == "all" or await self._is_named(mechanism, domain)

    async def _is_named(self, mechanism: Mechanism, domain: str) -> bool:
        """Tell whether the address is one of those that a name stands for."""
        self._count()
        target = self._name(mechanism.domain, domain) if mechanism.domain else domain
        if self._address is None or target is None:
            return False
        match mechanism.name:
            case "a":
                return await self._is_host(target, mechanism)
            case "mx":
                return await self._is_exchange(target, mechanism)
            case "exists":
                return bool(await self._found(target, version=4))
            case _:  # ptr: not to be used (5.5), and no receiver's answer can be foretold
                return False

    async def _includes(self, mechanism: Mechanism, domain: str) -> bool:
        """Tell whether the included policy passes.

        Raises:
            _Fault: There is none.
        """
        self._count()
        target = self._name(mechanism.domain, domain)
        if target is None:
            return False
        if target == self._ours:
            return True
        result = await self.result(target)
        if not result:
            raise _Fault("an include of nothing")
        return result == "+"

    async def _is_host(self, name: str, mechanism: Mechanism) -> bool:
        assert self._address is not None  # noqa: S101 the caller has looked
        found = await self._found(name, version=self._address.version)
        return self._is_within(found, mechanism)

    async def _is_exchange(self, name: str, mechanism: Mechanism) -> bool:
        """Tell whether the address is that of an MX host.

        Raises:
            _Fault: There are too many of them.
        """
        hosts = await self._records.exchanges(name)
        self._count_void(hosts)
        if len(hosts) > MAX_HOSTS:
            raise _Fault("too many MX hosts")
        assert self._address is not None  # noqa: S101 the caller has looked
        for host in hosts:
            found = await self._records.addresses(host, version=self._address.version)
            if self._is_within(found, mechanism):
                return True
        return False

    def _is_within(self, found: Sequence[Address], mechanism: Mechanism) -> bool:
        bits = {4: mechanism.four, 6: mechanism.six}
        return any(self._address in ip_network((one, bits[one.version]), strict=False) for one in found)

    async def _found(self, name: str, *, version: int) -> Sequence[Address]:
        found = await self._records.addresses(name, version=version)
        self._count_void(found)
        return found

    def _name(self, text: str, domain: str) -> str | None:
        """Return the name a term means; None when that depends on an address that is not known."""
        values = Values(self._sender, domain, self._address, domain)
        try:
            return expand(text, values).lower()
        except NoAddress:
            return None

    def _count(self) -> None:
        """Count a term that asks DNS.

        Raises:
            _Fault: There are too many.
        """
        self._lookups += 1
        if self._lookups > MAX_LOOKUPS:
            raise _Fault("too many look-ups")

    def _count_void(self, found: Sequence[object]) -> None:
        """Count a question that found nothing.

        Raises:
            _Fault: There are too many.
        """
        self._void += not found
        if self._void > MAX_VOID:
            raise _Fault("too many empty answers")
