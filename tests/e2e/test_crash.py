"""kill -9 in the middle: nobody is lost, and hardly anybody gets it twice.

Real processes, a real PostgreSQL, a real SMTP server; the supervisor starts again what was killed.
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.platform import Platform, Sink, platform, sink, wait_for

pytestmark = [pytest.mark.serial, pytest.mark.timeout(240)]

RECIPIENTS = 5_000
CONNECTIONS = 10
PROCESSES = 2


def addresses(count: int = RECIPIENTS) -> list[str]:
    return [f"r{number}@example.org" for number in range(count)]


def queue_all(running: Platform, recipients: list[str]) -> None:
    for start in range(0, len(recipients), 1000):
        answer = running.send(*recipients[start : start + 1000])
        assert answer.json()["response"]["data"] == "250 2.1.0 Ok", answer.text


def everyone_got_it(taken: Sink, recipients: list[str], *, duplicates: int) -> Counter[str]:
    wait_for(lambda: len(taken.recipients()) >= len(recipients), "the last recipient", 120)
    counted = taken.recipients()
    assert sorted(counted) == sorted(recipients)
    doubled = sum(counted.values()) - len(recipients)
    assert doubled <= duplicates, f"{doubled} duplicates, at most {duplicates} allowed"
    assert max(counted.values()) <= 2
    return counted


def ledger_agrees(running: Platform, count: int) -> None:
    emails = wait_for(
        lambda: (found := running.emails()) and all(email["delivered"] for email in found) and found,
        "the ledger's last outcome",
    )
    assert len(emails) == len({email["email_address"] for email in emails}) == count


def test_killing_delivery_processes_loses_nobody(tmp_path: Path) -> None:
    """The bound: SMTP transactions open at the kill, which is one for each connection."""
    with sink(tmp_path, delay_ms=4) as taken:
        options = ("--relay", f"smtp://127.0.0.1:{taken.port}", "--workers", str(PROCESSES))
        with platform(tmp_path, *options) as running:
            recipients = addresses()
            queue_all(running, recipients)
            wait_for(lambda: taken.lines() > RECIPIENTS // 5, "the first fifth")
            killed = running.kill("delivery")
            at_kill = taken.lines()
            assert at_kill < RECIPIENTS, "killed too late to tell anything"
            everyone_got_it(taken, recipients, duplicates=PROCESSES * CONNECTIONS)
            ledger_agrees(running, RECIPIENTS)
            assert not set(killed) & set(running.runtime()["pids"]["delivery"])


def test_killing_postgres_and_valkey_loses_no_accepted_mail(tmp_path: Path) -> None:
    """Mail is accepted and delivered while both are killed: what was answered with 250 arrives, once."""
    with (
        sink(tmp_path, delay_ms=4) as taken,
        platform(tmp_path, "--relay", f"smtp://127.0.0.1:{taken.port}") as running,
    ):

        def send(address: str) -> str | None:
            answer = running.send(address)
            return address if answer.json()["response"]["data"] == "250 2.1.0 Ok" else None

        with ThreadPoolExecutor(8) as pool:
            first = [pool.submit(send, address) for address in addresses(600)]
            wait_for(lambda: sum(future.done() for future in first) > 200, "the first answers")
            running.kill("postgres")
            second = [pool.submit(send, f"s{number}@example.org") for number in range(300)]
            wait_for(lambda: sum(future.done() for future in second) > 50, "answers after PostgreSQL's return")
            running.kill("valkey")
            third = [pool.submit(send, f"t{number}@example.org") for number in range(300)]
        accepted = [address for future in [*first, *second, *third] if (address := future.result())]
        # An outage of a second or two is waited out; nobody is turned away.
        assert len(accepted) == 1200
        # Delivery processes live through it, so nothing is in doubt and nothing doubled.
        everyone_got_it(taken, accepted, duplicates=0)
        ledger_agrees(running, 1200)


def test_mail_is_accepted_and_delivered_without_valkey(tmp_path: Path) -> None:
    """No nudge arrives; the queue is looked at every second all the same."""
    with sink(tmp_path) as taken:
        options = ("--relay", f"smtp://127.0.0.1:{taken.port}", "--broker-url", "redis://127.0.0.1:1/0")
        with platform(tmp_path, *options, "--workers", "1") as running:
            assert running.send("jo@example.org").json()["response"]["data"] == "250 2.1.0 Ok"
            everyone_got_it(taken, ["jo@example.org"], duplicates=0)
