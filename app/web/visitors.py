"""Who asks, and for what: address and program of a visitor, the copy a token names. Imports `app.mail.tracking`, kit.

The address is what the server says: behind a proxy that is trusted (`proxy.trusted`) the one it forwarded.
"""

from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address

from starlette.requests import Request

from app.core.errors import NotFound
from app.dependencies import runtime_of
from app.kit.secrets import derive
from app.mail.campaign import Links
from app.mail.tracking import Purpose, read
from app.settings import Settings

MAX_AGENT = 500
"""Characters of a User-Agent that are kept."""
_MAX_IP = 64


def ip_of(request: Request) -> str:
    """Return the visitor's IP address; "" when it is not known, or a proxy forwarded something else."""
    client = request.scope.get("client")
    return _clean_ip(client[0]) if client and len(client[0]) <= _MAX_IP else ""


def agent_of(request: Request) -> str:
    """Return the visitor's User-Agent, cut and without control characters; "" without one."""
    for name, value in request.scope["headers"]:
        if name == b"user-agent":
            text = str(value[:MAX_AGENT], "latin-1")
            return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)
    return ""


def keys_of(settings: Settings, purpose: str) -> tuple[bytes, ...]:
    """Return the keys of all secret keys for one purpose, the signing one first."""
    return _keys(tuple(settings.secret_keys), purpose)


def links_of(settings: Settings) -> Links:
    """Return what our own links in a mail are made of."""
    return Links(settings.public_url, settings.bounce_domain, keys_of(settings, "tracking")[0])


def named_copy(request: Request, purpose: Purpose) -> tuple[int, datetime]:
    """Return the (message id, second of acceptance) that the token of this URL names.

    Raises:
        NotFound: It is none of ours for this purpose.
    """
    keys = keys_of(runtime_of(request).settings, "tracking")
    found = read(keys, request.path_params["token"], purpose)
    if found is None:
        raise NotFound("no such link")
    return found[1], datetime.fromtimestamp(found[0], UTC)


@lru_cache(maxsize=4096)
def _clean_ip(host: str) -> str:
    try:
        return str(ip_address(host.partition("%")[0]))  # a zone is the machine's own affair
    except ValueError:
        return ""


@lru_cache(maxsize=16)
def _keys(secret_keys: tuple[str, ...], purpose: str) -> tuple[bytes, ...]:
    return tuple(derive(key, purpose) for key in secret_keys)
