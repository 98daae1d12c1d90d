"""Single mails through the API all the while: what was answered with 250 must arrive, whoever is killed."""

import asyncio
import time
from urllib.parse import urlencode

from bench.chaos_thread import Beside
from bench.stand import SENDER

ANSWER_SECONDS = 30.0
AT_ONCE = 16


class Trickle(Beside):
    """So many requests a second, each for an address of its own, each sent once."""

    def __init__(self, port: int, key: str, per_second: float, prefix: str) -> None:
        super().__init__()
        self._port = port
        self._key = key
        self.prefix = prefix
        self._period = 1 / per_second if per_second else 0.0
        self.accepted: set[str] = set()
        """Answered with 250."""
        self.unsure: set[str] = set()
        """Without a readable answer: accepted or not."""
        self.refused = 0
        """Turned away, or nobody listened."""

    async def work(self) -> None:
        """Send until told to stop; then wait for the answers."""
        number = 0
        flying: set[asyncio.Task[None]] = set()
        while not self.stopping.is_set():
            began = time.monotonic()
            if self._period and len(flying) < AT_ONCE:
                number += 1
                task = asyncio.create_task(self._send(f"{self.prefix}{number}@example.com"))
                flying.add(task)
                task.add_done_callback(flying.discard)
            await asyncio.sleep(max(began + (self._period or 0.1) - time.monotonic(), 0.0))
        if flying:
            await asyncio.gather(*flying)

    async def _send(self, address: str) -> None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            self.refused += 1
            return
        try:
            writer.write(self._request(address))
            answer = await asyncio.wait_for(reader.read(), ANSWER_SECONDS)
        except (OSError, TimeoutError):
            answer = b""
        finally:
            writer.close()
        if b"250 2.1.0 Ok" in answer:
            self.accepted.add(address)
        elif not answer or b" 500 " in answer.split(b"\r\n", 1)[0]:
            self.unsure.add(address)
        else:
            self.refused += 1

    def _request(self, address: str) -> bytes:
        fields = {"apikey": self._key, "from": SENDER, "to": address, "subject": "Hello", "bodytext": "Good day."}
        body = urlencode(fields)
        head = "POST /rest/json/send HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        kind = "Content-Type: application/x-www-form-urlencoded\r\n"
        return f"{head}{kind}Content-Length: {len(body)}\r\n\r\n{body}".encode()
