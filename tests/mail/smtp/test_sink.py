"""The sink in its own process: what it accepts it has written down."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from app.mail.smtp.outcome import Status
from app.mail.smtp.pool import Pool
from app.mail.smtp.routes import relay_route
from tests.mail.smtp.kit import Stock, job


@pytest.mark.parametrize("delay", ["0", "2"])
async def test_the_sink_records_what_it_accepts(tmp_path: Path, delay: str) -> None:
    record = tmp_path / "accepted.txt"
    command = [sys.executable, "-m", "tests.fixtures.smtp_sink", "--record", str(record), "--delay-ms", delay]
    sink = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3])
    assert sink.stdout is not None
    try:
        async with asyncio.timeout(20):
            port = int(await sink.stdout.readline())
            stock = Stock()
            stock.waiting.extend(job(f"r{n}@example.org", b"Message-ID: <%d@x>\r\n\r\nx\r\n" % n) for n in range(300))
            pool = Pool(
                relay_route(f"smtp://127.0.0.1:{port}"),
                stock,
                connections=4,
                helo_name="mail.example.com",
                connect_timeout=5,
                reply_timeout=5,
            )
            pool.wake()
            await stock.done()
            await pool.close()
    finally:
        sink.terminate()
    assert await sink.stdout.read() == b"300\n"
    await sink.wait()
    assert {outcome.status for outcome in stock.outcomes.values()} == {Status.DELIVERED}
    assert sorted(record.read_text().splitlines()) == sorted(f"r{n}@example.org\t<{n}@x>" for n in range(300))
