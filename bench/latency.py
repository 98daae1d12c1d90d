"""`latency`: from a request to the SMTP server's acceptance, single mails on an idle `trireme up`.

With Valkey a nudge wakes delivery; without it (an address where nobody listens) the look at the queue every second
finds the mail. The pauses between mails are random, so that they meet that second at any point of it.
"""

import asyncio
import random
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import uvloop

from app.kit.ports import free_port
from bench.machine import wait_until_idle
from bench.options import Options
from bench.sheet import Sheet, percentile
from tests.e2e.platform import Platform, platform
from tests.fixtures.smtp_sink import Book, Sink

GIVE_UP_SECONDS = 10.0
PAUSES = {"with Valkey": (0.06, 0.16), "without Valkey": (0.2, 1.2)}
"""Seconds between the arrival of a mail and the next request."""


class Arrivals(Book):
    """When each recipient's mail was taken."""

    def __init__(self) -> None:
        super().__init__(None)
        self.waiting: dict[bytes, asyncio.Future[float]] = {}


class ArrivalSink(Sink):
    """One session."""

    def __init__(self, book: Arrivals) -> None:
        super().__init__(book, 0.0)
        self.arrivals = book

    def accept(self, buffer: bytes, start: int, end: int, records: list[bytes]) -> None:
        for recipient in self.recipients:
            future = self.arrivals.waiting.pop(recipient, None)
            if future is not None and not future.done():
                future.set_result(time.perf_counter())
        super().accept(buffer, start, end, records)


def run(options: Options) -> Sheet:
    """Measure."""
    sheet = Sheet("latency: one mail on an idle `trireme up`, from the request to the SMTP server")
    for case, pauses in PAUSES.items():
        extra = () if case == "with Valkey" else ("--broker-url", f"redis://127.0.0.1:{free_port()}/0")
        sends = options.sends if case == "with Valkey" else options.sends // 4
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_case(sheet, case, (options.runs, sends), (pauses, extra)))
        sheet.note(f"{case}: {sends} mails a run")
    sheet.note("two delivery processes on a machine of two cores, as `trireme up` starts them by default")
    return sheet


async def _case(
    sheet: Sheet, case: str, often: tuple[int, int], how: tuple[tuple[float, float], tuple[str, ...]]
) -> None:
    (runs, sends), (pauses, extra) = often, how
    book = Arrivals()
    server = await asyncio.get_running_loop().create_server(lambda: ArrivalSink(book), "127.0.0.1", 0)
    relay = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    # Its start and the wait for rest may block this loop: nothing is on its way yet.
    with (
        tempfile.TemporaryDirectory(prefix="trireme-bench-") as directory,
        platform(Path(directory), "--relay", relay, *extra) as running,
    ):
        pids = running.runtime()["pids"]
        wait_until_idle([pids["api"][0], *pids["delivery"]])
        for _ in range(runs):
            answered, arrived = await _run(running, book, sends, pauses)
            sheet.add(f"{case}: until the 200, p50", "ms", percentile(answered, 0.5) * 1000)
            sheet.add(f"{case}: until the SMTP server has it, p50", "ms", percentile(arrived, 0.5) * 1000)
            sheet.add(f"{case}: until the SMTP server has it, p99", "ms", percentile(arrived, 0.99) * 1000)
            sheet.add(f"{case}: until the SMTP server has it, longest", "ms", arrived[-1] * 1000)
    server.close()


async def _run(
    running: Platform, book: Arrivals, sends: int, pauses: tuple[float, float]
) -> tuple[list[float], list[float]]:
    """Return the seconds until the answer and until the arrival, both sorted."""
    runtime = running.runtime()
    answered, arrived = [], []
    async with httpx2.AsyncClient(base_url=runtime["http"], timeout=GIVE_UP_SECONDS) as client:
        assert urlsplit(runtime["http"]).port
        for number in range(sends):
            recipient = f"latency{number}-{time.monotonic_ns()}@example.com"
            future = book.waiting[recipient.encode()] = asyncio.get_running_loop().create_future()
            fields = {
                "apikey": runtime["api_key"],
                "from": "hello@localhost.test",
                "to": recipient,
                "subject": "Hello",
                "bodytext": "Good day.",
            }
            began = time.perf_counter()
            answer = await client.post("/rest/json/send", data=fields)
            answered.append(time.perf_counter() - began)
            assert "250 2.1.0 Ok" in answer.text, answer.text
            arrived.append(await asyncio.wait_for(future, GIVE_UP_SECONDS) - began)
            await asyncio.sleep(random.uniform(*pauses))
    return sorted(answered), sorted(arrived)
