"""Other mail servers in a process of their own: N sessions, each with one failure report on its way.

    python -m bench.report_load --port 2525 --connections 32 --seconds 4 --first 1 --copies 20000 --at 1795341600

Each report is on another copy, as long as there are any. The last line of its output is what was measured, as JSON.
"""

import argparse
import asyncio
import json
import resource
import time
from collections import Counter
from collections.abc import Iterator

import uvloop

from app.kit.secrets import derive
from app.mail import verp
from bench.sheet import percentile

REPORT = """\
From: MAILER-DAEMON@mx.example.org (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: {path}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="6B2F41A0C1/mx.example.org"

--6B2F41A0C1/mx.example.org
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.example.org. Your message could not be delivered to one recipient.

<{to}>: host mail.example.org[192.0.2.25] said: 550 5.1.1 User unknown (in reply to RCPT TO command)

--6B2F41A0C1/mx.example.org
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; {to}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown

--6B2F41A0C1/mx.example.org
Content-Type: message/rfc822

Subject: Your order has been shipped

{body}
--6B2F41A0C1/mx.example.org--
"""
BODY = "The parcel is on its way and arrives tomorrow, in the course of the day.\n" * 20
SECONDS = 60
"""How long the replies to one report may take."""


def recipient(number: int) -> str:
    """Return to whom a copy went that is reported on."""
    return f"recipient{number}@example.com"


class Reports:
    """What is to be reported, and what the other side said."""

    def __init__(self, key: bytes, domain: str, copies: Iterator[int], at: int) -> None:
        """Begin.

        Args:
            key: Of return paths.
            domain: Of return paths.
            copies: To be reported on, in turn.
            at: When they were accepted.
        """
        self.replies: Counter[str] = Counter()
        self.seconds: list[float] = []
        self._key, self._domain, self._copies, self._at = key, domain, copies, at

    def next(self) -> tuple[bytes, bytes] | None:
        """Return the commands and the content of the next report; None when no copy is left."""
        number = next(self._copies, None)
        return self.on(number) if number is not None else None

    def on(self, number: int) -> tuple[bytes, bytes]:
        """Return the commands and the content of the report on a copy."""
        to = recipient(number)
        path = verp.return_path(verp.encode(self._key, accepted_at=self._at, message_id=number), to, self._domain)
        content = REPORT.format(path=path, to=to, body=BODY).replace("\n", "\r\n")
        return f"MAIL FROM:<>\r\nRCPT TO:<{path}>\r\nDATA\r\n".encode(), content.encode() + b".\r\n"

    async def session(self, port: int, until: float) -> None:
        """Bring reports, one after the other."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await reader.readline()
        writer.write(b"HELO mx.example.org\r\n")
        await reader.readline()
        while time.perf_counter() < until and (report := self.next()) is not None:
            writer.write(report[0])
            async with asyncio.timeout(SECONDS):
                for _ in range(3):
                    await reader.readline()
                began = time.perf_counter()
                writer.write(report[1])
                reply = await reader.readline()
            self.seconds.append(time.perf_counter() - began)
            self.replies[reply[:3].decode("latin-1")] += 1
        writer.close()


async def load(reports: Reports, port: int, connections: int, seconds: float) -> dict[str, object]:
    """Report for so long, and return what was measured."""
    began = time.perf_counter()
    await asyncio.gather(*(reports.session(port, began + seconds) for _ in range(connections)))
    took = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    reports.seconds.sort()
    return {
        "replies": reports.replies,
        "rate": reports.replies["250"] / took,
        "p50_ms": percentile(reports.seconds, 0.5) * 1000,
        "p99_ms": percentile(reports.seconds, 0.99) * 1000,
        "cpu_seconds": used.ru_utime + used.ru_stime,
    }


def main() -> None:
    """Run what the command line asks for; keys and domain come from the settings."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--copies", type=int, required=True)
    parser.add_argument("--at", type=int, required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--domain", required=True)
    given = parser.parse_args()
    copies = iter(range(given.first, given.first + given.copies))
    reports = Reports(derive(given.key, "verp"), given.domain, copies, given.at)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(load(reports, given.port, given.connections, given.seconds))))


if __name__ == "__main__":
    main()
