"""Fixtures of all tests, and a guard: nothing here talks to another machine."""

import sys
from ipaddress import ip_address

from hypothesis import settings

# The same examples in every run, and no clock: a busy machine is no failure.
settings.register_profile("trireme", deadline=None, derandomize=True)
settings.load_profile("trireme")

pytest_plugins = [
    "tests.fixtures.servers",
    "tests.fixtures.database",
    "tests.fixtures.http",
    "tests.fixtures.factories",
]


def _is_local(host: object) -> bool:
    if host in {"localhost", ""}:
        return True
    try:
        address = ip_address(str(host))
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _refuse_outside(event: str, arguments: tuple[object, ...]) -> None:
    """Stop connections and datagrams to anything but loopback addresses and socket files."""
    if event in {"socket.connect", "socket.sendto"}:
        target = arguments[1]
        if isinstance(target, tuple) and target and not _is_local(target[0]):
            raise PermissionError(f"a test reached for {target[0]}")


sys.addaudithook(_refuse_outside)
