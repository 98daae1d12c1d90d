"""The servers of a domain as DNS knows them: addresses, and what DANE says about each.

May import `dns`, `app.mail.smtp.dane`, `app.mail.smtp.lookups` and the standard library.

Source: RFC 5321 section 5.1, RFC 7672 section 2.2.
"""

import asyncio
import random
from dataclasses import dataclass

from dns.rdatatype import RdataType
from dns.rdtypes.ANY.TLSA import TLSA
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA

from app.mail.smtp.dane import Dane, Tlsa
from app.mail.smtp.lookups import Answer, Lookups, NoDnsAnswer

MAX_PER_FAMILY = 3
"""Most IPv4 and most IPv6 addresses of one server; which ones is drawn at each look-up."""


@dataclass(frozen=True, slots=True)
class Server:
    """One name and its addresses."""

    name: str
    preference: int
    addresses: tuple[str, ...]
    """IPv4 first."""
    unknown: bool
    """Whether DNS failed to say and there may be (more) addresses."""
    ttl: float
    """How long the addresses hold, in seconds."""
    bases: tuple[str, ...]
    """Names to look for TLSA records at, in this order; empty when the addresses are not authentic."""


@dataclass(frozen=True, slots=True)
class TlsaFound:
    """What DANE says about a server."""

    failed: bool = False
    """DNS did not say: the server must not be used (RFC 7672, 2.1.2)."""
    dane: Dane | None = None
    encrypted: bool = False
    """There are records, and none is usable: TLS, whatever the certificate (RFC 7672, 2.2)."""
    ttl: float = float("inf")


async def find_server(lookups: Lookups, name: str, preference: int) -> Server:
    """Return a server with its addresses; DNS that does not answer is told in it, not raised."""
    asked = await asyncio.gather(
        *(lookups.ask(name, rdtype) for rdtype in (RdataType.A, RdataType.AAAA)), return_exceptions=True
    )
    answers: list[Answer] = []
    for answer in asked:
        if isinstance(answer, Answer):
            answers.append(answer)
        elif not isinstance(answer, NoDnsAnswer):
            raise answer
    found: list[str] = []
    for answer in answers:
        addresses = [str(record.address) for record in answer.records if isinstance(record, A | AAAA)]
        random.shuffle(addresses)
        found += addresses[:MAX_PER_FAMILY]
    # What did not come is left aside: else whoever swallows one answer could switch DANE off.
    authentic = bool(answers) and all(answer.authentic for answer in answers)
    canonical = answers[0].canonical if answers else ""
    bases = tuple(dict.fromkeys(base for base in (canonical, name) if base)) if authentic else ()
    ttl = min((answer.ttl for answer in answers if answer.records), default=0.0)
    return Server(name, preference, tuple(found), len(answers) < len(asked), ttl, bases)


async def find_tlsa(lookups: Lookups, server: Server, port: int) -> TlsaFound:
    """Return what DANE says about a server with authentic addresses: first under its real name, then its alias."""
    ttl = float("inf")
    for base in server.bases:
        try:
            answer = await lookups.ask(f"_{port}._tcp.{base}", RdataType.TLSA)
        except NoDnsAnswer:
            return TlsaFound(failed=True, ttl=0.0)
        ttl = min(ttl, answer.ttl)
        records = [record for record in answer.records if isinstance(record, TLSA)]
        if not records or not answer.authentic:
            continue
        read = [Tlsa(record.usage, record.selector, record.mtype, bytes(record.cert)) for record in records]
        usable = tuple(record for record in read if record.usable)
        return TlsaFound(dane=Dane(base, usable) if usable else None, encrypted=not usable, ttl=ttl)
    return TlsaFound(ttl=ttl)
