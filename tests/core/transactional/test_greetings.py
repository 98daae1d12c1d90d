"""Confirmation and welcome mails: once, durable, and only where an audience wants them."""

import re
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import audiences, contacts, events, transactional
from app.core.audiences import Audience
from app.core.contacts import ContactStatus
from app.core.errors import Conflict
from app.core.transactional import Site
from app.db.engine import driver_connection
from app.db.unit_of_work import unit_of_work
from app.settings import Settings
from tests.factories import Factories
from workers.event_router import EventRouter, consumers_of

MAILS = """
    SELECT messages.kind, messages.recipient, messages.contact_id, messages.state, mails.headers, mails.text, mails.html
    FROM messages JOIN mails ON mails.id = messages.mail_id ORDER BY messages.id
"""


async def mails(engine: AsyncEngine) -> list[dict[str, Any]]:
    async with driver_connection(engine) as connection:
        return [{**row, "headers": dict(row["headers"])} for row in await connection.fetch(MAILS)]


async def route(engine: AsyncEngine, settings: Settings) -> int:
    router = EventRouter(engine, on_routed=lambda: None, consumers=consumers_of(settings))
    return await router.route()


async def add(engine: AsyncEngine, audience: Audience, email: str, **values: Any) -> contacts.Contact:
    async with unit_of_work(engine) as write:
        return await contacts.add(write, audience.account_id, audience.id, email=email, source="api", **values)


@pytest.fixture
async def audience(make: Factories) -> Audience:
    """An audience that asks and welcomes."""
    account = await make.account(senders=["first@example.org", "shop@example.org"])
    return await make.audience(
        account,
        name="News & more",
        fields=["FIRST_NAME"],
        from_email="shop@example.org",
        from_name="Shop",
        settings={"double_opt_in": True, "send_welcome": True},
    )


async def test_an_unconfirmed_contact_is_asked_once(
    engine: AsyncEngine, settings: Settings, audience: Audience
) -> None:
    contact = await add(engine, audience, "jo@example.org", status=ContactStatus.UNCONFIRMED)
    assert await route(engine, settings) == 1
    assert await route(engine, settings) == 0
    (mail,) = await mails(engine)
    assert (mail["kind"], mail["recipient"], mail["contact_id"]) == ("system", "jo@example.org", contact.id)
    assert mail["headers"]["From"] == "Shop <shop@example.org>"
    assert mail["headers"]["Subject"] == "Please confirm your subscription to News & more"
    assert "News &amp; more" in mail["html"]
    links = re.findall(r"http://mail\.example\.com/c/[a-z2-7]{24}", mail["html"] + mail["text"])
    assert len(links) == 2
    assert len(set(links)) == 1


async def test_an_unconfirmed_contact_is_asked_again_when_somebody_says_so(
    engine: AsyncEngine, settings: Settings, audience: Audience
) -> None:
    contact = await add(engine, audience, "jo@example.org", status=ContactStatus.UNCONFIRMED)
    await route(engine, settings)
    async with unit_of_work(engine) as write:
        await audiences.change(write, audience.account_id, audience.id, settings={"double_opt_in": False})
        await contacts.ask_again(write, audience.account_id, audience.id, contact.id)
    await route(engine, settings)
    first, second = await mails(engine)
    assert [second[name] for name in ("recipient", "contact_id")] == [
        first[name] for name in ("recipient", "contact_id")
    ]
    assert second["headers"]["Subject"] == first["headers"]["Subject"]
    async with unit_of_work(engine) as write:
        await contacts.subscribe(write, audience.account_id, audience.id, contact.id)
        with pytest.raises(Conflict) as refused:
            await contacts.ask_again(write, audience.account_id, audience.id, contact.id)
    assert refused.value.state == "subscribed"


async def test_becoming_subscribed_is_welcomed_each_time(
    engine: AsyncEngine, settings: Settings, audience: Audience
) -> None:
    contact = await add(engine, audience, "jo@example.org", status=ContactStatus.UNCONFIRMED)
    async with unit_of_work(engine) as write:
        await contacts.confirm(write, audience.account_id, contact.id)
    await add(engine, audience, "ann@example.org")
    await route(engine, settings)
    found = await mails(engine)
    # Confirmed before anybody had a chance to ask: there is nothing to ask any more.
    assert [(one["recipient"], one["headers"]["Subject"]) for one in found] == [
        ("jo@example.org", "Welcome to News & more"),
        ("ann@example.org", "Welcome to News & more"),
    ]


