"""Mail that comes back through another server's folder."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import DatabaseAway, driver_connection, make_engine
from app.settings import Settings
from app.smtpd.intake.applying import Applier
from app.smtpd.intake.maildir import Maildir, addressed
from tests.factories import Factories
from tests.factories.copies import CopySpec
from tests.fixtures.bare import bare_settings
from tests.smtpd.returning import PERSONAL, dsn, return_path, unsubscribe_address


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("new", "cur", "tmp"):
        (tmp_path / "mail" / name).mkdir(parents=True)
    return tmp_path / "mail"


def names(folder: Path) -> dict[str, list[str]]:
    return {name: sorted(path.name for path in (folder / name).iterdir()) for name in ("new", "cur", "failed")}


async def take(settings: Settings, engine: AsyncEngine, folder: Path) -> None:
    async with Applier(settings, engine, at_once=1) as applier:
        await Maildir(folder, applier, 1_000_000).run(asyncio.Event(), once=True)


async def test_mails_are_applied_and_moved(
    settings: Settings, engine: AsyncEngine, make: Factories, folder: Path, tmp_path: Path
) -> None:
    at = datetime.now(UTC).replace(microsecond=0)
    account = await make.account()
    specs = [CopySpec(account.id, 1, at, f"{name}@example.org") for name in ("jo", "ann", "max")]
    jo, ann, max_ = await make.copies(specs)
    paths = [return_path(settings, one, at) for one in (jo, ann)]
    new = folder / "new"
    (new / "1.a.host").write_bytes(b"Return-Path: <>\nDelivered-To: %s\n" % paths[0].encode() + dsn("x@example.com"))
    (new / "2.b.host").write_bytes(dsn(paths[1]).replace(b"\r\n", b"\n"))
    to = unsubscribe_address(settings, max_, at).encode()
    (new / "3.c.host").write_bytes(b"Return-Path: <max@example.org>\nX-Original-To: " + to + b"\n" + PERSONAL)
    (new / "4.d.host").write_bytes(PERSONAL)
    (new / "5.e.host").write_bytes(b"")
    secret = tmp_path / "secret"
    secret.write_bytes(dsn(paths[0]))
    (new / "6.link").symlink_to(secret)
    (new / "7.folder").mkdir()
    await take(settings, engine, folder)
    assert names(folder) == {
        "new": [],
        "cur": ["1.a.host:2,S", "2.b.host:2,S", "3.c.host:2,S"],
        "failed": ["4.d.host", "5.e.host", "6.link", "7.folder"],
    }
    async with driver_connection(engine) as connection:
        assert [row[0] for row in await connection.fetch("SELECT message_id FROM bounces ORDER BY 1")] == [jo, ann]
        assert await connection.fetchval("SELECT means FROM unsubscriptions") == "mail"
    # Stopped between applying and moving: it is there again, and nothing is counted twice.
    (folder / "cur" / "1.a.host:2,S").rename(new / "1.a.host")
    await take(settings, engine, folder)
    assert names(folder)["new"] == []
    async with driver_connection(engine) as connection:
        assert await connection.fetchval("SELECT sum(hard_bounces) FROM hourly_counts") == 2


async def test_without_a_database_mails_stay(tmp_path: Path, folder: Path) -> None:
    settings = bare_settings(tmp_path)
    engine = make_engine(settings)
    (folder / "new" / "1").write_bytes(dsn(return_path(settings, 1, datetime.now(UTC))))
    with pytest.raises(DatabaseAway):
        await take(settings, engine, folder)
    assert names(folder)["new"] == ["1"]
    await engine.dispose()


async def test_what_a_server_noted_wins_over_what_the_sender_wrote(settings: Settings, engine: AsyncEngine) -> None:
    async with Applier(settings, engine, at_once=1) as applier:
        at = datetime(2026, 11, 22, tzinfo=UTC)
        one, other = return_path(settings, 1, at), return_path(settings, 2, at)
        raw = f"Return-Path: <x@y.example>\r\nDelivered-To: {one}\r\nTo: {other}, {other}\r\n\r\nDelivered-To: {other}"
        sender, found = addressed(raw.encode(), applier.keys)
        assert (sender, [where.message_id for where in found]) == ("x@y.example", [1])
        assert [where.message_id for where in addressed(f"To: {other}\n\n".encode(), applier.keys)[1]] == [2]
        assert addressed(b"\xff" * 1_000_000, applier.keys) == (None, [])
