"""A customer of Dyno Email Marketing at work: every step over HTTP on its own listener, the mail at a real SMTP server.

Real processes, one after the other what docs/contract/dyno.md, 5 to 9, offers; then the same seen by the other families.
"""

import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import pytest

from app.settings import environment
from bench.record import Reader, Taken
from tests.e2e.platform import ROOT, Platform, wait_for
from tests.e2e.relayed.conftest import Relayed

pytestmark = [pytest.mark.serial, pytest.mark.timeout(240)]

MEMBERS = 5_000
HALF = MEMBERS // 2
ZONE = "Asia/Ho_Chi_Minh"
OLD, NEW, STOPPED, THIRD, MARKER = "Old-subject", "New-subject", "Stopped", "Third", "Marker"
HTML = "<html><body><p>Hello {{ first_name }}</p></body></html>"


@dataclass
class Customer:
    """An account, with the key in Dyno's header, and what the mail server has taken."""

    running: Platform
    record: Reader
    client: httpx2.Client
    key: str
    list_id: str
    template_id: str
    taken: Counter[tuple[str, str]]
    """How often each recipient got each subject."""

    def ask(self, method: str, path: str, given: object = None) -> dict[str, Any]:
        """Return `data` of a call that succeeds."""
        kwargs: dict[str, Any] = {} if given is None else {"json": given}
        answer = self.client.request(method, path, **kwargs)
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data

    def process(self, call: str, which: str, **more: object) -> dict[str, Any]:
        """Ask for a step of a campaign process."""
        return self.ask("POST", f"/campaign_process/{call}", {"campaign_id": which, "id": which, **more})

    def campaign(self, name: str, subject: str) -> str:
        """Make a campaign; return its id."""
        given = {"name": name, "template_id": self.template_id, "list_id": self.list_id, "subject": subject}
        made: str = self.ask("POST", "/campaigns", {**given, "from_email": "hello@localhost.test"})["campaign_id"]
        return made

    def status(self, campaign_id: str) -> str:
        """Return where a campaign stands."""
        status: str = self.ask("GET", f"/campaigns/{campaign_id}")["campaign"]["status"]
        return status

    def look(self) -> list[Taken]:
        """Return what has arrived since the last look, and note it."""
        new = self.record.new()
        self.taken.update((one.recipient, one.marks[0]) for one in new)
        return new

    def count(self, subject: str) -> int:
        """How many copies with this subject have arrived."""
        self.look()
        return sum(count for (_, said), count in self.taken.items() if said == subject)

    def mark(self, address: str) -> None:
        """Send a single mail and wait for it: what would have left before it has."""
        given = {"email_content": "<p>x</p>", "subject": MARKER, "email_list": address}
        assert self.ask("POST", "/transactions", given)["transaction"]["accepted"] == 1
        wait_for(lambda: self.look() is not None and self.taken[address, MARKER], "the marker", 20)


@pytest.fixture(scope="module")
def customer(relayed: Relayed) -> Iterator[Customer]:
    running = relayed.running.with_account("dyno@customers.example")
    headers = {"User-Api-Key": running.api_key}
    with httpx2.Client(base_url=running.runtime()["dyno"], headers=headers, timeout=60) as client:
        yield Customer(running, relayed.reader(), client, running.api_key, "", "", Counter())


def addresses() -> list[str]:
    return [f"member{number}@customers.example" for number in range(MEMBERS)]


def test_a_template_and_a_list(customer: Customer) -> None:
    made = customer.ask("POST", "/templates", {"name": "Welcome", "subject": "Unused", "content": HTML})
    customer.template_id = made["template_id"]
    members = [{"email": address, "first_name": f"Person {number}"} for number, address in enumerate(addresses())]
    made = customer.ask("POST", "/lists", {"name": "Customers", "subscribers": members})
    assert made["list"]["subscriber_count"] == MEMBERS
    customer.list_id = made["list_id"]


def test_half_gets_the_old_subject_and_the_rest_the_new_one(customer: Customer) -> None:
    campaign = customer.campaign("First", OLD)
    at = (datetime.now(ZoneInfo(ZONE)) + timedelta(seconds=3)).replace(microsecond=0, tzinfo=None)
    begun = customer.process("init", campaign, iso_start_time=at.isoformat(), time_zone=ZONE)
    assert begun["status"] == "scheduled"
    instant = begun["process"]["start_time"]
    assert instant == int(at.replace(tzinfo=ZoneInfo(ZONE)).timestamp())
    wait_for(lambda: customer.status(campaign) == "running", "the start", 20)
    assert time.time() >= instant
    wait_for(lambda: customer.record.count >= HALF - 200, "half of the campaign", 90)

    paused = customer.process("pause", begun["id"])
    assert paused["status"] == "paused"
    assert paused["process"]["total"] == MEMBERS
    live = customer.record.live
    before = customer.count(OLD)
    customer.mark("after-the-pause@customers.example")
    assert customer.count(OLD) - before <= live, "no more than was in the middle of a transaction"
    first_half = customer.count(OLD)
    assert MEMBERS * 0.3 < first_half < MEMBERS * 0.8

    resumed = customer.process("update_and_resume", campaign, subject=NEW)
    assert (resumed["status"], resumed["process"]["subject"]) == ("running", NEW)
    assert customer.ask("GET", f"/campaigns/{campaign}")["campaign"]["subject"] == NEW
    wait_for(lambda: customer.status(campaign) == "finished", "the end", 90)
    assert (customer.count(OLD), customer.count(NEW)) == (first_half, MEMBERS - first_half)
    got = Counter(recipient for recipient, subject in customer.taken.elements() if subject in {OLD, NEW})
    assert got == Counter(addresses()), "each address once"
    ended = customer.client.post("/campaign_process/stop", json={"id": campaign})
    assert (ended.status_code, ended.json()["error_message"]) == (500, "CAMPAIGN IS NOT ACTIVE")


