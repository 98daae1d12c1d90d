"""kill -9 of API, delivery, worker and outbox while 10,000 events come in: none lost, none counted twice.

Each request carries a number of its own in its User-Agent, so that what was answered and what was recorded can be
compared one by one. A request whose answer was lost is made again under another number: it is another event.
"""

import email
import email.policy
import http.client
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.mails import HTML, html_of, links, pixel
from tests.e2e.platform import Platform, platform, rows, trireme, wait_for

pytestmark = [pytest.mark.serial, pytest.mark.timeout(240)]

EVENTS = 10_000
COPIES = 50
CLIENTS = 16
KILLS = ("api", "outbox", "api", "delivery", "worker", "api")


@dataclass
class Visitors:
    """What the recipients of some copies do, and which of their requests were answered."""

    base_url: str
    urls: list[str]
    answered: list[str] = field(default_factory=list)
    asked: int = 0

    def await_answers(self, count: int) -> None:
        wait_for(lambda: len(self.answered) > count, "events", 120)

    def visit(self, numbers: range) -> None:
        chance = random.Random(numbers.start)
        # A light client: the visitors are not to take the processor from what they visit.
        client = http.client.HTTPConnection(urlsplit(self.base_url).netloc, timeout=20)
        for number in numbers:
            for attempt in range(200):
                name = f"visitor/{number}.{attempt}"
                self.asked += 1
                try:
                    client.request("GET", chance.choice(self.urls), headers={"User-Agent": name})
                    answer = client.getresponse()
                    answer.read()
                except (OSError, http.client.HTTPException):
                    client.close()
                    time.sleep(0.1)  # the API is being started again
                    continue
                if answer.status in {200, 302}:
                    self.answered.append(name)
                    break
            else:
                raise AssertionError(f"{number} was never answered")
        client.close()


def test_no_event_is_lost_or_counted_twice(tmp_path: Path, installation: Path) -> None:
    with platform(tmp_path, installation, "--workers", "1") as running:
        flags = {"trackopens": "1", "tracklinks": "1"}
        key = {"apikey": running.api_key, "username": running.username}
        assert running.client.post("/rest/json/accounts", data=key | flags).status_code == 200
        assert running.send(*(f"r{number}@example.com" for number in range(COPIES)), bodyhtml=HTML).status_code == 200
        visitors = Visitors(running.runtime()["http"], urls_of(running))
        step = EVENTS // CLIENTS
        with ThreadPoolExecutor(CLIENTS) as pool:
            parts = [pool.submit(visitors.visit, range(at, at + step)) for at in range(0, step * CLIENTS, step)]
            for place, part in enumerate(KILLS):
                wanted = EVENTS * (place + 1) // (len(KILLS) + 2)
                visitors.await_answers(wanted)
                running.kill(part)
            for done in parts:
                done.result()
        assert len(visitors.answered) == step * CLIENTS
        found = rows(running, "SELECT user_agent FROM opens UNION ALL SELECT user_agent FROM clicks")
        recorded = Counter(row["user_agent"] for row in found)
        assert max(recorded.values()) == 1
        assert set(visitors.answered) <= recorded.keys()
        assert len(recorded) <= visitors.asked
        (sums,) = rows(running, "SELECT sum(opens) AS opens, sum(clicks) AS clicks FROM daily_counts")
        assert sums["opens"] + sums["clicks"] == len(recorded)
        audit = trireme("audit", "--data-dir", running.data_dir)
        assert audit.rstrip().endswith("differences=0"), audit


def urls_of(running: Platform) -> list[str]:
    """Pixels and links of all copies, without the host."""
    key = {"Authorization": f"Bearer {running.api_key}"}

    def arrived() -> list[Any]:
        listed = running.client.get("/api/trireme/v1/sandbox/messages", params={"limit": 100}, headers=key).json()
        return listed["data"] if len(listed["data"]) >= COPIES else []

    found = []
    for one in wait_for(arrived, "the copies"):
        raw = running.client.get(f"/api/trireme/v1/sandbox/messages/{one['id']}/raw", headers=key)
        message = email.message_from_bytes(raw.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        html = html_of(message)
        found += [pixel(html), *(link for link in links(html) if "/t/c/" in link)]
    return [url.removeprefix(running.runtime()["http"]) for url in found]
