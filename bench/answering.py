"""HTTP servers of customers in a process of their own: many ports, one of which may be dead.

    python -m bench.answering --ports 50 [--dead 1]

The first line of its output holds the ports, the dead ones last. At SIGTERM the last line is JSON: for each call its
path and the unix time of its arrival. A dead port accepts and never answers.
"""

import argparse
import asyncio
import json
import re
import signal
import time
from functools import partial
from typing import cast

import uvloop

LENGTH = re.compile(rb"\r\nContent-Length: (\d+)", re.IGNORECASE)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Customer(asyncio.Protocol):
    """One connection; a request is whole in what arrives, because calls are short and come one by one."""

    def __init__(self, arrived: list[tuple[str, float]], *, dead: bool) -> None:
        self.arrived = arrived
        self.dead = dead
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self.dead:
            return
        self.buffer += data
        while b"\r\n\r\n" in self.buffer:
            head, _, rest = self.buffer.partition(b"\r\n\r\n")
            length = LENGTH.search(head)
            size = int(length[1]) if length else 0
            if len(rest) < size:
                return
            self.buffer = rest[size:]
            self.arrived.append((head.split(b" ", 2)[1].decode(), time.time()))
            self.transport.write(ANSWER)


async def serve(ports: int, dead: int) -> list[tuple[str, float]]:
    """Serve until SIGTERM; return what has arrived."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    arrived: list[tuple[str, float]] = []
    servers = [
        await loop.create_server(partial(Customer, arrived, dead=number >= ports - dead), "127.0.0.1", 0, backlog=1024)
        for number in range(ports)
    ]
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
    await stop.wait()
    for server in servers:
        server.close()
    return arrived


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--ports", type=int, required=True)
    parser.add_argument("--dead", type=int, default=0)
    given = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps({"arrived": runner.run(serve(given.ports, given.dead))}))


if __name__ == "__main__":
    main()
