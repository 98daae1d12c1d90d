"""A transaction commits and then publishes, or does neither."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.jobs import MakePartitions
from app.db.engine import DatabaseAway, KeptConnection, driver_connection, is_disconnect, make_engine
from app.db.unit_of_work import reading, unit_of_work
from app.models import Account
from app.settings import Settings


class Published:
    """Notes what was published, and how many accounts could be seen then."""

    def __init__(self) -> None:
        self.jobs: list[Any] = []

    def publish(self, jobs: Sequence[Any]) -> None:
        self.jobs.extend(jobs)


def account() -> Account:
    return Account(role="master", username="a@example.com", password_hash="x", account_name="A")


async def names(engine: AsyncEngine) -> list[str]:
    async with reading(engine) as read:
        return list((await read.execute(select(Account.username))).scalars())


async def test_leaving_commits_and_then_publishes(engine: AsyncEngine) -> None:
    published = Published()
    async with unit_of_work(engine, published) as write:
        write.add(account())
        write.enqueue(MakePartitions())
        assert published.jobs == []
    assert published.jobs == [MakePartitions()]
    assert await names(engine) == ["a@example.com"]


async def test_an_error_rolls_back_and_publishes_nothing(engine: AsyncEngine) -> None:
    published = Published()

    async def break_off() -> None:
        async with unit_of_work(engine, published) as write:
            write.add(account())
            await write.flush()
            write.enqueue(MakePartitions())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await break_off()
    assert published.jobs == []
    assert await names(engine) == []


async def test_a_database_that_is_away_says_so(settings: Settings) -> None:
    engine = make_engine(settings.model_copy(update={"database_url": "postgresql+asyncpg://app@127.0.0.1:1/app"}))
    with pytest.raises(DatabaseAway):
        await names(engine)
    await engine.dispose()


async def test_a_kept_connection_is_opened_anew_after_a_loss(engine: AsyncEngine) -> None:
    kept = KeptConnection(engine)
    first = await kept.get()
    pid = await first.fetchval("SELECT pg_backend_pid()")
    assert await kept.get() is first
    async with driver_connection(engine) as other:
        await other.execute("SELECT pg_terminate_backend($1)", pid)
    # What the driver says depends on how far the news of the end had come; what counts is that it is known as a loss.
    with pytest.raises(Exception) as lost:  # noqa: PT011
        await first.fetchval("SELECT 1")
    await kept.drop()
    assert is_disconnect(lost.value), repr(lost.value)
    again = await kept.get()
    assert await again.fetchval("SELECT pg_backend_pid()") != pid
    await kept.drop()


async def test_what_is_asked_for_after_the_commit_sees_it_and_comes_before_the_end(engine: AsyncEngine) -> None:
    seen: list[list[str]] = []

    async def look(given: AsyncEngine) -> None:
        seen.append(await names(given))

    async def fail(_: AsyncEngine) -> None:
        raise ValueError("a test")

    async with unit_of_work(engine) as write:
        write.add(account())
        write.after_commit(fail)
        write.after_commit(look)
        assert seen == []
    assert seen == [["a@example.com"]], "the transaction stands, and what fails holds up nothing"


async def test_nothing_follows_a_rollback(engine: AsyncEngine) -> None:
    seen: list[AsyncEngine] = []

    async def look(given: AsyncEngine) -> None:
        seen.append(given)

    with pytest.raises(ValueError, match="a test"):  # noqa: PT012 the block is what is tested
        async with unit_of_work(engine) as write:
            write.after_commit(look)
            raise ValueError("a test")
    assert seen == []


async def test_a_connection_left_in_a_transaction_is_not_lent_again(engine: AsyncEngine) -> None:
    """As by a task that is cancelled while its transaction begins."""
    async with driver_connection(engine) as connection:
        backend = connection.get_server_pid()
        await connection.execute("BEGIN")
    for _ in range(engine.pool.size() + 1):  # type: ignore[attr-defined]
        async with driver_connection(engine) as connection:
            assert connection.get_server_pid() != backend
            assert not connection.is_in_transaction()
