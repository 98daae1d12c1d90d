"""URLs of customers, taken apart once and strictly. Imports its siblings `addresses` and `errors`.

A URL that two programs could read differently is refused rather than repaired: what is checked must be what is called.
"""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from urllib.parse import quote

import idna

from app.outbound.addresses import is_allowed
from app.outbound.errors import Refused

MAX_URL = 8192
"""Longest URL, in characters, before and after its odd characters are encoded."""
MAX_HOST = 253
PORTS = {"http": 80, "https": 443}
NO_ENDPOINT = "none"
"""The endpoint of what can't be called."""
_PARTS = re.compile(r"(https?)://([^/?#]*)([^?#]*)(\?[^#]*)?(?:#.*)?", re.IGNORECASE | re.DOTALL)
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:@]+)(?::([0-9]{1,5}))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\\\ud800-\udfff]")
_ODD = re.compile(r"[^\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call goes.

    Attributes:
        scheme: `http` or `https`.
        host: An ASCII name in lower case, or an IP address in its canonical form, without brackets.
        port: 1 to 65535.
        path: Begins with a slash; as given, with what is not ASCII and blanks encoded.
        query: As given, without its question mark, encoded likewise.
        address: The host, when it is an address.
    """

    scheme: str
    host: str
    port: int
    path: str
    query: str
    address: IPv4Address | IPv6Address | None

    @property
    def endpoint(self) -> str:
        """`scheme://host:port`: what is called together is dead together."""
        return f"{self.scheme}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def parse(url: str) -> Target:
    """Take a URL apart.

    Args:
        url: As the customer wrote it, tokens replaced.

    Raises:
        Refused: It is no absolute http or https URL, names a user, has an odd host or port, or is too long.
    """
    if len(url) > MAX_URL:
        raise Refused("the URL is too long")
    if _FORBIDDEN.search(url):
        raise Refused("the URL has control characters or backslashes")
    parts = _PARTS.fullmatch(url)
    if parts is None:
        raise Refused("the URL does not begin with http:// or https://")
    scheme = parts[1].lower()
    authority = _AUTHORITY.fullmatch(parts[2])
    if authority is None:
        raise Refused("the URL has no plain host and port")
    port = int(authority[2]) if authority[2] else PORTS[scheme]
    if not 0 < port < 65536:  # noqa: PLR2004 TCP's
        raise Refused("the URL has an impossible port")
    host, address = _host(authority[1])
    path, query = _encoded(parts[3]) or "/", _encoded((parts[4] or "?")[1:])
    if len(path) + len(query) > MAX_URL:
        raise Refused("the URL is too long")
    return Target(scheme, host, port, path, query, address)


def endpoint_of(url: str) -> str:
    """Return `scheme://host:port` of a URL, or `none` when it can't be called anyway."""
    try:
        return parse(url).endpoint
    except Refused:
        return NO_ENDPOINT


def refuse_hopeless(url: str, *, anywhere: bool) -> None:
    """See that a URL may be kept: it is well formed, and no address of a network that may not be called.

    Where a name leads is seen when it is called.

    Args:
        url: As the customer wrote it.
        anywhere: Whether private networks may be called.

    Raises:
        Refused: It could never be called.
    """
    target = parse(url)
    if target.address is not None and not anywhere and not is_allowed(target.address):
        raise Refused("the host is in a network that may not be called")


def _host(given: str) -> tuple[str, IPv4Address | IPv6Address | None]:
    """Return the host in its one spelling, and the address it is.

    Raises:
        Refused: It is neither a name nor an address in its usual form.
    """
    if given.startswith("["):
        try:
            six = IPv6Address(given[1:-1])
        except AddressValueError:
            raise Refused("the URL's host is no IPv6 address") from None
        return str(six), six
    name = given.lower()
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii").lower()
        except (idna.IDNAError, UnicodeError):
            raise Refused("the URL's host is no name") from None
    labels = name.split(".")
    if len(name) > MAX_HOST or not all(_LABEL.fullmatch(label) for label in labels):
        raise Refused("the URL's host is no name")
    if _NUMBER.fullmatch(labels[-1]):
        # Whatever ends in a number is an address to one program or another: 127.1, 0x7f000001, 0177.0.0.1.
        try:
            four = IPv4Address(name)
        except AddressValueError:
            raise Refused("the URL's host is an address in an odd spelling") from None
        return str(four), four
    return name, None


def _encoded(part: str) -> str:
    """Encode what can't stand in a request line; what is encoded already stays as it is."""
    return _ODD.sub(lambda found: quote(found[0], safe=""), part)
