"""Conditions about opens and clicks, beside what is in the tables."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import segments
from app.core.audiences import FieldSet
from app.core.segments import ContactFilter, definition_of
from app.db.engine import driver_connection
from app.db.unit_of_work import reading
from app.kit.uids import Noun, uid
from tests.factories import Factories

NO_FIELDS = FieldSet(types={}, defaults={}, required=())


async def lay(make: Factories, engine: AsyncEngine) -> tuple[int, int, int]:
    """Three contacts: `now` opened and clicked today, `old` opened 20 days ago, `never` did nothing; and strangers."""
    account = await make.account(senders=["a@acme.example"])
    audience = await make.audience(account)
    campaign = await make.campaign(account, [audience])
    people = {name: await make.contact(audience, f"{name}@x.example") for name in ("now", "old", "never")}
    run = await make.run(campaign)
    async with driver_connection(engine) as connection:
        today = await connection.fetchval("SELECT date_trunc('second', now()) - interval '1 minute'")
        for number, (name, days, clicks) in enumerate((("now", 0, True), ("old", 20, False)), start=9000):
            at = today - timedelta(days=days)
            await connection.execute(
                "INSERT INTO messages (id, accepted_at, account_id, sender_id, run_id, contact_id, accepted_ms, kind, state,"
                " recipient) VALUES ($1, $2, $3, 1, $4, $5, 0, 'campaign', 'delivered', $6)",
                number, today, account.id, run.id, people[name].id, people[name].address,
            )  # fmt: skip
            await connection.execute(
                "INSERT INTO opens (message_id, accepted_at, id, account_id, sender_id, occurred_at, ip, user_agent, machine)"
                " VALUES ($1, $2, $1, $3, 1, $4, '', '', false)", number, today, account.id, at,
            )  # fmt: skip
            if clicks:
                await connection.execute(
                    "INSERT INTO clicks (message_id, accepted_at, id, account_id, sender_id, link, url, occurred_at, ip,"
                    " user_agent, machine) VALUES ($1, $2, $1, $3, 1, 0, 'https://x.example/', $4, '', '', false)",
                    number, today, account.id, at,
                )  # fmt: skip
            await connection.execute(
                "INSERT INTO engagements (message_id, accepted_at, account_id, sender_id, run_id, opens, clicks, opened_at,"
                " clicked_at) VALUES ($1, $2, $3, 1, $4, 1, 0, $5, $6)",
                number, today, account.id, run.id, at, at if clicks else None,
            )  # fmt: skip
    return account.id, audience.id, campaign.id


@pytest.mark.parametrize("match", ["all", "any"])
async def test_opens_and_clicks(make: Factories, engine: AsyncEngine, match: str) -> None:
    account_id, audience_id, campaign_id = await lay(make, engine)
    here, elsewhere = uid(Noun.CAMPAIGN, campaign_id), uid(Noun.CAMPAIGN, campaign_id + 1)
    expected: list[tuple[str, str, object, set[str]]] = [
        ("opened", "any_within_days", 7, {"now"}),
        ("opened", "any_within_days", 30, {"now", "old"}),
        ("opened", "none_within_days", 7, {"old", "never"}),
        ("clicked", "any_within_days", 30, {"now"}),
        ("clicked", "none_within_days", 30, {"old", "never"}),
        ("opened", "campaign", here, {"now", "old"}),
        ("clicked", "campaign", here, {"now"}),
        ("opened", "campaign", elsewhere, set()),
    ]
    neutral = {"type": "status", "op": "is" if match == "all" else "is_not", "value": "subscribed"}
    async with reading(engine) as read:
        definitions = []
        for kind, op, value, names in expected:
            definition = definition_of(NO_FIELDS, match, [neutral, {"type": kind, "op": op, "value": value}])
            wanted = ContactFilter(segment=definition)
            found = await segments.select_page(read, account_id, audience_id, wanted)
            assert {one.address.partition("@")[0] for one in found} == names, (kind, op, value)
            definitions.append(definition)
        counts = await segments.counts(read, account_id, audience_id, definitions * 3)
        assert counts == [len(names) for *_, names in expected] * 3
