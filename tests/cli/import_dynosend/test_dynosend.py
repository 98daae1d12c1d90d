"""`trireme import dynosend` from our own server as the source."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.cli.import_dynosend import server
from app.cli.import_dynosend.command import PagesFile
from app.cli.import_dynosend.importing import Importing, Notes
from app.cli.import_dynosend.server import Server, SourceFailed
from app.core.contacts import ContactRow, ContactStatus, add_many
from app.db.engine import driver_connection
from app.main import Application
from app.settings import Settings, as_environment
from tests.cli.test_commands import trireme
from tests.contract.wire import Listener
from tests.factories import Factories, MadeAccount


@pytest.fixture
async def source(app: Application) -> AsyncIterator[Listener]:
    listener = Listener()
    listener.app = app
    async with listener.listening():
        yield listener


@pytest.fixture
async def filled(make: Factories, engine: AsyncEngine) -> MadeAccount:
    """An account with two audiences of one name, contacts of every status and a suppression list."""
    account = await make.account("there@accounts.example")
    audience = await make.audience(account, name="News", fields={"CITY": "text", "AGE": "number"})
    await make.audience(account, name="News")
    await make.suppression(account.id, "bad@x.example", reason="complaint")
    rows = [
        ContactRow(f"p{number}@x.example", {"CITY": "Huế", "AGE": str(number)}, ("a", "b"), status)
        for number, status in enumerate(ContactStatus)
    ]
    async with driver_connection(engine) as connection:
        await add_many(connection, account.id, audience.id, [*rows, ContactRow("bad@x.example")], source="api")
    complained = list(ContactStatus).index(ContactStatus.SPAM_REPORTED)
    await make.suppression(account.id, f"p{complained}@x.example", reason="complaint")
    return account


async def state_of(engine: AsyncEngine, account: MadeAccount) -> list[list[Any]]:
    queries = (
        "SELECT name FROM audiences WHERE account_id = $1 ORDER BY id",
        "SELECT address, status, source, tags, fields::text FROM contacts WHERE account_id = $1 ORDER BY address",
        "SELECT address, reason, created_at FROM suppressions WHERE account_id = $1 ORDER BY address",
        "SELECT tag, type, label FROM audience_fields f JOIN audiences a ON a.id = f.audience_id WHERE a.account_id = $1 ORDER BY 1",
    )
    async with driver_connection(engine) as connection:
        return [[tuple(row) for row in await connection.fetch(query, account.id)] for query in queries]


async def test_everything_comes_once(
    make: Factories, engine: AsyncEngine, settings: Settings, source: Listener, filled: MadeAccount
) -> None:
    here = await make.account("here@accounts.example")
    variables = as_environment({"database_url": settings.database_url})
    words: tuple[str, ...] = (
        "import",
        "dynosend",
        "--from",
        f"http://127.0.0.1:{source.port}",
        "--token",
        filled.key,
        "--account",
        "here@accounts.example",
    )
    words += ("--data-dir", str(settings.data_dir), "--json")

    async def run() -> dict[str, int]:
        done = await asyncio.to_thread(trireme, *words, variables=variables)
        assert done.returncode == 0, done.stderr
        counts: dict[str, int] = json.loads(done.stdout)["counts"]
        return counts

    counts = await run()
    assert (counts["audiences.created"], counts["contacts.created"], counts["fields.created"]) == (2, 6, 2)
    there, found = await state_of(engine, filled), await state_of(engine, here)
    assert found == there
    again = await run()
    assert (again["contacts.existing"], again["audiences.existing"]) == (6, 2)
    assert "contacts.created" not in again or again["contacts.created"] == 0
    assert await state_of(engine, here) == there
    assert not list(settings.data_dir.glob("import-dynosend*"))


async def test_broken_off_it_goes_on(  # noqa: PLR0917 fixtures
    make: Factories,
    engine: AsyncEngine,
    settings: Settings,
    source: Listener,
    filled: MadeAccount,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = await make.account()
    monkeypatch.setattr(server, "PAGE", 2)
    path = settings.data_dir / "pages.json"
    ask, asked = Server._ask, []

    async def failing(self: Server, verb: str, name: str, **fields: object) -> Any:
        asked.append(fields)
        if fields.get("page") == 3 and len(asked) < 20 and not path.with_suffix(".second").exists():
            raise SourceFailed("gone")
        return await ask(self, verb, name, **fields)

    monkeypatch.setattr(Server, "_ask", failing)

    async def run() -> Notes:
        notes = Notes()
        async with Server(f"http://127.0.0.1:{source.port}", filled.key, pace=0) as there:
            await Importing(engine, here.id, there, PagesFile(path), notes, dry_run=False, say=lambda _: None).run()
        return notes

    with pytest.raises(SourceFailed):
        await run()
    path.with_suffix(".second").touch()
    notes = await run()
    assert notes.counts["contacts.read"] == 2
    assert await state_of(engine, here) == await state_of(engine, filled)


async def test_a_source_that_says_no_is_told(source: Listener) -> None:
    async with Server(f"http://127.0.0.1:{source.port}", "0" * 32, waits=(), pace=0) as there:
        with pytest.raises(SourceFailed, match="401"):
            await there.audiences()
