"""Mail that is accepted as a part of somebody else's transaction."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.errors import QuotaExceeded, StaleCaller
from app.core.messages import Accepted, Draft, OnBehalf, Owner, claim_due, reserve_ids, write_draft, write_drafts
from app.core.suppressions import Reason
from app.db.engine import driver_connection
from app.db.unit_of_work import WriteSession, unit_of_work
from app.models.message import Kind
from tests.core.messages.conftest import draft_of
from tests.factories import Factories, MadeAccount


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account(senders=["news@example.com"])


async def copies(engine: AsyncEngine) -> list[dict[str, Any]]:
    async with driver_connection(engine) as connection:
        query = "SELECT id, kind, recipient, contact_id, state, blocked_reason FROM messages ORDER BY id"
        return [dict(row) for row in await connection.fetch(query)]


async def written(engine: AsyncEngine, *drafts: Draft) -> list[object]:
    async with driver_connection(engine) as connection, connection.transaction():
        return list(await write_drafts(connection, drafts, default_cap=0))


async def test_ids_that_were_reserved_are_used(engine: AsyncEngine, account: MadeAccount) -> None:
    async with driver_connection(engine) as connection:
        ids = tuple(await reserve_ids(connection, 2))
    one = replace(draft_of(account, "jo@example.org"), ids=ids, contact_id=7)
    [first, second] = await written(engine, one, draft_of(account, "a@example.org", "b@example.org"))
    assert isinstance(first, Accepted)
    assert isinstance(second, Accepted)
    assert (first.mail_id, first.message_ids) == (ids[0], ids[1:])
    found = {one["recipient"]: (one["id"], one["contact_id"]) for one in await copies(engine)}
    assert found == {
        "jo@example.org": (ids[1], 7),
        "a@example.org": (second.message_ids[0], None),
        "b@example.org": (second.message_ids[1], None),
    }


async def test_it_stands_and_falls_with_its_transaction(engine: AsyncEngine, account: MadeAccount) -> None:
    async with WriteSession(engine) as write:
        accepted = await write_draft(write, draft_of(account, "jo@example.org"), default_cap=0)
        await write.rollback()
    assert await copies(engine) == []
    async with unit_of_work(engine) as write:
        accepted = await write_draft(write, draft_of(account, "jo@example.org"), default_cap=0)
    assert [one["id"] for one in await copies(engine)] == list(accepted.message_ids)


async def test_a_stale_caller_and_a_spent_quota_are_told(engine: AsyncEngine, account: MadeAccount) -> None:
    draft = draft_of(account, "jo@example.org")
    stale = replace(draft, caller=replace(account.caller, revision=0))
    for wrong, error, cap in (
        (stale, StaleCaller, 0),
        (replace(draft, recipients=("a@x.org", "b@x.org")), QuotaExceeded, 1),
    ):
        with pytest.raises(error):
            async with unit_of_work(engine) as write:
                await write_draft(write, wrong, default_cap=cap)
    behalf = replace(draft, caller=OnBehalf(account.id))
    async with unit_of_work(engine) as write:
        assert len((await write_draft(write, behalf, default_cap=1)).message_ids) == 1


@pytest.mark.parametrize(
    "case",
    [
        (Kind.TRANSACTIONAL, Reason.UNSUBSCRIBE, "queued"),
        (Kind.TRANSACTIONAL, Reason.MANUAL, "blocked"),
        (Kind.SYSTEM, Reason.UNSUBSCRIBE, "blocked"),
        (Kind.SEND, Reason.UNSUBSCRIBE, "blocked"),
    ],
)
async def test_only_transactional_mail_goes_to_who_unsubscribed(
    engine: AsyncEngine, make: Factories, account: MadeAccount, case: tuple[Kind, Reason, str]
) -> None:
    kind, reason, state = case
    await make.suppression(account.id, "jo@example.org", reason=reason)
    await written(engine, replace(draft_of(account, "Jo@Example.org"), kind=kind))
    assert [one["state"] for one in await copies(engine)] == [state]


async def test_who_unsubscribes_before_it_leaves_gets_transactional_mail_all_the_same(
    engine: AsyncEngine, make: Factories, account: MadeAccount
) -> None:
    draft = draft_of(account, "jo@example.org")
    await written(engine, replace(draft, kind=Kind.TRANSACTIONAL), draft)
    await make.suppression(account.id, "jo@example.org", reason=Reason.UNSUBSCRIBE)
    async with driver_connection(engine) as connection:
        claimed = await claim_due(connection, Owner("host", uuid4()), limit=10, lease_seconds=60)
    assert {copy.kind: copy.suppressed for copy in claimed} == {Kind.TRANSACTIONAL: None, Kind.SEND: Reason.UNSUBSCRIBE}
