"""Checks what an installation needs, and says what to do: `trireme doctor`."""

import asyncio
import os
import platform
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from app.cli.configuration import NotConfigured, is_given, load
from app.cli.migrate import revisions
from app.cli.plan import PORTS
from app.cli.state import DataDirectory
from app.db.schema import expected_revisions
from app.embedded.binaries import find_postgres, find_valkey
from app.embedded.errors import EmbeddedError
from app.embedded.identity import choose
from app.kit.ports import is_free
from app.settings import Settings

OLDEST_PYTHON = (3, 11)
BROKER_SECONDS = 5
UNREACHABLE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    name: str
    said: str
    todo: str = ""
    """What to do; empty when all is well."""


def run(data_dir: Path) -> int:
    """Print every finding and return 1 when one is a problem.

    With settings in the environment they are checked, otherwise the running or coming `trireme up` on `data_dir`.
    """
    problems = 0
    for finding in _findings(data_dir):
        word = "problem" if finding.todo else "ok"
        print(f"{word:<8} {finding.name:<16} {finding.said}")
        if finding.todo:
            problems += 1
            print(f"{'':<8} {'':<16} -> {finding.todo}")
    print("\nAll is well." if not problems else f"\n{problems} problem{'s' if problems > 1 else ''}.")
    return 1 if problems else 0


def _findings(data_dir: Path) -> Iterator[Finding]:
    yield _python()
    own = is_given("database_url")
    if not own:
        yield _server("PostgreSQL", _describe_postgres)
        yield _server("Valkey", _describe_valkey)
    yield from _data_directory(data_dir)
    runtime = DataDirectory(data_dir).runtime()
    try:
        settings = load() if own else _settings_of(runtime)
    except NotConfigured as error:
        yield Finding("settings", str(error), "Set what is missing, or use 'trireme up', which brings all of it.")
        return
    yield Finding("settings", "complete" if own else "none in the environment; 'trireme up' brings its own")
    if not own and not runtime:
        yield from _ports(settings)
        yield Finding("running", "nothing runs on the data directory; 'trireme up' starts it")
        return
    yield from _database(settings)
    yield _broker(settings)


def _python() -> Finding:
    fits = sys.version_info >= OLDEST_PYTHON
    return Finding("Python", platform.python_version(), "" if fits else "Install Python 3.11 or newer.")


def _server(name: str, describe: Callable[[], str]) -> Finding:
    try:
        return Finding(name, describe())
    except EmbeddedError as error:
        return Finding(name, "not usable", str(error))


def _describe_postgres() -> str:
    found = find_postgres()
    return f"{found.major} from {found.source}, runs as: {choose()}"


def _describe_valkey() -> str:
    found = find_valkey()
    return f"{found.path.name} from {found.source}"


def _data_directory(data_dir: Path) -> Iterator[Finding]:
    path = data_dir.absolute()
    if not path.exists():
        parent = next(one for one in path.parents if one.exists())
        todo = "" if os.access(parent, os.W_OK) else f"Make {parent} writable, or choose another --data-dir."
        yield Finding("data directory", f"{path} will be made", todo)
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        yield Finding("data directory", f"{path} is not writable", "Make it writable for this user.")
        return
    open_to_all = mode & 0o066
    yield Finding("data directory", f"{path}, mode {mode:04o}", f"chmod 700 {path}" if open_to_all else "")
    for name in ("secrets.json", "runtime.json"):
        file = path / name
        if file.exists() and (mode := stat.S_IMODE(file.stat().st_mode)) & 0o077:
            yield Finding(name, f"mode {mode:04o}: others can read secrets", f"chmod 600 {file}")


def _settings_of(runtime: dict[str, object]) -> Settings:
    """Return settings that are good for asking, with the addresses of what runs."""
    return load(
        {
            "public_url": "http://127.0.0.1",
            "bounce_domain": "bounces.localhost.test",
            "secret_keys": "0" * 32,
            "database_url": runtime.get("database_url", "postgresql+asyncpg://app@/app"),
            "broker_url": runtime.get("broker_url", "redis://127.0.0.1/0"),
        }
    )


def _ports(settings: Settings) -> Iterator[Finding]:
    places = dict(
        zip(
            PORTS,
            (
                (settings.api.host, settings.api.port),
                (settings.api.host, settings.dyno.port),
                (settings.sandbox.host, settings.sandbox.port),
                (settings.intake.host, settings.intake.port),
            ),
            strict=True,
        )
    )
    for name, (host, port) in places.items():
        if not port:
            continue
        variable = f"TRIREME_{name.replace('.', '_').upper()}"
        todo = f"Stop what uses it, set {variable}, or start with --ports auto."
        free = is_free(host, port)
        yield Finding(name, f"{host}:{port} is {'free' if free else 'in use'}", "" if free else todo)


def _database(settings: Settings) -> Iterator[Finding]:
    try:
        found = asyncio.run(revisions(settings.database_url))  # noqa: TID251 a command owns its loop
    except UNREACHABLE as error:
        yield Finding(
            "database",
            f"cannot be reached: {error!r}",
            "Check TRIREME_DATABASE_URL and the server.",
        )
        return
    yield Finding("database", "reachable")
    if found != expected_revisions():
        yield Finding("schema", f"at {', '.join(sorted(found)) or 'nothing'}", "Run 'trireme migrate'.")
        return
    yield Finding("schema", f"at {', '.join(sorted(found))}")
    yield asyncio.run(_partitions(settings))  # noqa: TID251 a command owns its loop


async def _partitions(settings: Settings) -> Finding:
    from datetime import UTC, datetime  # noqa: PLC0415

    from app.core import messages  # noqa: PLC0415 a second of imports, only with a database to ask
    from app.db.engine import make_engine  # noqa: PLC0415

    engine = make_engine(settings, pool_size=1)
    try:
        left = await messages.months_left(engine, datetime.now(UTC))
    finally:
        await engine.dispose()
    todo = "" if left >= 1 else "Run 'trireme migrate' (or start the API or the scheduler), which makes them."
    return Finding("partitions", f"made for {left} more months", todo)


def _broker(settings: Settings) -> Finding:
    from kombu import Connection  # noqa: PLC0415 only with a broker to ask
    from kombu.exceptions import OperationalError  # noqa: PLC0415

    try:
        with Connection(settings.broker_url, connect_timeout=BROKER_SECONDS) as connection:
            connection.ensure_connection(max_retries=1, timeout=BROKER_SECONDS)
    except (OSError, OperationalError, ValueError) as error:
        return Finding("broker", f"cannot be reached: {error}", "Check TRIREME_BROKER_URL and the server.")
    return Finding("broker", "reachable")
