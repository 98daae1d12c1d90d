"""What is written of tracking when mail is accepted, and the events of copies that are blocked."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import contacts, messages
from app.core.messages import Batcher
from app.core.suppressions import Reason
from app.db.engine import driver_connection
from app.db.unit_of_work import unit_of_work
from tests.core.messages.conftest import draft_of
from tests.core.messages.test_batcher import fetch
from tests.factories.accounts import AccountFactory

EVENTS = "SELECT account_id, type, message_id, accepted_at, address, data, routed FROM domain_events WHERE type LIKE 'email.%'"


async def test_tracking_and_links_are_stored_with_the_mail(
    batcher: Batcher, make: AccountFactory, engine: AsyncEngine
) -> None:
    account = await make.account(senders=["news@example.com"])
    links = ('https://a.example/?q="x",{}', "https://b.example")
    tracked = await batcher.accept(draft_of(account, html="x", tracking=3, links=links))
    plain = await batcher.accept(draft_of(account))
    rows = await fetch(engine, "SELECT tracking, links FROM mails ORDER BY id")
    assert [tuple(row) for row in rows] == [(3, list(links)), (0, None)]
    async with driver_connection(engine) as connection:
        both = [(one.mail_id, one.accepted_at) for one in (tracked, plain)]
        found = {one.mail_id: one for one in await messages.contents(connection, both)}
    assert (found[tracked.mail_id].tracking, found[tracked.mail_id].links) == (3, links)
    assert (found[plain.mail_id].tracking, found[plain.mail_id].links) == (0, ())


@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("wanted", [True, False])
async def test_who_asked_is_told_of_copies_blocked_for_bounces(
    reason: Reason, wanted: bool, batcher: Batcher, make: AccountFactory, engine: AsyncEngine
) -> None:
    account = await make.account(
        senders=["news@example.com"], bounce_url="https://hooks.example/b?e=@email", bounce_url_active=wanted
    )
    async with unit_of_work(engine) as write:
        await contacts.suppress(write, account.id, ["gone@example.org"], reason)
    at = datetime.now(UTC)
    accepted = await batcher.accept(draft_of(account, "Gone@example.org", "jo@example.org", received_at=at))
    rows = [tuple(row) for row in await fetch(engine, EVENTS)]
    if wanted and reason in {Reason.HARDBOUNCE, Reason.SOFTBOUNCE}:
        copy = accepted.message_ids[0]
        assert rows == [(account.id, "email.blocked", copy, accepted.accepted_at, "Gone@example.org", None, False)]
    else:
        assert rows == []


async def test_switches_that_are_off_cost_nothing(make: AccountFactory) -> None:
    caller = (await make.account()).caller
    found = await messages.tracking_of(caller, headers=(), html="<a href='https://x.example'>", public_url="https://h")
    assert found is messages.UNTRACKED


async def test_one_place_decides_for_every_way_in(make: AccountFactory) -> None:
    caller = replace((await make.account()).caller, track_opens=True, track_links=True, track_unsubscribes=True)
    html = "<a href='https://x.example'>"
    cases = [
        ((), html, 7, ("https://x.example",)),
        ((), None, 4, None),
        ((("LIST-unsubscribe", "<mailto:a@b.c>"),), html, 3, ("https://x.example",)),
        ((("LIST-unsubscribe", "<mailto:a@b.c>"),), None, 0, None),
        ((), "", 5, None),
    ]
    for headers, given, tracking, links in cases:
        found = await messages.tracking_of(caller, headers=headers, html=given, public_url="https://mail.example")
        assert (found.tracking, found.links) == (tracking, links)
