"""Fixtures of all tests, and a guard: nothing here talks to another machine."""

import gc
import sys
from ipaddress import ip_address

import pytest
from hypothesis import settings

# What is imported now stays until the end: the collector need not look for garbage in it, neither now nor later.
gc.disable()

# The same examples in every run, and no clock: a busy machine is no failure.
settings.register_profile("trireme", deadline=None, derandomize=True)
settings.load_profile("trireme")

pytest_plugins = [
    "tests.fixtures.servers",
    "tests.fixtures.passwords",
    "tests.fixtures.database",
    "tests.fixtures.http",
    "tests.fixtures.factories",
]


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Let the collector look only at what tests make."""
    gc.freeze()
    gc.enable()


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
