"""Jobs as workers run them, in the test's process."""

import io
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import contacts, transfers
from app.core.transfers import ImportOptions, View
from app.db.unit_of_work import reading, unit_of_work
from app.models.audience import Audience
from app.models.contact import Contact
from tests.factories import Factories, MadeAccount

Import = Callable[..., Awaitable[View]]


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account()


@pytest.fixture
async def audience(make: Factories, account: MadeAccount) -> Audience:
    return await make.audience(account, fields={"CITY": "text", "AGE": "number"})


async def finished(engine: AsyncEngine, view: View, *, seconds: float = 20) -> View:
    """Work on a job until it has ended."""
    while await transfers.run(engine, view.id, seconds=seconds):
        pass
    async with reading(engine) as read:
        return await transfers.get(read, view.account_id, view.id)


@pytest.fixture
def ask(engine: AsyncEngine, audience: Audience) -> Import:
    """Ask for an import of this text into the audience."""

    async def ask(data: str | bytes, **options: Any) -> View:
        raw = data.encode() if isinstance(data, str) else data
        async with unit_of_work(engine) as write:
            return await transfers.import_contacts(
                write, audience.account_id, audience.id, io.BytesIO(raw), ImportOptions(**options)
            )

    return ask


async def members(engine: AsyncEngine, audience: Audience) -> dict[str, Contact]:
    """The audience's contacts by address."""
    async with reading(engine) as read:
        return {one.address: one async for one in contacts.stream(read, audience.account_id, audience.id)}


async def bad_lines(engine: AsyncEngine, view: View) -> list[str]:
    """The list of errors, without its heading."""
    text = b"".join([one async for one in transfers.errors(engine, view)]).decode()
    heading, *lines = text.splitlines()
    assert heading == "line,address,reason"
    return lines


def counts(view: View) -> tuple[int, int, int, int, int]:
    """Processed, created, updated, skipped, failed."""
    progress = view.progress
    assert progress.processed == progress.created + progress.updated + progress.skipped + progress.failed
    return progress.processed, progress.created, progress.updated, progress.skipped, progress.failed
