"""An SPF record taken apart. Imports the standard library alone.

Source: RFC 7208, 4.5 (which record), 4.6 (syntax is checked before anything is evaluated), 5, 6 and 12.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

MAX_RECORD = 4096
"""Longest record that is looked at, in characters."""
MAX_TERMS = 200
VERSION = "v=spf1"
_TERM = re.compile(r"(?P<qualifier>[+?~-]?)(?P<name>[A-Za-z][A-Za-z0-9_.-]*)(?P<rest>.*)", re.DOTALL)
_PREFIX = re.compile(r"(?P<domain>.*?)(?:/(?P<four>0|[1-9][0-9]?))?(?://(?P<six>0|[1-9][0-9]{0,2}))?", re.DOTALL)
_DOMAIN = re.compile(
    r"(?:%\{[slodiphcrtvSLODIPHCRTV][0-9]*[rR]?[-.+,/_=]*\}|%%|%_|%-|[!-$&-~])+", re.ASCII
)  # macro-string, 7.1
_NEEDS_DOMAIN, _MAY_HAVE_DOMAIN, _NETWORK = {"include", "exists"}, {"a", "mx", "ptr"}, {"ip4": 4, "ip6": 6}


class Malformed(Exception):
    """The record can't be understood: `permerror`."""


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One mechanism.

    Attributes:
        name: In lower case.
        qualifier: `+`, `-`, `~` or `?`.
        domain: With macros, as written; empty: the domain of the record.
        four: Bits of the IPv4 prefix that must be equal.
        six: The same of IPv6.
        network: Of `ip4` and `ip6`.
    """

    name: str
    qualifier: str = "+"
    domain: str = ""
    four: int = 32
    six: int = 128
    network: IPv4Network | IPv6Network | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """A record.

    Attributes:
        mechanisms: In order.
        redirect: Whose policy counts when nothing matches; empty: nobody's.
    """

    mechanisms: Sequence[Mechanism]
    redirect: str = ""


def is_policy(record: str) -> bool:
    """Tell whether a TXT record is an SPF record at all (4.5)."""
    return record[: len(VERSION)].lower() == VERSION and record[len(VERSION) : len(VERSION) + 1] in {"", " "}


def read_policy(record: str) -> Policy:
    """Return the terms of a record that `is_policy`.

    Raises:
        Malformed: Any term of it is not valid, needed or not.
    """
    terms = [term for term in record[len(VERSION) :].split(" ") if term]
    if len(record) > MAX_RECORD or len(terms) > MAX_TERMS:
        raise Malformed("too long")
    mechanisms: list[Mechanism] = []
    modifiers: dict[str, str] = {}
    for term in terms:
        match = _TERM.fullmatch(term)
        if match is None:
            raise Malformed(term)
        name, rest = match["name"].lower(), match["rest"]
        if rest.startswith("=") and not match["qualifier"]:
            if name in modifiers and name in {"redirect", "exp"}:
                raise Malformed(f"{name} twice")
            if name in {"redirect", "exp"} and not _DOMAIN.fullmatch(rest[1:]):
                raise Malformed(term)
            modifiers[name] = rest[1:]
        else:
            mechanisms.append(_mechanism(name, match["qualifier"] or "+", rest))
    return Policy(mechanisms, modifiers.get("redirect", ""))


def _mechanism(name: str, qualifier: str, rest: str) -> Mechanism:
    """Return one mechanism.

    Raises:
        Malformed: It is not valid, or unknown.
    """
    if name == "all" and not rest:
        return Mechanism(name, qualifier)
    if name in _NETWORK and rest.startswith(":"):
        return Mechanism(name, qualifier, network=_network(rest[1:], _NETWORK[name]))
    if name in _NEEDS_DOMAIN and rest.startswith(":") and _DOMAIN.fullmatch(rest[1:]):
        return Mechanism(name, qualifier, rest[1:])
    if name in _MAY_HAVE_DOMAIN and (not rest or rest[0] in ":/"):
        return _with_prefix(name, qualifier, rest)
    raise Malformed(name)


def _with_prefix(name: str, qualifier: str, rest: str) -> Mechanism:
    """Return an `a`, `mx` or `ptr`.

    Raises:
        Malformed: Its domain or its prefix is not valid.
    """
    match = _PREFIX.fullmatch(rest)
    assert match is not None  # noqa: S101 every part is optional
    domain, four, six = match["domain"], int(match["four"] or 32), int(match["six"] or 128)
    if domain and not (domain.startswith(":") and _DOMAIN.fullmatch(domain[1:])):
        raise Malformed(domain)
    if four > 32 or six > 128 or (name == "ptr" and (match["four"] or match["six"])):  # noqa: PLR2004 bits
        raise Malformed(rest)
    return Mechanism(name, qualifier, domain[1:], four, six)


def _network(text: str, version: int) -> IPv4Network | IPv6Network:
    """Return a network.

    Raises:
        Malformed: It is none of this version.
    """
    if "%" in text or ("/" in text and not re.fullmatch(r"0|[1-9][0-9]{0,2}", text.partition("/")[2], re.ASCII)):
        raise Malformed(text)
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise Malformed(text) from None
    if network.version != version:
        raise Malformed(text)
    return network
