"""A load generator in a process of its own: N kept connections, each with one request on its way.

    python -m bench.http_load --port 8080 --requests FILE --expect "250 2.1.0" --connections 64 --seconds 4

FILE holds a JSON list of complete requests, sent in turn. The last line of its output is what was measured, as JSON;
latencies run from the write of a request to the last octet of its answer.
"""

import argparse
import asyncio
import json
import re
import resource
import time
from itertools import count
from pathlib import Path
from typing import cast

import uvloop

from bench.sheet import percentile

LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)
WARM_UP_SECONDS = 0.7


class Measured:
    """What all connections have seen."""

    def __init__(self, requests: list[bytes], expected: bytes) -> None:
        self.requests = requests
        self.expected = expected
        self.turn = count()
        self.all = 0
        self.wrong = 0
        self.example = b""
        self.seconds: list[float] = []
        self.from_ = self.until = float("inf")


class Connection(asyncio.Protocol):
    """One connection."""

    def __init__(self, measured: Measured, ended: "asyncio.Future[None]") -> None:
        self.measured = measured
        self.ended = ended
        self.buffer = b""
        self.wanted = 0
        self.began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.ask()

    def ask(self) -> None:
        measured = self.measured
        if time.perf_counter() >= measured.until:
            self.transport.close()
            return
        self.buffer, self.wanted = b"", 0
        self.began = time.perf_counter()
        self.transport.write(measured.requests[next(measured.turn) % len(measured.requests)])

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.wanted:
            end = self.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            found = LENGTH.search(self.buffer, 0, end + 2)
            self.wanted = end + 4 + (int(found[1]) if found else 0)
        if len(self.buffer) >= self.wanted:
            self.note(time.perf_counter())
            self.ask()

    def note(self, now: float) -> None:
        measured = self.measured
        measured.all += 1
        if not self.buffer.startswith(b"HTTP/1.1 200 ") or measured.expected not in self.buffer:
            measured.wrong += 1
            measured.example = self.buffer[:500]
        elif measured.from_ <= now < measured.until:
            measured.seconds.append(now - self.began)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if not self.ended.done():
            self.ended.set_result(None)


async def load(measured: Measured, port: int, connections: int, seconds: float) -> dict[str, object]:
    """Send for that long and return the figures."""
    loop = asyncio.get_running_loop()
    measured.from_ = time.perf_counter() + WARM_UP_SECONDS
    measured.until = measured.from_ + seconds
    ends = [loop.create_future() for _ in range(connections)]
    for end in ends:
        await loop.create_connection(lambda end=end: Connection(measured, end), "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.wait_for(asyncio.gather(*ends), seconds + 60)
    times = sorted(measured.seconds)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "rate": len(times) / seconds,
        "p50_ms": percentile(times, 0.50) * 1000 if times else 0.0,
        "p99_ms": percentile(times, 0.99) * 1000 if times else 0.0,
        "all": measured.all,
        "wrong": measured.wrong,
        "example": measured.example.decode("latin-1"),
        "cpu_seconds": used.ru_utime + used.ru_stime,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--requests", type=Path, required=True)
    parser.add_argument("--expect", default="")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=4.0)
    given = parser.parse_args()
    requests = [text.encode("latin-1") for text in json.loads(given.requests.read_text())]
    measured = Measured(requests, given.expect.encode())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(load(measured, given.port, given.connections, given.seconds))))


if __name__ == "__main__":
    main()
