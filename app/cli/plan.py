"""What `up` is asked for, and the settings it gives to the parts. Imports `app.settings` and `app.kit`."""

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from app.cli.configuration import NotConfigured, is_given
from app.kit.ports import becomes_free, free_ports

SECRET_BYTES = 32
BOUNCE_DOMAIN = "bounces.localhost.test"
USERNAME = "admin@localhost.test"
SENDER = "hello@localhost.test"
PORTS = ("api.port", "dyno.port", "sandbox.port", "intake.port")
RELEASE_SECONDS = 2.0
"""How long the ports of a killed run may stay taken."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of `trireme up`, as typed."""

    data_dir: Path
    ports: str = "fixed"
    workers: int = 0
    relay: str = ""
    mx: bool = False
    database_url: str = ""
    broker_url: str = ""
    identity: str = ""
    stage: Path | None = None

    @property
    def delivery_processes(self) -> int:
        """How many delivery processes to start."""
        return self.workers or min(2, os.cpu_count() or 1)


def new_secrets() -> dict[str, object]:
    """Return what secrets.json begins with; the key of the account is added when it is made."""
    return {
        "secret_keys": [secrets.token_urlsafe(SECRET_BYTES)],
        "username": USERNAME,
        "password": secrets.token_urlsafe(18),
        "api_key": "",
    }


def route_values(options: Options) -> dict[str, object]:
    """Return the settings of the route that was asked for.

    Raises:
        NotConfigured: Two routes at once, or a relay that is no address.
    """
    if options.relay and options.mx:
        raise NotConfigured("--relay and --mx exclude each other")
    if options.mx:
        return {"delivery.route": "mx"}
    if not options.relay:
        return {}
    try:
        url = urlsplit(options.relay)
        fits = url.scheme in {"smtp", "smtps"} and url.hostname and url.port
    except ValueError:
        fits = False
    if not fits:
        raise NotConfigured("--relay needs smtp[s]://[user:pass@]host:port")
    return {"delivery.route": "relay", "delivery.relay_url": options.relay}


def port_values(options: Options, last: Mapping[str, object]) -> dict[str, object]:
    """Return the ports when free ones were asked for; otherwise the settings' own hold.

    Args:
        options: As typed.
        last: The ports of the last run, by the same names; taken again where they are free, so that what knows the old
            addresses finds the new run.

    Raises:
        NotConfigured: Neither `auto` nor `fixed`.
    """
    if options.ports not in {"auto", "fixed"}:
        raise NotConfigured("--ports takes 'auto' or 'fixed'")
    if options.ports == "fixed":
        return {}
    again = [last.get(name) for name in PORTS]
    if all(isinstance(port, int) and becomes_free("127.0.0.1", port, RELEASE_SECONDS / 2) for port in again):
        return dict(zip(PORTS, again, strict=True))
    return dict(zip(PORTS, free_ports(len(PORTS)), strict=True))


def require_free(listeners: dict[str, tuple[str, int]]) -> None:
    """Check that nobody else listens where the parts will.

    Raises:
        NotConfigured: Naming the first port that is taken, and what to do.
    """
    for name, (host, port) in listeners.items():
        if port and not becomes_free(host, port, RELEASE_SECONDS):
            raise NotConfigured(
                f"Port {port} on {host} ({name}) is in use by another program. Stop that program, set "
                f"TRIREME_{name.replace('.', '_').upper()} to another port, or start with --ports auto."
            )


def with_defaults(values: dict[str, object], defaults: dict[str, Callable[[], object]]) -> dict[str, object]:
    """Return `values` and the defaults that neither they nor the environment nor a file give."""
    missing = {name: make() for name, make in defaults.items() if name not in values and not is_given(name)}
    return values | missing
