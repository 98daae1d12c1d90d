"""TCP ports of this machine."""

import socket
import time
from contextlib import ExitStack


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port nobody listens on at this moment."""
    return free_ports(1, host)[0]


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Return that many different ports nobody listens on at this moment."""
    with ExitStack() as probes:
        found = []
        for _ in range(count):
            probe = probes.enter_context(socket.socket(_family(host), socket.SOCK_STREAM))
            probe.bind((host, 0))
            found.append(int(probe.getsockname()[1]))
        return found


def is_free(host: str, port: int) -> bool:
    """Tell whether a server could listen there now."""
    with socket.socket(_family(host), socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def becomes_free(host: str, port: int, timeout_seconds: float) -> bool:
    """Wait a moment for a port, for example while the processes of a killed run still end."""
    deadline = time.monotonic() + timeout_seconds
    while not is_free(host, port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def is_answering(host: str, port: int, timeout_seconds: float = 1.0) -> bool:
    """Tell whether somebody takes connections there."""
    try:
        socket.create_connection((host, port), timeout_seconds).close()
    except OSError:
        return False
    return True


def listen(host: str, port: int, backlog: int = 2048) -> socket.socket:
    """Return a bound and listening socket.

    Raises:
        OSError: The port is taken, or the address is not ours.
    """
    listener = socket.socket(_family(host), socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(backlog)
    except OSError:
        listener.close()
        raise
    return listener


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
