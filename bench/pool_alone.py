"""The SMTP client alone: finished mails through `app.mail.smtp.pool`, no database, no composing.

    python -m bench.pool_alone --port PORT --copies 20000

The same number of sessions and of copies on their way as in a delivery process.
"""

import argparse
import asyncio
import json
import resource
import time

import uvloop

from app.mail.smtp.connection import SendJob
from app.mail.smtp.outcome import Status
from app.mail.smtp.pool import Pool
from app.mail.smtp.routes import relay_route
from app.settings import Delivery
from bench.mails import finished


async def send(port: int, jobs: list[SendJob]) -> dict[str, float]:
    """Send everything and return the figures."""
    delivery = Delivery()
    pool = Pool(
        relay_route(f"smtp://127.0.0.1:{port}"),
        connections=delivery.connections,
        helo_name="localhost",
        connect_timeout=delivery.connect_timeout_seconds,
        reply_timeout=delivery.reply_timeout_seconds,
    )
    waiting = iter(jobs)

    async def one_after_another() -> None:
        for job in waiting:
            outcome = await pool.send(job)
            assert outcome.status is Status.DELIVERED, outcome

    used, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    await asyncio.gather(*(one_after_another() for _ in range(2 * delivery.connections)))
    ended, after = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
    await pool.close()
    cpu = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    return {"copies": len(jobs), "began": began, "ended": ended, "cpu_seconds": cpu, "bytes": len(jobs[0].data)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--copies", type=int, required=True)
    given = parser.parse_args()
    jobs = finished(given.copies)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(send(given.port, jobs))))


if __name__ == "__main__":
    main()
