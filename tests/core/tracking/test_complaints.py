"""A complaint is recorded once, counts, and suppresses."""

import asyncio
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import tracking
from app.db.engine import driver_connection
from app.db.unit_of_work import unit_of_work
from tests.core.tracking.conftest import NOON, UNKNOWN, fetch, totals
from tests.factories import Factories, MadeAccount

LATER = NOON + timedelta(hours=12)


async def copy_of(make: Factories, account: MadeAccount, recipient: str, **extra: Any) -> int:
    sender_id = next(iter(account.senders.values()))
    headers = {"X-Campaign": "spring"}
    copy = await make.delivered(account.id, sender_id, NOON, recipient, x_headers=headers, extra=extra)
    return copy.message_id


async def complain(engine: AsyncEngine, message_id: int, **more: Any) -> bool:
    async with unit_of_work(engine) as write:
        return await tracking.complain(write, message_id, NOON, **{"source": "example.org", "at": LATER, **more})


class TestComplain:
    async def test_it_is_recorded_counted_told_and_suppresses(self, engine: AsyncEngine, make: Factories) -> None:
        account = await make.account(senders=["news@example.com"])
        copy = await copy_of(make, account, "Jo@example.org")
        assert await complain(engine, copy, full_content="Feedback-Type: abuse\0")
        columns = "complained_at, source, full_content, recipient, x_headers->>'X-Campaign', run_id, postback_at"
        assert await fetch(engine, f"SELECT {columns} FROM complaints") == [  # noqa: S608
            (LATER, "example.org", "Feedback-Type: abuse", "Jo@example.org", "spring", None, None)
        ]
        assert await fetch(engine, "SELECT hour, complaints FROM hourly_counts WHERE complaints <> 0") == [(LATER, 1)]
        assert await fetch(engine, "SELECT day::text, complaints FROM daily_counts WHERE complaints <> 0") == [
            ("2016-11-23", 1)
        ]
        entry = "SELECT address, reason, source_message_id, source_accepted_at FROM suppressions"
        assert await fetch(engine, entry) == [("jo@example.org", "complaint", copy, NOON)]
        assert await fetch(engine, "SELECT address, reason FROM recipient_marks") == [("jo@example.org", "complaint")]
        told = "SELECT account_id, message_id, accepted_at, contact_id, address FROM domain_events WHERE type = $1"
        assert await fetch(engine, told, "email.complained") == [(account.id, copy, NOON, None, "Jo@example.org")]

    async def test_a_copy_is_complained_about_once(self, engine: AsyncEngine, make: Factories) -> None:
        account = await make.account(senders=["news@example.com"])
        copy = await copy_of(make, account, "jo@example.org")
        results = await asyncio.gather(*(complain(engine, copy) for _ in range(4)))
        assert sorted(results) == [False, False, False, True]
        async with driver_connection(engine) as connection:
            await connection.execute("DELETE FROM suppressions")
        assert not await complain(engine, copy, source="another")
        assert await fetch(engine, "SELECT address FROM suppressions") == [], "what was taken off the list stays off"
        assert await totals(engine) == {"complaints": 1}

    async def test_an_unknown_copy_is_no_complaint(self, engine: AsyncEngine) -> None:
        assert not await complain(engine, UNKNOWN)

    async def test_about_campaign_mail_the_contact_becomes_spam_reported(
        self, engine: AsyncEngine, make: Factories
    ) -> None:
        account = await make.account(senders=["news@example.com"])
        audience, other = await make.audience(account), await make.audience(account)
        contact = await make.contact(audience, "jo@example.org")
        await make.contact(other, "jo@example.org")
        mine = {"kind": "campaign", "run_id": 7, "contact_id": contact.id, "fields": {"@": audience.id}}
        assert await complain(engine, await copy_of(make, account, "jo@example.org", **mine))
        statuses = "SELECT status FROM contacts ORDER BY id"
        assert await fetch(engine, statuses) == [("spam-reported",), ("blacklisted",)]
        assert await fetch(engine, "SELECT run_id, complaints FROM run_counts") == [(7, 1)]
        told = "SELECT contact_id FROM domain_events WHERE type = 'email.complained'"
        assert await fetch(engine, told) == [(contact.id,)]

    async def test_about_other_mail_it_becomes_blacklisted(self, engine: AsyncEngine, make: Factories) -> None:
        account = await make.account(senders=["news@example.com"])
        contact = await make.contact(await make.audience(account), "jo@example.org")
        copy = await copy_of(make, account, "jo@example.org", kind="transactional", contact_id=contact.id)
        assert await complain(engine, copy)
        assert await fetch(engine, "SELECT status FROM contacts") == [("blacklisted",)]
