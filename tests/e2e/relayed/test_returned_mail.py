"""Real SMTP both ways: a server takes our mail, and later reports on it to our listener."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from smtplib import SMTP, SMTPRecipientsRefused
from typing import Any

import pytest

from bench.record import Reader, Taken
from tests.e2e.platform import Platform, wait_for
from tests.e2e.relayed.conftest import MARKS, Relayed
from tests.smtpd.returning import PERSONAL, arf, dsn

pytestmark = [pytest.mark.serial, pytest.mark.timeout(120)]


class Others:
    """What another mail server has taken, by recipient."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.by_recipient: dict[str, Taken] = {}

    def look(self) -> set[str]:
        """Return whose mail was taken so far."""
        self.by_recipient.update((one.recipient, one) for one in self._reader.new())
        return set(self.by_recipient)


@contextmanager
def customer(seen: list[str], ask: Any) -> Iterator[int]:
    """A web server of the customer's, which looks at the reports at the moment it is told."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(f"{self.path} {ask()}")
            self.send_response(200)
            self.end_headers()

        def do_POST(self) -> None:
            event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen.append(f"{self.path} {event['type']} {event['data']['recipient']} {ask()}")
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


class Way:
    """The platform, asked as its customer does, and its listener, spoken to as other servers do."""

    def __init__(self, running: Platform) -> None:
        self.running = running
        self.runtime = running.runtime()
        self.host, _, port = self.runtime["intake_smtp"].rpartition(":")
        self.port = int(port)
        self.key = {"Authorization": f"apikey={running.api_key}"}

    def bring(self, raw: bytes, recipient: str, sender: str = "") -> None:
        with SMTP(self.host, self.port, timeout=20) as server:
            server.sendmail(sender, [recipient], raw)

    def metrics(self, path: str, **query: Any) -> Any:
        now = int(time.time())
        asked = {"start_time": now - 3600, "end_time": now + 60} | query
        answer = self.running.client.get(path, params=asked, headers=self.key)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def native(self, path: str) -> Any:
        answer = self.running.client.get(
            f"/api/trireme/v1{path}", headers={"Authorization": f"Bearer {self.running.api_key}"}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def reasons(self) -> dict[str, str]:
        return {row["email"]: row["reason"] for row in self.native("/suppressions")["data"]}


def test_reports_come_back_and_are_told(relayed: Relayed) -> None:
    running, taken = relayed.running.with_account("returned@customers.example"), Others(relayed.reader())
    way = Way(running)
    calls: list[str] = []
    with customer(calls, lambda: [row["email_address"] for row in way.metrics("/bounces")]) as web:
        _set_up(running, web)
        recipients = ["jo@example.org", "ann@example.org", "max@example.org"]
        running.send(*recipients)
        wait_for(lambda: len(taken.look()) == 3, "the mails")
        wait_for(lambda: {row["status"] for row in _copies(way)} == {"delivered"}, "the outcomes")
        _a_failure_report(way, taken, calls)
        _a_complaint(way, taken)
        _an_unsubscription(way, taken)
        _forgeries(way, taken)
        _blocked_next_time(running, way, taken, recipients)


def _set_up(running: Platform, web: int) -> None:
    key = {"Authorization": f"Bearer {running.api_key}"}
    answer = running.client.patch(
        "/api/trireme/v1/account",
        json={
            "track_unsubscribes": True,
            "postbacks": {"bounce": {"url": f"http://127.0.0.1:{web}/bounce?e=@email&r=@bouncerule", "active": True}},
        },
        headers=key,
    )
    assert answer.status_code == 200, answer.text
    hook = {"url": f"http://127.0.0.1:{web}/hook", "event_types": ["email.bounced"]}
    answer = running.client.post("/api/trireme/v1/webhooks", json=hook, headers=key)
    assert answer.status_code == 201, answer.text


def _copies(way: Way) -> list[Any]:
    rows: list[Any] = way.native("/messages")["data"]
    return rows


def _a_failure_report(way: Way, taken: Others, calls: list[str]) -> None:
    path = taken.by_recipient["jo@example.org"].sender
    assert re.fullmatch(r"bounces\+[a-z2-7]{24}\+jo=example\.org@.+", path)
    raw = dsn(path)
    for _ in range(3):  # a server that did not hear our 250 says it again
        way.bring(raw, path)
    (row,) = way.metrics("/bounces")
    assert (row["email_address"], row["bounce_type"], row["bounce_category"]) == (
        "jo@example.org",
        "hard",
        "bad-mailbox",
    )
    place = "/".join(str(row[name]) for name in ("user_id", "sender_id", "bounce_time", "email_id"))
    assert way.metrics(f"/bounce/{place}")["data"]["full_content"] == raw.decode()
    (count,) = way.metrics("/bounce/counts", rollup_to="user")["data"]
    assert (count["bounce_count"], count["hard_bounce_count"]) == (1, 1)
    assert way.reasons() == {"jo@example.org": "hardbounce"}
    wait_for(lambda: len(calls) >= 2, "postback and webhook")
    assert sorted(calls) == [
        "/bounce?e=jo%40example.org&r=emaildoesntexist ['jo@example.org']",
        "/hook email.bounced jo@example.org ['jo@example.org']",
    ], "it is in the reports before"


def _a_complaint(way: Way, taken: Others) -> None:
    mail = taken.by_recipient["ann@example.org"]
    raw = arf(mail.marks[MARKS.index("X-Trireme-Message: ")])
    domain = mail.sender.rpartition("@")[2]
    for _ in range(2):
        way.bring(raw, f"fbl@{domain}", "abusedesk@provider.example")
    assert way.reasons()["ann@example.org"] == "complaint"


def _an_unsubscription(way: Way, taken: Others) -> None:
    address, closing, _ = taken.by_recipient["max@example.org"].marks[MARKS.index("<mailto:")].partition(">")
    assert closing, address
    way.bring(PERSONAL, address, "max@example.org")
    assert way.reasons()["max@example.org"] == "unsubscribe"


def _forgeries(way: Way, taken: Others) -> None:
    path = taken.by_recipient["jo@example.org"].sender
    for forged in (
        path.replace("bounces+", "unsubscribe+"),
        f"bounces+{'a' * 24}@{path.rpartition('@')[2]}",
        "x@y.example",
    ):
        with pytest.raises(SMTPRecipientsRefused):
            way.bring(dsn(forged), forged)
    assert len(way.reasons()) == 3


def _blocked_next_time(running: Platform, way: Way, taken: Others, recipients: list[str]) -> None:
    taken.by_recipient.clear()
    running.send(*recipients, "new@example.org")
    wait_for(lambda: taken.look() == {"new@example.org"}, "the one mail that may go")
    wait_for(lambda: sum(row["status"] == "blocked" for row in _copies(way)) == 3, "the others as blocked")
