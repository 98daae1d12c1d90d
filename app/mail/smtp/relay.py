"""Relays: the route that a list of URLs describes.

May import `app.mail.smtp.hosts` and the standard library.
"""

import re
from dataclasses import replace
from ipaddress import ip_address
from urllib.parse import parse_qsl, unquote, urlsplit

from app.mail.smtp.hosts import Host, Route, Tls

MAX_RELAYS = 20
"""Most relays of one route."""
MAX_WEIGHT = 100
MAX_PRIORITY = 1000

_BETWEEN = re.compile(r"\s*,\s*(?=smtps?://)")  # a password may hold a comma
_NAME = re.compile(r"[^\s#/\\,%]{1,255}")
_WISHES: dict[str, Tls] = {"none": "none", "opportunistic": "opportunistic", "required": "required"}


def relay_route(url: str) -> Route:
    """Return the route of one relay, `smtp[s]://[user:pass@]host[:port][?tls=none|opportunistic|required]`.

    Name and password are percent-decoded. The port is 25, or 465 for `smtps`. With a password, `smtp` requires
    STARTTLS unless the host is a loopback address or `tls` says otherwise.

    Raises:
        ValueError: The URL is not of this form; the text says why and never repeats the password.
    """
    host = _relay(url)
    alone = replace(host, tls=None, username="", password="")
    return Route(f"relay:{_label(host)}", (alone,), host.tls or "opportunistic", host.username, host.password)


def relay_routes(urls: str) -> Route:
    """Return the route over several relays: URLs as `relay_route` takes them, separated by commas.

    Each may say `weight` (1 to 100, default 1: its share among relays of equal priority) and `priority` (0 to 1000,
    default 0: lower ones first, the others when these fail) in its query.

    Raises:
        ValueError: A URL is not of this form, or two name the same relay; the text never repeats a password.
    """
    parts = _BETWEEN.split(urls.strip())
    if len(parts) > MAX_RELAYS:
        raise ValueError(f"more than {MAX_RELAYS} relay URLs")
    if len(parts) == 1:
        return relay_route(parts[0])
    hosts = tuple(_relay(part) for part in parts)
    labels = sorted(_label(host) for host in hosts)
    if len({(host.name, host.port) for host in hosts}) < len(hosts):
        raise ValueError("two relay URLs name the same host and port")
    return Route(f"relay:{','.join(labels)}", hosts)


def _relay(url: str) -> Host:
    """Read one URL.

    Raises:
        ValueError: It is not of the form.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname or ""
    except ValueError:
        # The cause is left out: urllib's words may hold a piece of the password.
        raise ValueError("the relay URL is not valid: check host and port") from None
    if parts.scheme not in {"smtp", "smtps"}:
        raise ValueError("the relay URL must begin with smtp:// or smtps://")
    if not _NAME.fullmatch(host) or parts.path not in {"", "/"} or parts.fragment or port == 0:
        raise ValueError("the relay URL must be smtp[s]://[user:pass@]host[:port]")
    username, password = unquote(parts.username or ""), unquote(parts.password or "")
    if bool(username) != bool(password):
        raise ValueError("the relay URL needs both a user name and a password, or neither")
    asked = dict(parse_qsl(parts.query, keep_blank_values=True))
    weight = _number(asked, "weight", default=1, least=1, most=MAX_WEIGHT)
    priority = _number(asked, "priority", default=0, least=0, most=MAX_PRIORITY)
    tls = _tls(parts.scheme, asked, secret=bool(password) and not _is_loopback(host))
    port = port or (465 if tls == "implicit" else 25)
    return Host(host, port, "", priority, weight, tls, username, password)


def _number(asked: dict[str, str], name: str, *, default: int, least: int, most: int) -> int:
    """Take a number out of the query.

    Raises:
        ValueError: It is none, or out of range.
    """
    text = asked.pop(name, None)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and least <= int(text) <= most):  # noqa: PLR2004 int() is bounded
        raise ValueError(f"{name} of the relay URL must be a number from {least} to {most}")
    return int(text)


def _tls(scheme: str, asked: dict[str, str], *, secret: bool) -> Tls:
    """Choose how a relay is spoken to.

    Raises:
        ValueError: The query asks for something it may not ask for.
    """
    wish = asked.pop("tls", None)
    if asked:
        raise ValueError("the query of the relay URL may hold tls, weight and priority")
    if wish is not None and (scheme == "smtps" or wish not in _WISHES):
        raise ValueError("the relay URL may say tls=none, opportunistic or required, with smtp:// only")
    if scheme == "smtps":
        return "implicit"
    if wish is not None:
        return _WISHES[wish]
    return "required" if secret else "opportunistic"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _label(host: Host) -> str:
    return f"{host.name}:{host.port}"
