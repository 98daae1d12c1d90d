"""The commands containers and operators use, as processes configured by the environment."""

import os
import subprocess
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from uuid import uuid4

import pytest

from app.cli.routes import Served, served
from app.settings import as_environment
from tests.fixtures.commands import run_command
from tests.fixtures.database import administer, with_database


@pytest.fixture
async def empty_database(database_server_url: str) -> AsyncIterator[str]:
    """The URL of a database without a schema."""
    name = f"trireme_cli_{uuid4().hex}"
    await administer(database_server_url, f"CREATE DATABASE {name}")
    yield with_database(database_server_url, name)
    await administer(database_server_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def installation(empty_database: str, broker_server_url: str, tmp_path: Path) -> dict[str, str]:
    """The environment of a part."""
    return as_environment(
        {
            "public_url": "http://mail.example.com",
            "secret_keys": "k" * 32,
            "bounce_domain": "bounces.example.com",
            "database_url": empty_database,
            "broker_url": broker_server_url,
            "data_dir": tmp_path / "var",
        }
    )


def trireme(*arguments: str, variables: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TRIREME_")}  # noqa: TID251
    return run_command(arguments, inherited | dict(variables or {}))


def test_an_installation_is_migrated_once_and_gets_one_first_account(
    installation: dict[str, str], tmp_path: Path
) -> None:
    before = trireme("doctor", "--data-dir", str(tmp_path), variables=installation)
    assert before.returncode == 1
    assert "Run 'trireme migrate'." in before.stdout

    for _ in range(2):
        migrated = trireme("migrate", variables=installation)
        assert migrated.returncode == 0, migrated.stderr
        assert migrated.stdout.startswith("The database is at ")

    account = {"TRIREME_INIT_USERNAME": "admin@example.com", "TRIREME_INIT_PASSWORD": "a long password"}
    short = trireme("init", variables=installation | account | {"TRIREME_INIT_PASSWORD": "short"})
    assert (short.returncode, short.stdout) == (1, "")
    first = trireme("init", variables=installation | account)
    assert first.returncode == 0, first.stderr
    assert len(first.stdout.strip()) >= 32
    second = trireme("init", variables=installation | account)
    assert (second.returncode, second.stdout) == (1, "")
    assert "There is an account already" in second.stderr

    after = trireme("doctor", "--data-dir", str(tmp_path), variables=installation)
    assert after.returncode == 0, after.stdout
    assert "All is well." in after.stdout


def test_a_part_without_settings_names_them_all() -> None:
    refused = trireme("api")
    assert refused.returncode == 1
    for name in ("PUBLIC_URL", "SECRET_KEYS", "BOUNCE_DOMAIN", "DATABASE_URL", "BROKER_URL"):
        assert f"(TRIREME_{name}): is missing" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_an_inbox_without_a_run_says_so(tmp_path: Path) -> None:
    refused = trireme("inbox", "--data-dir", str(tmp_path))
    assert refused.returncode == 1
    assert f"Nothing runs on {tmp_path}" in refused.stderr


def test_routes_name_the_place_of_every_url() -> None:
    shown = trireme("routes")
    assert shown.returncode == 0, shown.stderr
    rows = [line.split() for line in shown.stdout.splitlines() if "/" in line]
    lines = {verb + " " + path: place for verbs, path, place in rows for verb in verbs.split(",")}
    assert lines["POST /rest/{type}/send"].startswith("app/api/dyn/send.py:")
    assert lines["GET /api/trireme/v1/system/ready"].startswith("app/api/native/system.py:")


def test_included_routers_are_walked_with_their_prefixes() -> None:
    from fastapi import APIRouter, FastAPI  # noqa: PLC0415

    inner, outer, app = APIRouter(prefix="/inner"), APIRouter(), FastAPI(openapi_url=None)

    @inner.get("/leaf")
    def leaf() -> None: ...

    outer.include_router(inner, prefix="/outer")
    app.include_router(outer)
    line = leaf.__code__.co_firstlineno
    assert list(served(app.routes)) == [Served("/outer/inner/leaf", "GET", f"cli/test_commands.py:{line}")]
