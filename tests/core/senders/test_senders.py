import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import senders
from app.core.errors import Conflict, Invalid, NotFound
from app.core.senders import SenderBook
from app.db.unit_of_work import reading, unit_of_work
from tests.core.accounts.test_keyring import Statements
from tests.factories import Factories


async def test_a_ready_sender_is_found_ignoring_case_and_remembered(make: Factories, engine: AsyncEngine) -> None:
    made = await make.account(senders=["News@Example.com"])
    book = SenderBook(engine)
    revision, sender_id = made.caller.revision, made.senders["News@Example.com"]
    assert await book.ready(made.id, revision, "news@EXAMPLE.com") == sender_id
    statements = Statements(engine)
    assert await book.ready(made.id, revision, "news@EXAMPLE.com") == sender_id
    assert statements.count == 0
    assert await book.ready(made.id, revision + 1, "news@EXAMPLE.com") == sender_id
    assert await book.ready((await make.account()).id, 1, "news@example.com") is None


async def test_refusals_are_never_remembered(make: Factories, engine: AsyncEngine) -> None:
    made = await make.account()
    book = SenderBook(engine)
    assert await book.ready(made.id, 1, "late@x.example") is None
    sender_id = await make.sender(made.id, "late@x.example", ready=False)
    assert await book.ready(made.id, 1, "late@x.example") is None
    async with unit_of_work(engine) as write:
        sender = await senders.get(write, made.id, "late@x.example")
        await senders.delete(write, sender)
        await senders.add(write, made.id, email="late@x.example", require_verification=False)
    assert await book.ready(made.id, 1, "late@x.example") == sender_id


async def test_no_more_is_remembered_than_allowed(make: Factories, engine: AsyncEngine) -> None:
    made = await make.account(senders=["a@x.example", "b@x.example"])
    book = SenderBook(engine, max_size=1)
    for email in ("a@x.example", "b@x.example"):
        await book.ready(made.id, 1, email)
    statements = Statements(engine)
    await book.ready(made.id, 1, "b@x.example")
    assert statements.count == 0
    await book.ready(made.id, 1, "a@x.example")
    assert statements.count == 1


async def test_two_at_once_make_one_sender(make: Factories, engine: AsyncEngine) -> None:
    made = await make.account()

    async def attempt() -> int:
        async with unit_of_work(engine) as write:
            return (await senders.add(write, made.id, email="a@x.example", require_verification=False)).id

    results = await asyncio.gather(*(attempt() for _ in range(5)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in results) == ["Conflict"] * 4 + ["int"]


async def test_two_selectors_at_once_share_one_key(make: Factories, engine: AsyncEngine) -> None:
    made = await make.account(senders=["a@x.example", "b@x.example"])

    async def choose(email: str) -> str:
        async with unit_of_work(engine) as write:
            sender = await senders.get(write, made.id, email)
            return (await senders.set_dkim(write, make.vault, sender, selector="m1")).dkim_record

    records = await asyncio.gather(*(choose(email) for email in made.senders))
    assert records[0] == records[1] != ""
    assert await make.caller(made.key) != made.caller


async def test_others_senders_are_out_of_sight(make: Factories, engine: AsyncEngine) -> None:
    made, other = await make.account(senders=["a@x.example"]), await make.account()
    async with reading(engine) as read:
        sender = await senders.get(read, made.id, "A@X.example")
        assert (await senders.get(read, made.id, sender.public_id)).id == sender.id
        for identity in ("a@x.example", sender.public_id, "not an address"):
            with pytest.raises(NotFound):
                await senders.get(read, other.id, identity)
        assert await senders.ids_of(read, [other.id], "a@x.example") == []
        assert await senders.ids_of(read, [other.id, made.id], "A@x.EXAMPLE") == [sender.id]


@pytest.mark.parametrize("email", ["", "x", "Jo <a@x.example>", "a@x.example\r\nb", "a@[127.0.0.1]", "a@b\x00.example"])
async def test_what_is_no_address_is_refused(make: Factories, engine: AsyncEngine, email: str) -> None:
    made = await make.account()
    async with unit_of_work(engine) as write:
        with pytest.raises(Invalid):
            await senders.add(write, made.id, email=email, require_verification=False)


async def test_a_known_sender_conflicts_unless_seeded(make: Factories, engine: AsyncEngine) -> None:
    made = await make.account(senders=["a@x.example"])
    async with unit_of_work(engine) as write:
        with pytest.raises(Conflict):
            await senders.add(write, made.id, email="A@x.example", require_verification=False)
        seeded = await senders.add(write, made.id, email="A@x.example", require_verification=True, seeding=True)
        assert (seeded.seeding, seeded.status) == (True, "ready")


async def test_a_deleted_sender_still_signs_what_was_accepted(make: Factories, engine: AsyncEngine) -> None:
    made = await make.account(senders=["a@x.example"])
    async with unit_of_work(engine) as write:
        sender = await senders.get(write, made.id, "a@x.example")
        await senders.set_dkim(write, make.vault, sender, selector="m1")
        await senders.delete(write, sender)
        found = await senders.identity(write, make.vault, sender.id)
    assert (found.domain, found.selector) == ("x.example", "m1")
    assert found.private_key.startswith("-----BEGIN PRIVATE KEY-----")
    assert found.private_key not in repr(found)
