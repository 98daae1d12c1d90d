"""Senders as a delivery process knows them: domains, keys, and for how long they are believed."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import senders
from app.core.messages import Lane
from app.core.senders.service import Details
from app.db.unit_of_work import unit_of_work
from app.delivery import identities
from app.delivery.identities import Identities
from app.kit.secrets import Vault
from app.settings import Settings
from tests.delivery.conftest import Post, running
from tests.delivery.mailing import HoldingServer, Mailing
from tests.factories import Factories
from tests.mail import verifying


@pytest.fixture
def known(engine: AsyncEngine, settings: Settings) -> Identities:
    return Identities(engine, Vault(settings.secret_keys))


async def sign(make: Factories, account_id: int, email: str, selector: str = "mail1") -> Details:
    async with unit_of_work(make.engine) as write:
        sender = await senders.get(write, account_id, email)
        return await senders.set_dkim(write, make.vault, sender, selector=selector, algorithm="ed25519")


async def test_a_sender_is_believed_for_a_while_and_then_read_again(
    known: Identities, make: Factories, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await make.account(senders=["news@example.com"])
    sender_id = account.senders["news@example.com"]
    assert known.known(sender_id) is None
    first = await known.of(sender_id)
    assert (first.domain, first.signer) == ("example.com", None)
    await sign(make, account.id, "news@example.com")
    assert await known.of(sender_id) is first
    monkeypatch.setattr(identities, "BELIEVED_SECONDS", -1.0)
    known = Identities(make.engine, make.vault)
    assert (await known.of(sender_id)).signer is not None
    assert known.known(sender_id) is not await known.of(sender_id)


async def test_of_many_senders_the_longest_unused_are_forgotten(
    known: Identities, make: Factories, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identities, "REMEMBERED", 2)
    account = await make.account(senders=[f"news@{number}.example" for number in range(3)])
    ids = list(account.senders.values())
    for sender_id in ids:
        await known.of(sender_id)
    assert [known.known(sender_id) is not None for sender_id in ids] == [False, True, True]


async def test_each_copy_of_a_campaign_is_signed(to_server: Settings, server: HoldingServer, mailing: Mailing) -> None:
    account = await mailing.account()
    details = await sign(mailing.make, account.id, "news@example.com")
    run = await mailing.make.sending(await mailing.campaign(20))
    async with running(to_server):
        await mailing.done(run)
    records = {details.dkim_name: details.dkim_record}
    assert all(verifying.verify(message.data, records) for message in server.messages)
    assert len(server.messages) == 20


async def test_a_key_that_can_not_be_opened_here_pauses_the_run(
    to_server: Settings, server: HoldingServer, mailing: Mailing
) -> None:
    account = await mailing.account()
    await sign(mailing.make, account.id, "news@example.com")
    run = await mailing.make.sending(await mailing.campaign(3))
    other = to_server.model_copy(update={"secret_keys": ["another secret key, which is long enough"]})
    async with running(other):
        await mailing.until("SELECT state FROM runs", "paused")
        await mailing.idle(run)
    assert await mailing.value("SELECT count(*) FROM delivery_queue WHERE attempt = 1") == 3
    assert server.messages == []


async def test_a_key_that_can_not_be_opened_here_puts_off_its_senders_mail_alone(
    to_server: Settings, server: HoldingServer, make: Factories, post: Post
) -> None:
    other = Post(post.engine, to_server, make)
    await other.accept("ann@example.org", lane=Lane.NORMAL)
    await sign(make, (await other.account()).id, "news@example.com")
    await post.accept("jo@example.org", lane=Lane.NORMAL)
    changed = to_server.model_copy(update={"secret_keys": ["another secret key, which is long enough"]})
    async with running(changed):
        for address, state in (("jo@example.org", "delivered"), ("ann@example.org", "deferred")):
            await post.until("SELECT state FROM messages WHERE recipient = $1", state, address)
    assert [message.recipient for message in server.messages] == ["jo@example.org"]
