"""kill -9 in the middle: nobody is lost, and hardly anybody gets it twice.

Real processes, a real PostgreSQL, a real SMTP server; the supervisor starts again what was killed.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tests.e2e.killed.conftest import PROCESSES, Victim
from tests.e2e.platform import Platform, Sink, wait_for

pytestmark = [pytest.mark.serial, pytest.mark.timeout(240)]

RECIPIENTS = 5_000
CONNECTIONS = 10


@dataclass
class Crash:
    """A running product and the server its mail goes to."""

    running: Platform
    taken: Sink

    def send(self, address: str) -> str | None:
        """Send to one; return the address when the mail was accepted."""
        answer = self.running.send(address)
        return address if answer.json()["response"]["data"] == "250 2.1.0 Ok" else None

    def everyone_got_it(self, recipients: list[str], *, duplicates: int) -> None:
        """Wait for the last; nobody else got anything, and no more copies than that came twice."""
        wanted = set(recipients)
        # Each of the two looks takes a while itself.
        wait_for(lambda: wanted <= self.taken.recipients().keys(), "the last recipient", 120, every=0.1)
        counted = {address: count for address, count in self.taken.recipients().items() if address in wanted}
        doubled = sum(counted.values()) - len(wanted)
        assert doubled <= duplicates, f"{doubled} duplicates, at most {duplicates} allowed"
        assert max(counted.values()) <= 2
        wait_for(lambda: self._delivered(wanted), "the ledger's last outcome", every=0.5)

    def _delivered(self, wanted: set[str]) -> bool:
        emails = [email for email in self.running.emails() if email["email_address"] in wanted]
        assert len(emails) == len({email["email_address"] for email in emails}) == len(wanted)
        return all(email["delivered"] for email in emails)


@pytest.fixture
def crash(victim: Victim) -> Crash:
    return Crash(victim.running, victim.taken)


def test_killing_delivery_processes_loses_nobody(crash: Crash) -> None:
    """The bound: SMTP transactions open at the kill, which is one for each connection."""
    recipients = [f"r{number}@example.org" for number in range(RECIPIENTS)]
    for start in range(0, RECIPIENTS, 1000):
        answer = crash.running.send(*recipients[start : start + 1000])
        assert answer.json()["response"]["data"] == "250 2.1.0 Ok", answer.text
    wait_for(lambda: crash.taken.lines() > RECIPIENTS // 5, "the first fifth")
    killed = crash.running.kill("delivery")
    assert crash.taken.lines() < RECIPIENTS, "killed too late to tell anything"
    crash.everyone_got_it(recipients, duplicates=PROCESSES * CONNECTIONS)
    assert not set(killed) & set(crash.running.runtime()["pids"]["delivery"])


def test_killing_postgres_and_valkey_loses_no_accepted_mail(crash: Crash) -> None:
    """Mail is accepted and delivered while both are killed: what was answered with 250 arrives, once."""
    with ThreadPoolExecutor(8) as pool:
        first = [pool.submit(crash.send, f"p{number}@example.org") for number in range(600)]
        wait_for(lambda: sum(future.done() for future in first) > 200, "the first answers")
        crash.running.kill("postgres")
        second = [pool.submit(crash.send, f"q{number}@example.org") for number in range(300)]
        wait_for(lambda: sum(future.done() for future in second) > 50, "answers after PostgreSQL's return")
        crash.running.kill("valkey")
        third = [pool.submit(crash.send, f"v{number}@example.org") for number in range(300)]
    accepted = [address for future in [*first, *second, *third] if (address := future.result())]
    # An outage of a second or two is waited out; nobody is turned away.
    assert len(accepted) == 1200
    # Delivery processes live through it, so nothing is in doubt and nothing doubled.
    crash.everyone_got_it(accepted, duplicates=0)
