"""The SMTP client alone: finished mails through `app.mail.smtp.pool`, no database, no composing.

    python -m bench.pool_alone --port PORT --copies 20000 --bytes 2048

The same number of sessions as in a delivery process; opening them, and what `content` costs, is left out.
"""

import argparse
import asyncio
import json
import resource
import time
from collections.abc import Iterator, Sequence

import uvloop

from app.mail.smtp.envelope import SendJob
from app.mail.smtp.outcome import Outcome, Status
from app.mail.smtp.pool import Pool
from app.mail.smtp.routes import relay_route
from app.settings import Delivery

WARM_UP = 500
"""Mails sent before anything is measured."""
LINE = b"The parcel is on its way and arrives tomorrow, between eight and twelve o'clock.\r\n"


class Finished:
    """A mail that is there as a whole."""

    __slots__ = ("data", "envelope_from", "recipient", "size")
    smtputf8 = False
    eightbit = False

    def __init__(self, recipient: str, data: bytes) -> None:
        self.envelope_from = f"bounces+{'a' * 24}@bounces.localhost.test"
        self.recipient = recipient
        self.data = data
        self.size = len(data)

    def content(self) -> bytes:
        return self.data

    def before_final_dot(self) -> None:
        pass


class Supply:
    """A source that counts."""

    def __init__(self) -> None:
        self._mails: Iterator[Finished] = iter(())
        self.left = 0
        self.done = asyncio.Event()

    async def send(self, pool: Pool, mails: Sequence[Finished]) -> None:
        self._mails = iter(mails)
        self.left = len(mails)
        self.done.clear()
        pool.wake()
        await self.done.wait()

    def take(self) -> SendJob | None:
        return next(self._mails, None)

    def settle(self, job: SendJob, outcome: Outcome) -> None:  # noqa: ARG002
        assert outcome.status is Status.DELIVERED, outcome
        self.left -= 1
        if self.left == 0:
            self.done.set()

    def give_back(self, job: SendJob) -> None:
        raise AssertionError(f"{job.recipient} was given back")


def finished(count: int, size: int) -> list[Finished]:
    """Return that many mails of that many octets; all share one text, as warm in the cache as one just composed."""
    head = b"Message-ID: <1@bounces.localhost.test>\r\nSubject: Your order has been shipped\r\n\r\n"
    body = LINE * (size // len(LINE) + 1)
    data = head + body[: size - len(head) - 2] + b"\r\n"
    return [Finished(f"recipient{number}@example.com", data) for number in range(count)]


async def send(port: int, mails: Sequence[Finished], connections: int, per_connection: int) -> dict[str, float]:
    """Send everything and return the figures."""
    delivery = Delivery()
    supply = Supply()
    pool = Pool(
        relay_route(f"smtp://127.0.0.1:{port}"),
        supply,
        connections=connections or delivery.connections,
        helo_name="localhost",
        connect_timeout=delivery.connect_timeout_seconds,
        reply_timeout=delivery.reply_timeout_seconds,
        max_per_connection=per_connection or 2 * len(mails),
    )
    await supply.send(pool, mails[:WARM_UP])
    used, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    await supply.send(pool, mails)
    ended, after = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
    await pool.close()
    cpu = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    return {
        "copies": len(mails),
        "began": began,
        "ended": ended,
        "cpu_seconds": cpu,
        "bytes": mails[0].size,
        "cpu_us_per_mail": round(cpu / len(mails) * 1e6, 1),
        "mails_per_second": round(len(mails) / (ended - began)),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--copies", type=int, required=True)
    parser.add_argument("--bytes", type=int, default=2048)
    parser.add_argument("--connections", type=int, default=0, help="0: as a delivery process")
    parser.add_argument("--per-connection", type=int, default=0, help="0: sessions are never replaced")
    given = parser.parse_args()
    mails = finished(given.copies, given.bytes)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(send(given.port, mails, given.connections, given.per_connection))))


if __name__ == "__main__":
    main()
