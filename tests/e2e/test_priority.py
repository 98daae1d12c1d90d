"""Single mails overtake a campaign that both delivery processes are full of: seen by the order at the SMTP server."""

import signal
from collections.abc import Iterator
from functools import partial

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import campaigns
from bench import mailing
from bench.chaos_stage import Stage
from bench.stand import SENDER

pytestmark = [pytest.mark.serial, pytest.mark.timeout(120)]

RECIPIENTS = 3_000
SINGLES = 5
SLOW = ("--slow-ms", 400)
CLAIMED = "SELECT claimed FROM run_counts WHERE run_id = $1"


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """A campaign of which every copy has been claimed, before a server that takes ten mails a second."""
    with Stage(SLOW, connections=2) as running:
        account_id, audience_id = mailing.audience(running.stand, "reader", RECIPIENTS)
        run_id = running.stand.run(partial(begun, account_id, audience_id))
        running.wait_for("all claims", lambda: running.stand.value(CLAIMED, run_id) == RECIPIENTS, 60)
        yield running


async def begun(account_id: int, audience_id: int, engine: AsyncEngine) -> int:
    made = await mailing.campaign(
        engine, account_id, [audience_id], subject="News for {FNAME}", html=mailing.newsletter(2_048)
    )
    run = await mailing.started(engine, account_id, made.id)
    await campaigns.snapshot(engine, run.id)
    return run.id


def overtake(stage: Stage, prefix: str) -> None:
    """Send single mails; nearly all of what was claimed before them arrives after them."""
    before = stage.reader().count
    wanted = {f"{prefix}{number}@example.com" for number in range(SINGLES)}
    for address in sorted(wanted):
        fields = {"apikey": stage.stand.key, "from": SENDER, "to": address, "subject": "Code", "bodytext": "123456"}
        answer = httpx2.post(f"http://127.0.0.1:{stage.api_port}/rest/json/send", data=fields, timeout=30)
        assert answer.json()["response"]["data"] == "250 2.1.0 Ok", answer.text
    reader, order = stage.reader(), list[str]()

    def are_there() -> bool:
        order.extend(mail.recipient for mail in reader.new())
        return wanted <= set(order)

    stage.wait_for("the single mails", are_there, 60)
    last = max(order.index(address) for address in wanted)
    backlog = RECIPIENTS - before
    overtaken = backlog - (last + 1 - SINGLES - before)
    assert backlog > RECIPIENTS / 2, "no backlog was left to overtake"
    assert overtaken > 0.9 * backlog, f"{overtaken} of {backlog}"


def test_single_mails_overtake_a_claimed_campaign(stage: Stage) -> None:
    overtake(stage, "single")


def test_single_mails_overtake_a_claimed_campaign_without_valkey(stage: Stage) -> None:
    stage.end("valkey", number=signal.SIGTERM)
    overtake(stage, "lonely")
