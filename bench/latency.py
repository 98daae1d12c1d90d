"""`latency`: from a request to the SMTP server's acceptance, single mails on a whole product.

Idle, and while a campaign runs that lasts for all of the measurement. With Valkey a nudge wakes delivery; while it is
stopped the look at the queue finds the mail. The pauses between mails are random, so that they meet that look at any
point of it, and nobody waits for a mail before the next one is sent.
"""

import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import httpx2
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import campaigns, senders
from app.core.accounts import KeyRing
from app.db.unit_of_work import unit_of_work
from app.kit.secrets import Vault
from bench import mailing
from bench.chaos_stage import Stage
from bench.machine import wait_until_idle
from bench.options import Options
from bench.sheet import Sheet, percentile
from bench.stand import SENDER, Stand

GIVE_UP_SECONDS = 60.0
PAUSES = (0.05, 0.25)
"""Seconds between an answer and the next request."""
SETTLED_MAILS = 5_000
"""Mails of the campaign that have arrived before anything is measured."""
SIGNED_SENDER = "hello@rsa.localhost.test"
HTML_BYTES = 20 * 1024
PARTS = ("api", "worker", "scheduler", "delivery-1", "delivery-2")
LEFT = "SELECT total - next_seq + 1 FROM runs WHERE id = $1 AND state = 'sending'"
UNDER_WAY = "SELECT (SELECT count(*) FROM delivery_leases) + (SELECT count(*) FROM delivery_queue)"


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    sender: str
    has_campaign: bool


@dataclass(frozen=True, slots=True)
class _Bench:
    sheet: Sheet
    stage: Stage
    account_id: int
    audience_id: int
    sends: int


CASES = (
    _Case("idle", SENDER, has_campaign=False),
    _Case("beside a campaign, unsigned", SENDER, has_campaign=True),
    _Case("beside a campaign, RSA-2048", SIGNED_SENDER, has_campaign=True),
)


def run(options: Options) -> Sheet:
    """Measure."""
    sheet = Sheet("latency: one mail, from the request to the SMTP server")
    with Stage() as stage:
        stage.stand.run(partial(_signed_sender, stage.stand))
        account_id, audience_id = mailing.audience(stage.stand, "latency-reader", options.targets)
        bench = _Bench(sheet, stage, account_id, audience_id, options.sends)
        for _ in range(options.runs):
            for case in CASES:
                _case(bench, case, "with Valkey")
            stage.end("valkey", number=signal.SIGTERM)
            for case in CASES:
                _case(bench, case, "without Valkey")
            stage.start_again("valkey")
    sheet.note(f"{options.sends} mails a run and case, {PAUSES[0]:g} to {PAUSES[1]:g} s after the answer to the last")
    sheet.note(f"the campaign: {options.targets:,} recipients, 20 KB, the same account and sender as the single mails")
    sheet.note("two delivery processes, API, worker, scheduler, PostgreSQL and the SMTP server on the same cores")
    return sheet


async def _signed_sender(stand: Stand, engine: AsyncEngine) -> None:
    caller = await KeyRing(engine).fresh(stand.key)
    async with unit_of_work(engine) as write:
        sender = await senders.add(write, caller.account_id, email=SIGNED_SENDER, require_verification=False)
        await senders.set_dkim(write, Vault(stand.settings.secret_keys), sender, selector="bench")


def _case(bench: _Bench, case: _Case, how: str) -> None:
    stage = bench.stage
    if case.has_campaign:
        with _campaign(bench, case) as run_id:
            began, before = time.monotonic(), stage.reader().count
            _measure(bench, case, how)
            rate = (stage.reader().count - before - bench.sends) / (time.monotonic() - began)
            # A run that sends no more gives null: what was measured was not beside it.
            left = stage.stand.query(LEFT, run_id)
            if not left or left[0][0] <= 0:
                raise RuntimeError(f"{case.name}, {how}: the campaign ended too early; give more --targets")
            bench.sheet.add(f"{case.name}, {how}: the campaign", "mails/s", rate)
    else:
        wait_until_idle(stage.pids(*PARTS))
        _measure(bench, case, how)


@contextmanager
def _campaign(bench: _Bench, case: _Case) -> Iterator[int]:
    """Lend a campaign that sends; it is stopped afterwards, and nothing of it is left under way."""
    stage, reader = bench.stage, bench.stage.reader()

    async def begin(engine: AsyncEngine) -> tuple[int, int]:
        made = await mailing.campaign(
            engine,
            bench.account_id,
            [bench.audience_id],
            subject="News for {FNAME}",
            html=mailing.newsletter(HTML_BYTES),
            sender=case.sender,
        )
        begun = await mailing.started(engine, bench.account_id, made.id)
        await campaigns.snapshot(engine, begun.id)  # or the scheduler's look was first, and this waited for it
        return made.id, begun.id

    async def end(engine: AsyncEngine) -> None:
        async with unit_of_work(engine) as write:
            await campaigns.stop(write, bench.account_id, campaign_id)

    before = reader.count
    campaign_id, run_id = stage.stand.run(begin)
    stage.wait_for("the campaign", lambda: reader.count - before >= SETTLED_MAILS, GIVE_UP_SECONDS)
    yield run_id
    stage.stand.run(end)
    stage.wait_for("the end of the campaign", lambda: not stage.stand.value(UNDER_WAY), GIVE_UP_SECONDS, every=0.2)


def _measure(bench: _Bench, case: _Case, how: str) -> None:
    """Send single mails and note how long each took to its answer, to its arrival, and between the two."""
    reader = bench.stage.reader()
    reader.skip()
    prefix = f"single{time.monotonic_ns()}-"
    began, answered = _send_all(bench, case, prefix)
    arrived: dict[str, float] = {}

    def are_there() -> bool:
        arrived.update((mail.recipient, mail.at) for mail in reader.new() if mail.recipient.startswith(prefix))
        return len(arrived) == len(began)

    bench.stage.wait_for("the last mail", are_there, GIVE_UP_SECONDS)
    spans = {
        "until the 200": sorted(at - began[name] for name, at in answered.items()),
        "until the SMTP server has it": sorted(at - began[name] for name, at in arrived.items()),
        "from the 200 to the SMTP server": sorted(at - answered[name] for name, at in arrived.items()),
    }
    for span, seconds in spans.items():
        figures = {"p50": percentile(seconds, 0.5), "p99": percentile(seconds, 0.99), "longest": seconds[-1]}
        for figure, value in figures.items():
            bench.sheet.add(f"{case.name}, {how}: {span}, {figure}", "ms", max(value, 0.0) * 1000)


def _send_all(bench: _Bench, case: _Case, prefix: str) -> tuple[dict[str, float], dict[str, float]]:
    """Return by recipient when its mail was asked for and when that was answered, monotonic seconds."""
    began: dict[str, float] = {}
    answered: dict[str, float] = {}
    fields = {"apikey": bench.stage.stand.key, "from": case.sender, "subject": "Hello", "bodytext": "Good day."}
    with httpx2.Client(base_url=f"http://127.0.0.1:{bench.stage.api_port}", timeout=GIVE_UP_SECONDS) as client:
        for number in range(bench.sends):
            recipient = f"{prefix}{number}@example.com"
            began[recipient] = time.monotonic()
            answer = client.post("/rest/json/send", data=fields | {"to": recipient})
            answered[recipient] = time.monotonic()
            assert "250 2.1.0 Ok" in answer.text, answer.text
            time.sleep(random.uniform(*PAUSES))
    return began, answered
