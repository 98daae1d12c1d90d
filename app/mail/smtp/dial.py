"""TCP connections: from which of our addresses, to which of theirs, for how long.

Imports the standard library only.
"""

import asyncio
import random
import socket
from ipaddress import ip_address

IPV4_SECONDS = 15.0
"""How long connecting to one IPv4 address may take."""
IPV6_SECONDS = 5.0
"""How long connecting to one IPv6 address may take: short, because a broken IPv6 way often only swallows packets."""
MAX_ADDRESSES = 8
"""Most addresses of one name that are tried."""


class CannotBind(OSError):
    """Our own address can't be used; says nothing about the server."""


async def dial(host: str, port: int, *, source_address: str = "") -> socket.socket:
    """Return a connected, non-blocking TCP socket.

    Args:
        host: IP address or name; the addresses of a name are tried in their order.
        port: TCP port.
        source_address: Our address to send from, or several, separated by commas: of those of the destination's family
            one is chosen by chance. Without one of that family the system chooses.

    Raises:
        CannotBind: Our address can't be used.
        OSError: No connection; `TimeoutError` when the last address did not answer in time.
        ValueError: `source_address` holds something that is no IP address.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure: OSError = OSError(f"{host} has no address")
    for family, _, _, _, where in found[:MAX_ADDRESSES]:
        try:
            return await _dial(family, where, _source(source_address, family))
        except CannotBind:
            raise
        except OSError as error:
            failure = error
    raise failure


async def _dial(family: int, where: tuple[object, ...], source: str) -> socket.socket:
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if source:
            _bind(connection, source)
        async with asyncio.timeout(IPV6_SECONDS if family == socket.AF_INET6 else IPV4_SECONDS):
            await asyncio.get_running_loop().sock_connect(connection, where)
    except TimeoutError as error:
        connection.close()
        raise TimeoutError(f"no answer from {where[0]} port {where[1]}") from error
    except BaseException:
        connection.close()
        raise
    return connection


def _bind(connection: socket.socket, source: str) -> None:
    """Give the socket our address.

    Raises:
        CannotBind: The system refuses it.
    """
    try:
        connection.bind((source, 0))
    except OSError as error:
        raise CannotBind(error.errno, f"can not send from {source}: {error.strerror}") from error


def _source(addresses: str, family: int) -> str:
    """Return one of our addresses of a family, empty if there is none."""
    version = 6 if family == socket.AF_INET6 else 4
    ours = [part.strip() for part in addresses.split(",") if part.strip()]
    ours = [address for address in ours if ip_address(address).version == version]
    return random.choice(ours) if ours else ""  # noqa: S311 spreads load, guards nothing
