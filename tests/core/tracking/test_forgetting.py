"""A deleted contact's visits stay as numbers and times; where they came from goes."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import contacts, events, tracking
from app.db.engine import driver_connection
from app.db.unit_of_work import unit_of_work
from app.models import Click, Engagement, LinkClick, Open
from tests.factories import Factories

AT = datetime(2016, 11, 22, tzinfo=UTC)


async def test_only_the_deleted_contacts_visitors_are_forgotten(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account(senders=["shop@example.com"])
    audience = await make.audience(account)
    gone, stays = [await make.contact(audience, email) for email in ("gone@example.org", "stays@example.org")]
    for contact in (gone, stays):
        recipient = contact.address.replace("g", "G")
        whose = (account.id, account.senders["shop@example.com"], AT, recipient)
        copy = await make.delivered(*whose, extra={"contact_id": contact.id})
        await make.opened(copy, AT + timedelta(minutes=1))
        await make.clicked(copy, AT + timedelta(minutes=2))
    async with unit_of_work(engine) as write:
        await contacts.delete(write, account.id, audience.id, gone.id)
    for _ in range(2):  # again changes nothing
        async with driver_connection(engine) as connection, connection.transaction():
            await tracking.forget(connection, await events.take(connection, 100))
    async with unit_of_work(engine) as write:
        opens = [(one.ip, one.user_agent) for one in await write.scalars(select(Open).order_by(Open.message_id))]
        clicks = [(one.ip, one.user_agent) for one in await write.scalars(select(Click).order_by(Click.message_id))]
        assert opens == clicks == [("", ""), ("192.0.2.1", "test")]
        query = select(Engagement).order_by(Engagement.message_id)
        kept = [(one.opens, one.clicks, one.open_ip) for one in await write.scalars(query)]
        assert kept == [(1, 1, ""), (1, 1, "192.0.2.1")]
        query_links = select(LinkClick).order_by(LinkClick.message_id)
        assert [(one.clicks, one.ip) for one in await write.scalars(query_links)] == [(1, ""), (1, "192.0.2.1")]