def test_nothing_leaves_after_a_stop(customer: Customer) -> None:
    campaign = customer.campaign("Second", STOPPED)
    begun = customer.process("init", campaign)
    assert begun["status"] == "running"
    wait_for(lambda: customer.count(STOPPED) >= MEMBERS * 0.3, "a part of the campaign", 60)
    stopped = customer.process("stop", begun["id"])
    live, before = customer.record.live, customer.count(STOPPED)
    assert (stopped["status"], stopped["process"]["status"]) == ("stopped", "stopped")
    assert stopped["process"]["finished"] > 0
    customer.mark("after-the-stop@customers.example")
    after = customer.count(STOPPED)
    assert after - before <= live, "no more than was in the middle of a transaction"
    assert after < MEMBERS
    assert set(customer.taken.values()) == {1}
    again = customer.process("stop", begun["id"])
    assert again["status"] == "stopped"
    assert again["process"]["sent"] == after


def test_a_schedule_that_is_called_off_sends_nothing(customer: Customer) -> None:
    campaign = customer.campaign("Third", THIRD)
    begun = customer.process("init", campaign, iso_start_time="2037-01-20T09:00:00", time_zone="GMT+7")
    assert begun["status"] == "scheduled"
    at = int(time.time()) + 3
    text = datetime.fromtimestamp(at, ZoneInfo(ZONE)).replace(tzinfo=None).isoformat()
    moved = customer.process("reschedule", begun["id"], iso_start_time=text, time_zone=ZONE)
    assert (moved["id"], moved["status"], moved["process"]["start_time"]) == (begun["id"], "scheduled", at)
    assert customer.process("cancel_schedule", campaign)["status"] == "draft"
    wait_for(lambda: time.time() > at + 1, "its time", 10)
    customer.mark("after-its-time@customers.example")
    assert customer.count(THIRD) == 0
    assert customer.status(campaign) == "draft"


def test_the_other_families_see_the_same(customer: Customer) -> None:
    client, bearer = customer.running.client, {"Authorization": f"Bearer {customer.key}"}
    listed = client.get("/api/v2/campaigns", headers=bearer).json()
    assert {one["name"]: (one["status"], one["subject"]) for one in listed} == {
        "First": ("done", NEW),
        "Second": ("done", STOPPED),
        "Third": ("ready", THIRD),
    }
    native = client.get("/api/trireme/v1/campaigns", headers=bearer).json()["data"]
    assert {one["name"]: one["status"] for one in native} == {"First": "done", "Second": "stopped", "Third": "draft"}
    found = customer.ask("POST", "/campaigns/find", {"application_fields": ["id"], "name": {"ne": ""}})
    assert {one["id"] for one in found["campaigns"]} == {one["id"] for one in native}
    (audience,) = client.get("/api/v2/audiences", headers=bearer).json()
    assert audience["name"] == "Customers"
    emails = customer.running.emails()
    delivered = Counter(one["email_address"] for one in emails if one["delivered"])
    assert delivered == Counter(recipient for recipient, _ in customer.taken.elements())


def test_the_script_of_the_guide_brings_everything_to_another_account(customer: Customer, tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "migrate" / "dyno.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    (tmp_path / "bring_dyno.py").write_text(script, encoding="utf-8")
    opened = customer.running.client.post(
        "/rest/json/accounts",
        data={"apikey": customer.key, "username": "new@example.com", "password": "s3cret", "accountname": "New"},
    )
    key = opened.json()["response"]["data"]["apikey"]
    base = str(customer.client.base_url).rstrip("/")
    variables = {"OLD": base, "NEW": base, "OLD_KEY": customer.key, "NEW_KEY": key}
    command = [sys.executable, str(tmp_path / "bring_dyno.py")]
    output = subprocess.run(
        command, env=environment() | variables, capture_output=True, text=True, check=True, timeout=120
    ).stdout
    lines = [line.split("\t") for line in output.splitlines()]
    assert [line[0] for line in lines] == ["template", "list", "campaign", "campaign", "campaign"]
    new = {line[1]: line[2] for line in lines}

    def there(path: str) -> dict[str, Any]:
        answer = customer.client.get(path, headers={"User-Api-Key": key})
        found: dict[str, Any] = answer.json()["data"]
        return found

    brought = there(f"/lists/{new[customer.list_id]}")["list"]
    assert [one["email"] for one in brought["subscribers"]] == addresses()
    assert brought["subscribers"][7]["first_name"] == "Person 7"
    for line in lines[2:]:
        campaign = there(f"/campaigns/{line[2]}")["campaign"]
        assert (campaign["name"], campaign["status"]) == (line[3], "draft")
        assert campaign["list_ids"] == [new[customer.list_id]]
        assert campaign["template_id"] == new[customer.template_id]


def test_the_log_tells_of_nothing_wrong(customer: Customer) -> None:
    assert "Traceback" not in customer.running.log.read_text(encoding="utf-8")
