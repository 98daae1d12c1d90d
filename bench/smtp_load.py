"""A load generator in a process of its own: N kept SMTP sessions with PIPELINING, each with one mail on its way.

    python -m bench.smtp_load --port 587 --connections 32 --seconds 4 --username U --password P

A mail's content leaves together with the next mail's MAIL, RCPT and DATA. The last line of its output is what was
measured, as JSON; latencies run from the write of a content to the reply to its final dot.
"""

import argparse
import asyncio
import base64
import json
import resource
import time
from functools import partial
from itertools import count
from typing import cast

import uvloop

from bench.sheet import percentile

WARM_UP_SECONDS = 0.7
DOT = b"2"
"""What the reply to a final dot begins with; other replies are expected to the digit."""


class Measured:
    """What all sessions have seen."""

    def __init__(self, sender: str, size: int, login: str) -> None:
        """Prepare the mails.

        Args:
            sender: In From.
            size: Octets of a mail, near enough.
            login: Response of AUTH PLAIN; empty: none is needed.
        """
        self.login = login
        self.turn = count()
        self.all = 0
        self.wrong = 0
        self.example = b""
        self.seconds: list[float] = []
        self.from_ = self.until = float("inf")
        self._head = f"From: Bench <{sender}>\r\nSubject: Your order has been shipped\r\nMIME-Version: 1.0\r\n"
        line = "The parcel is on its way and arrives tomorrow, in the course of the day.\r\n"
        self._body = "Content-Type: text/plain; charset=utf-8\r\n\r\n" + line * (size // len(line))

    def envelope(self) -> tuple[bytes, bytes]:
        """Return the commands of the next mail, and its content with the final dot."""
        number = next(self.turn)
        to = f"recipient{number % 997}@example.com"
        commands = f"MAIL FROM:<bench@example.com>\r\nRCPT TO:<{to}>\r\nDATA\r\n"
        return commands.encode(), f"{self._head}To: {to}\r\n{self._body}.\r\n".encode()


class Session(asyncio.Protocol):
    """One session."""

    def __init__(self, measured: Measured, ended: "asyncio.Future[None]") -> None:
        self.measured = measured
        self.ended = ended
        self.buffer = b""
        self.waiting: list[bytes] = [b"220", b"250"]
        self.content = b""
        self.began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(b"EHLO load.example\r\n")

    def data_received(self, data: bytes) -> None:
        *lines, self.buffer = (self.buffer + data).split(b"\r\n")
        for line in lines:
            if line[3:4] == b"-":
                continue
            expected = self.waiting.pop(0)
            if not line.startswith(expected):
                self.fail(line)
                return
            if expected == DOT:
                self.note(time.perf_counter())
        if not self.waiting:
            self.go_on()

    def fail(self, line: bytes) -> None:
        self.measured.wrong += 1
        self.measured.example = line
        self.transport.close()

    def note(self, now: float) -> None:
        measured = self.measured
        measured.all += 1
        if measured.from_ <= now < measured.until:
            measured.seconds.append(now - self.began)

    def go_on(self) -> None:
        """Everything so far has been answered: log in, begin, or send a content with the next envelope."""
        measured = self.measured
        if measured.login and not self.content and self.began == 0.0:
            self.began = -1.0
            self.waiting = [b"235"]
            self.transport.write(f"AUTH PLAIN {measured.login}\r\n".encode())
            return
        octets = self.content
        is_last = time.perf_counter() >= measured.until
        if is_last and not octets:
            self.transport.close()
            return
        commands, content = (b"", b"") if is_last else measured.envelope()
        self.waiting = [DOT] if octets else []
        self.waiting += [b"250", b"250", b"354"] if commands else []
        self.content = content
        self.began = time.perf_counter()
        self.transport.write(octets + commands)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if not self.ended.done():
            self.ended.set_result(None)


async def load(measured: Measured, port: int, connections: int, seconds: float) -> dict[str, object]:
    """Send for so long, and return what was measured."""
    loop = asyncio.get_running_loop()
    ends = [loop.create_future() for _ in range(connections)]
    measured.from_ = time.perf_counter() + WARM_UP_SECONDS
    measured.until = measured.from_ + seconds
    for ended in ends:
        await loop.create_connection(partial(Session, measured, ended), "127.0.0.1", port)
    await asyncio.wait_for(asyncio.gather(*ends), seconds + 60)
    measured.seconds.sort()
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "all": measured.all,
        "rate": len(measured.seconds) / seconds,
        "p50_ms": percentile(measured.seconds, 0.5) * 1000 if measured.seconds else 0.0,
        "p99_ms": percentile(measured.seconds, 0.99) * 1000 if measured.seconds else 0.0,
        "wrong": measured.wrong,
        "example": measured.example.decode("latin-1"),
        "cpu_seconds": used.ru_utime + used.ru_stime,
    }


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--sender", default="bench@example.com")
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--username", default="")
    parser.add_argument("--password", default="")
    given = parser.parse_args()
    login = f"\0{given.username}\0{given.password}" if given.username else ""
    measured = Measured(given.sender, given.size, base64.b64encode(login.encode()).decode())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(load(measured, given.port, given.connections, given.seconds))))


if __name__ == "__main__":
    main()
