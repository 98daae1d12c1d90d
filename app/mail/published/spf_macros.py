"""Domain names with macros in them. Imports `records`.

Source: RFC 7208, 7.
"""

import re
from dataclasses import dataclass

from app.mail.published.records import Address

MAX_NAME = 253
"""Longest name; a longer one loses labels in front (7.3)."""
_MACRO = re.compile(r"%\{([a-z])([0-9]*)(r?)([-.+,/_=]*)\}|%([%_-])", re.IGNORECASE | re.ASCII)
_LITERAL = {"%": "%", "_": " ", "-": "%20"}
_MAX_DIGITS = 3


class NoAddress(Exception):
    """The name depends on the sending address, and there is none."""


@dataclass(frozen=True, slots=True)
class Values:
    """What macros stand for.

    Attributes:
        sender: The envelope sender.
        domain: Whose record is read.
        address: Of the sending host; None: it is not known.
        helo: What the host calls itself.
    """

    sender: str
    domain: str
    address: Address | None
    helo: str


def expand(text: str, values: Values) -> str:
    """Return a name without macros and without a final dot.

    Raises:
        NoAddress: It needs the sending address.
    """
    name = _MACRO.sub(lambda match: _expanded(match, values), text).rstrip(".")
    while len(name) > MAX_NAME and "." in name:
        name = name.partition(".")[2]
    return name[:MAX_NAME]


def _expanded(match: re.Match[str], values: Values) -> str:
    if match[5]:
        return _LITERAL[match[5]]
    parts = re.split("[" + re.escape(match[4] or ".") + "]", _value(match[1].lower(), values))
    if match[3]:
        parts.reverse()
    kept = int(match[2][:_MAX_DIGITS]) if match[2] else 0
    return ".".join(parts[-kept:])


def _value(letter: str, values: Values) -> str:
    if letter in "iv":
        return _of_address(letter, values.address)
    local, _, domain = values.sender.rpartition("@")
    known = {"s": values.sender, "l": local or "postmaster", "o": domain, "d": values.domain, "h": values.helo}
    return known.get(letter, "unknown")  # p must not be relied on; c, r and t are for explanations


def _of_address(letter: str, address: Address | None) -> str:
    """Return the address, an IPv6 one nibble by nibble, or the name of its kind.

    Raises:
        NoAddress: There is none.
    """
    if address is None:
        raise NoAddress
    if letter == "v":
        return "in-addr" if address.version == 4 else "ip6"  # noqa: PLR2004 of IP
    return str(address) if address.version == 4 else ".".join(address.exploded.replace(":", ""))  # noqa: PLR2004 of IP