async def test_nobody_else_is_written_to(
    engine: AsyncEngine, settings: Settings, audience: Audience, make: Factories
) -> None:
    await add(engine, audience, "gone@example.org", status=ContactStatus.UNSUBSCRIBED)
    async with unit_of_work(engine) as write:
        await contacts.add(
            write, audience.account_id, audience.id,
            email="new@example.org", status=ContactStatus.UNCONFIRMED, source="transactional",
        )  # fmt: skip
    plain = await make.audience(audience.account_id)
    await add(engine, plain, "jo@example.org", status=ContactStatus.UNCONFIRMED)
    await add(engine, plain, "ann@example.org")
    await route(engine, settings)
    assert await mails(engine) == []


async def test_the_audiences_own_template_is_used_if_it_holds_the_link(
    engine: AsyncEngine, settings: Settings, audience: Audience, make: Factories
) -> None:
    good = await make.template(
        audience.account_id,
        subject="{{ FIRST_NAME }}?",
        html='<p>{FIRST_NAME}</p><a href="{SUBSCRIBE_CONFIRM_URL}">y</a>',
    )
    bad = await make.template(audience.account_id, subject="No link", html="<p>Hello</p>")
    for template, subject in ((good, "Jo?"), (bad, "Please confirm your subscription to News & more")):
        async with unit_of_work(engine) as write:
            await audiences.change(
                write, audience.account_id, audience.id, settings={"confirmation_template_id": template.id}
            )
        await add(
            engine, audience, f"{template.id}@example.org",
            status=ContactStatus.UNCONFIRMED, fields={"FIRST_NAME": "Jo"},
        )  # fmt: skip
        await route(engine, settings)
        mail = (await mails(engine))[-1]
        assert mail["headers"]["Subject"] == subject
    assert "Jo\n" in (await mails(engine))[0]["text"], "a text part is derived"


async def test_a_transaction_that_fails_leaves_event_and_no_mail(
    engine: AsyncEngine, settings: Settings, audience: Audience
) -> None:
    await add(engine, audience, "jo@example.org", status=ContactStatus.UNCONFIRMED)
    async with driver_connection(engine) as connection:
        transaction = connection.transaction()
        await transaction.start()
        taken = await events.take(connection, 10)
        assert await transactional.greet(connection, taken, site=Site.of(settings)) == 1
        await events.mark_routed(connection, taken)
        await transaction.rollback()
    assert await mails(engine) == []
    await route(engine, settings)
    assert len(await mails(engine)) == 1


async def test_it_counts_and_is_not_refused_when_the_quota_is_spent(
    engine: AsyncEngine, settings: Settings, audience: Audience
) -> None:
    async with driver_connection(engine) as connection:
        await connection.execute("UPDATE accounts SET monthly_cap = 0 WHERE id = $1", audience.account_id)
    await add(engine, audience, "jo@example.org", status=ContactStatus.UNCONFIRMED)
    await route(engine, settings)
    assert [one["state"] for one in await mails(engine)] == ["queued"]
    async with driver_connection(engine) as connection:
        assert await connection.fetchval("SELECT sum(accepted)::int FROM daily_counts") == 1


@pytest.mark.parametrize("change", ["UPDATE accounts SET status = 'disabled'", "UPDATE senders SET status = 'pending'"])
async def test_who_may_not_send_does_not(
    engine: AsyncEngine, settings: Settings, audience: Audience, change: str
) -> None:
    await add(engine, audience, "jo@example.org", status=ContactStatus.UNCONFIRMED)
    async with driver_connection(engine) as connection:
        await connection.execute(change)
    assert await route(engine, settings) == 1, "the event is routed all the same"
    assert await mails(engine) == []


@pytest.mark.parametrize("case", [("owner@example.org", 1), ("not an address", 0), (None, 0)])
async def test_the_owner_is_told_who_unsubscribed(
    engine: AsyncEngine, settings: Settings, make: Factories, case: tuple[str | None, int]
) -> None:
    address, count = case
    account = await make.account(senders=["shop@example.org"])
    audience = await make.audience(
        account, name="News", settings={"notify_unsubscribe": True}, contact_information={"email": address}
    )
    await add(engine, audience, "jo@example.org")
    async with unit_of_work(engine) as write:
        await contacts.unsubscribe(write, account.id, audience.id, "jo@example.org")
    await route(engine, settings)
    found = [(one["recipient"], one["contact_id"], one["headers"]["Subject"]) for one in await mails(engine)]
    assert found == [("owner@example.org", None, "jo@example.org has unsubscribed from News")] * count
