"""Single mails overtake a campaign that both delivery processes are full of: seen by the order at the SMTP server."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import campaigns
from bench import mailing
from bench.processes import Process, wait_until
from bench.record import Reader
from bench.stand import SENDER, Stand

pytestmark = [pytest.mark.serial, pytest.mark.timeout(120)]

RECIPIENTS = 3_000
SINGLES = 5
PROCESSES, CONNECTIONS, REPLY_SECONDS = 2, 2, 0.4
SLOW = ("--slow-ms", REPLY_SECONDS * 1000)
CLAIMED = "SELECT claimed FROM run_counts WHERE run_id = $1"


@dataclass(frozen=True, slots=True)
class Filled:
    """A campaign of which every copy has been claimed, before a server that takes ten mails a second."""

    stand: Stand
    record: Reader
    url: str

    def send(self, address: str) -> None:
        """Have a single mail accepted."""
        fields = {"apikey": self.stand.key, "from": SENDER, "to": address, "subject": "Code", "bodytext": "123456"}
        answer = httpx2.post(f"{self.url}/rest/json/send", data=fields, timeout=30)
        assert answer.json()["response"]["data"] == "250 2.1.0 Ok", answer.text

    def overtake(self, prefix: str) -> None:
        """Send single mails; nearly all of what was claimed before them arrives after them."""
        backlog = RECIPIENTS - self.record.count
        assert backlog > RECIPIENTS / 2, "there is nothing to overtake"
        self.record.skip()
        wanted = {f"{prefix}{number}@example.com" for number in range(SINGLES)}
        for address in sorted(wanted):
            self.send(address)
        order: list[str] = []

        def are_there() -> bool:
            order.extend(mail.recipient for mail in self.record.new())
            return wanted <= set(order)

        wait_until("the single mails", are_there, 60)
        ahead = max(map(order.index, wanted)) + 1 - SINGLES
        assert ahead < 0.1 * backlog, f"{ahead} of a campaign's {backlog} mails were not overtaken"


@pytest.fixture(scope="module")
def filled(installation: Path) -> Iterator[Filled]:
    with Stand(installation) as stand:
        record = stand.directory / "taken.record"
        relay = f"smtp://127.0.0.1:{stand.enter_context(Process('bench.recording_sink', record, *SLOW)).line()}"
        way = {"delivery_route": "relay", "delivery_relay_url": relay, "delivery_connections": CONNECTIONS}
        for _ in range(PROCESSES):
            stand.enter_context(stand.part("delivery", **way))
        _, port = stand.api()
        account_id, audience_id = mailing.audience(stand, "reader", RECIPIENTS)
        run_id = stand.run(partial(_begun, account_id, audience_id))
        wait_until("the claims", lambda: stand.value(CLAIMED, run_id) == RECIPIENTS, 60)
        yield Filled(stand, Reader(record), f"http://127.0.0.1:{port}")


async def _begun(account_id: int, audience_id: int, engine: AsyncEngine) -> int:
    html = mailing.newsletter(2_048)
    made = await mailing.campaign(engine, account_id, [audience_id], subject="News for {FNAME}", html=html)
    run = await mailing.started(engine, account_id, made.id)
    await campaigns.snapshot(engine, run.id)
    return run.id


def test_single_mails_overtake_a_claimed_campaign(filled: Filled) -> None:
    filled.overtake("single")


def test_single_mails_overtake_a_claimed_campaign_without_valkey(filled: Filled) -> None:
    filled.stand.valkey.stop()
    filled.overtake("lonely")
