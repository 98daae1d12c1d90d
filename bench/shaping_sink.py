"""Many MX hosts in one process, and the DNS server that leads to them.

    python -m bench.shaping_sink FILE --hosts 50 --refuse-greeting 7 --refuse-commands 8 --slow 9 --slow-ms 1000

Host n listens on 127.0.0.n, all of them on the same port, and is the only MX of `dn.shaping.test`; host 1 is that of
`shared1.shaping.test` to `shared4.shaping.test`, too. The first line of the output is the port of the servers and that
of the DNS server. SIGTERM ends it. What is taken is noted as `bench.record` describes.
"""

import argparse
import asyncio
import signal
import socket
import sys
from pathlib import Path

import uvloop

from bench.record import Writer
from bench.recording_session import Manner, Server, Session
from tests.fixtures.dns_server import DnsServer

ZONE = "shaping.test"
SHARED = 4
"""Domains whose mail goes to host 1."""
OVERLOADED = b"421 4.3.2 Too much load, closing\r\n"


class RefusesGreeting(Session):
    """Says 421 and hangs up, whoever comes."""

    def say(self, replies: bytes) -> None:
        del replies
        self.transport.write(OVERLOADED)
        self.transport.close()


class RefusesCommands(Session):
    """Greets, then answers each command of a transaction with 421 and hangs up."""

    def command(self, line: bytes) -> bytes:
        if line[:4].upper() in {b"EHLO", b"HELO", b"QUIT"}:
            return super().command(line)
        self.left = True
        return OVERLOADED


def domain(host: int) -> str:
    """Return the domain whose MX is this host."""
    return f"d{host}.{ZONE}"


def shared_domains() -> list[str]:
    """Return the domains that have host 1 in common."""
    return [f"shared{number}.{ZONE}" for number in range(1, SHARED + 1)]


def zone(hosts: int) -> dict[tuple[str, str], list[str]]:
    """Return what the DNS server knows."""
    known: dict[tuple[str, str], list[str]] = {}
    for host in range(1, hosts + 1):
        known[f"{domain(host)}.", "MX"] = [f"10 mx{host}.{ZONE}."]
        known[f"mx{host}.{ZONE}.", "A"] = [f"127.0.0.{host}"]
    for name in shared_domains():
        known[f"{name}.", "MX"] = [f"10 mx1.{ZONE}."]
    return known


async def serve(given: argparse.Namespace) -> None:
    """Serve until SIGTERM."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    writer = Writer(given.file)
    manners = {given.slow: Manner(slow=given.slow_ms / 1000)}
    kinds: dict[int, type[Session]] = {
        given.refuse_greeting: RefusesGreeting,
        given.refuse_commands: RefusesCommands,
    }
    servers = []
    for host, listener in enumerate(_listeners(given.hosts), start=1):
        kind, shared = kinds.get(host, Session), Server(writer, manners.get(host, Manner()))
        make = lambda kind=kind, shared=shared: kind(shared)  # noqa: E731 bound to this host
        servers.append(await loop.create_server(make, sock=listener, backlog=1024))
    async with DnsServer(zone(given.hosts)) as names:
        sys.stdout.write(f"{servers[0].sockets[0].getsockname()[1]} {names.port}\n")
        sys.stdout.flush()
        await stop.wait()
    for server in servers:
        server.close()


def _listeners(hosts: int) -> list[socket.socket]:
    """Bind the same free port at each host."""
    listeners: list[socket.socket] = []
    port = 0
    for host in range(1, hosts + 1):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((f"127.0.0.{host}", port))
        port = listener.getsockname()[1]
        listeners.append(listener)
    return listeners


def main() -> None:
    parser = argparse.ArgumentParser(prog="shaping_sink", description="See the head of this module.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--hosts", type=int, default=50, help="at most 250")
    parser.add_argument("--refuse-greeting", type=int, default=0, metavar="HOST")
    parser.add_argument("--refuse-commands", type=int, default=0, metavar="HOST")
    parser.add_argument("--slow", type=int, default=0, metavar="HOST")
    parser.add_argument("--slow-ms", type=float, default=1000.0, help="before the reply to a mail")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
