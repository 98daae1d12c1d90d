"""Keys of repeated requests, through the front door."""

import asyncio

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import idempotency
from app.core.idempotency import Answer, Claim, Standing
from app.db.unit_of_work import unit_of_work
from app.kit.secrets import Vault

VAULT = Vault(["a secret key of the tests, long enough"])
CLAIM = Claim(7, "key", b"digest")
ANSWER = Answer(201, {"content-type": "application/json"}, '{"id":"ü"}')


async def test_an_answer_is_given_again(engine: AsyncEngine) -> None:
    async with unit_of_work(engine) as write:
        assert await idempotency.claim(write, VAULT, CLAIM) is Standing.OURS
        await idempotency.keep(write, VAULT, CLAIM, ANSWER)
    async with unit_of_work(engine) as write:
        assert await idempotency.claim(write, VAULT, CLAIM) == ANSWER
        assert await idempotency.claim(write, VAULT, Claim(7, "key", b"other")) is Standing.OTHER
        assert await idempotency.claim(write, VAULT, Claim(8, "key", b"other")) is Standing.OURS
        assert await idempotency.claim(write, VAULT, Claim(7, "Key", b"other")) is Standing.OURS


async def test_a_key_is_held_to_the_end_of_the_transaction(engine: AsyncEngine) -> None:
    held, done = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with unit_of_work(engine) as write:
            assert await idempotency.claim(write, VAULT, CLAIM) is Standing.OURS
            held.set()
            await done.wait()

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(first())
        await held.wait()
        async with unit_of_work(engine) as write:
            assert await idempotency.claim(write, VAULT, CLAIM) is Standing.BUSY
        done.set()
    async with unit_of_work(engine) as write:
        assert await idempotency.claim(write, VAULT, CLAIM) is Standing.OURS


async def test_an_answer_that_cannot_be_read_is_not_given_twice_either(engine: AsyncEngine) -> None:
    async with unit_of_work(engine) as write:
        await idempotency.claim(write, VAULT, CLAIM)
        await idempotency.keep(write, VAULT, CLAIM, ANSWER)
    async with unit_of_work(engine) as write:
        lost = Vault(["another secret key that is long enough"])
        assert await idempotency.claim(write, lost, CLAIM) is Standing.OTHER
