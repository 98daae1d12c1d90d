"""Another account's uids and addresses behave like unknown ones, and nothing of it changes."""

import json
from typing import Any

import httpx2
from sqlalchemy.ext.asyncio import AsyncEngine

from app.api.dynosend.router import TABLE
from app.kit.uids import Noun, uid
from tests.api.dynosend.conftest import Ask
from tests.factories import Factories

STATE = (
    "SELECT (SELECT jsonb_agg(to_jsonb(a) ORDER BY id) FROM audiences a), "
    "(SELECT jsonb_agg(to_jsonb(f) ORDER BY id) FROM audience_fields f), "
    "(SELECT jsonb_agg(to_jsonb(c) ORDER BY id) FROM contacts c), "
    "(SELECT jsonb_agg(to_jsonb(e) ORDER BY id) FROM contact_events e), "
    "(SELECT jsonb_agg(to_jsonb(s) ORDER BY id) FROM suppressions s), "
    "(SELECT jsonb_agg(to_jsonb(c) ORDER BY id) FROM campaigns c), "
    "(SELECT jsonb_agg(to_jsonb(r) ORDER BY id) FROM runs r), "
    "(SELECT jsonb_agg(to_jsonb(m) ORDER BY id) FROM messages m)"
)
EMAIL = "secret@victim.example"


async def state(engine: AsyncEngine) -> str:
    async with engine.connect() as connection:
        return json.dumps([*(await connection.exec_driver_sql(STATE)).one()], default=str)


async def test_nothing_of_another_account_is_seen_or_changed(ask: Ask, make: Factories, engine: AsyncEngine) -> None:
    victim = await make.account(senders=["shop@victim.example"])
    audience = await make.audience(victim, name="secret", fields=["SECRET"])
    contact = await make.contact(audience, EMAIL, fields={"SECRET": "secret"}, tags=["secret"])
    campaign = await make.campaign(victim, [audience])
    await make.suppression(victim.id, "blocked@victim.example")
    sub = await make.account(parent=victim)
    mine = await make.audience(sub, name="mine")
    before = await state(engine)
    theirs = {"audience_uid": uid(Noun.AUDIENCE, audience.id)}
    own = {"audience_uid": uid(Noun.AUDIENCE, mine.id)}
    more: dict[str, Any] = {
        "campaign_uid": uid(Noun.CAMPAIGN, campaign.id),
        "type": "text",
        "label": "L",
        "tag": "T",
        "event_name": "x",
        "EMAIL": EMAIL,
        "new_email": "new@victim.example",
        "recipient": EMAIL,
        "transactional_uid": uid(Noun.TRANSACTIONAL, 1),
    }
    whoms = [{"contact_uid": uid(Noun.CONTACT, contact.id)}, {"email": EMAIL}]
    free = {"/blacklist", "/blacklist/add", "/contacts/duplicate"}
    for key in (sub.key, None):  # below the victim, and a stranger
        for line in TABLE:
            if line.path in free:
                continue
            for given in [{**theirs, **whom, **more} for whom in whoms] + [{**own, **whoms[0], **more}]:
                is_own = given["audience_uid"] == own["audience_uid"] and key is not None
                if (
                    is_own
                    and "contact_uid" not in (*line.required, *line.optional)
                    and "audience_uid"
                    in (
                        *line.required,
                        *line.optional,
                    )
                ):
                    continue  # a good request of its own
                answer = await ask(f"{line.method} {line.path}", given, key=key)
                assert answer.status_code == 404, (line, given, answer.text)
                assert "secret" not in answer.text
        for line_ in ("GET /audiences", "GET /campaigns"):
            assert "secret" not in (await ask(line_, key=key)).text
        assert (await ask("GET /contacts/duplicate", {"email": EMAIL}, key=key)).json() == {"contacts": []}
        answer = await ask("POST /blacklist", {"email": "blocked@victim.example"}, key=key)
        assert answer.json()["blacklisted"] is False
    assert await state(engine) == before


async def test_blacklisting_is_of_the_own_account(ask: Ask, make: Factories, client: httpx2.AsyncClient) -> None:
    victim = await make.account()
    audience = await make.audience(victim)
    await make.contact(audience, EMAIL)
    assert (await ask("POST /blacklist/add", {"email": EMAIL})).status_code == 204
    given = {"audience_uid": uid(Noun.AUDIENCE, audience.id), "email": EMAIL}
    answer = await ask("GET /contacts", given, key=victim.key)
    assert answer.json()["contact"]["status"] == "subscribed"
    assert (await ask("POST /blacklist", {"email": EMAIL}, key=victim.key)).json()["blacklisted"] is False
