"""What `trireme up` consists of, part by part: PostgreSQL and Valkey as it starts them, and the parts a case needs.

The same servers with the same settings (durable), the same programs for the parts; only which of them run is chosen,
so that a case measures one of them.
"""

import asyncio
import secrets
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

import asyncpg
import uvloop
from sqlalchemy.ext.asyncio import AsyncEngine

from app.cli.account import create
from app.cli.state import DataDirectory
from app.db.engine import driver_connection, make_engine
from app.embedded.postgres import EmbeddedPostgres
from app.embedded.valkey import EmbeddedValkey
from app.kit.ports import free_port, is_answering
from app.settings import Settings, as_environment
from bench.processes import Process

SENDER = "hello@localhost.test"
T = TypeVar("T")


class Stand(ExitStack):
    """A migrated database with one account and an approved sender; everything ends with the block."""

    def __init__(self, installation: Path | None = None) -> None:
        """Prepare.

        Args:
            installation: A data directory of `trireme up` to work on a copy of; without one everything is made.
        """
        super().__init__()
        self._installation = installation

    def __enter__(self) -> Self:
        """Start the servers."""
        super().__enter__()
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def _start(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="trireme-bench-"))
        self.callback(shutil.rmtree, self.directory, ignore_errors=True)
        if self._installation is not None:
            shutil.copytree(self._installation, self.directory, dirs_exist_ok=True)
        kept = DataDirectory(self.directory).secrets()
        self.postgres = EmbeddedPostgres(self.directory)
        self.callback(self.postgres.stop)
        self.valkey = EmbeddedValkey(self.directory)
        self.callback(self.valkey.stop)
        self.values: dict[str, object] = {
            "database_url": self.postgres.start(),
            "broker_url": self.valkey.start(),
            "public_url": "http://127.0.0.1",
            "secret_keys": kept["secret_keys"][0] if kept else secrets.token_urlsafe(32),
            "bounce_domain": "bounces.localhost.test",
            "data_dir": str(self.directory),
            "dyno.port": 0,
            "logs.level": "info",
        }
        self.settings = self.settings_with()
        if kept:
            self.key = str(kept["api_key"])
            return
        with self.part("migrate") as migration:
            migration.wait_for(partial(migration.has_logged, "partitions made"))
        self.key = create(self.settings, username="bench@localhost.test", password="bench-password", sender=SENDER)

    def settings_with(self) -> Settings:
        """Return the settings as objects of this process use them."""
        simple = {name: value for name, value in self.values.items() if "." not in name}
        return Settings.model_validate(simple | {"secret_keys": [simple["secret_keys"]]})

    def part(self, name: str, **values: object) -> Process:
        """Start a part of the product; `values` are settings with `_` for the dot.

        Only the first underscore is one: `delivery_relay_url` is `delivery.relay_url`.
        """
        given = self.values | {name.replace("_", ".", 1): value for name, value in values.items()}
        number = len(list(self.directory.glob("*.log")))
        log = self.directory / f"{name}-{number}.log"
        return Process("app", name, variables=as_environment(given), log=log)

    def api(self) -> tuple[Process, int]:
        """Start the API; return it and its port once it answers."""
        port = free_port()
        process = self.enter_context(self.part("api", api_port=port))
        process.wait_for(lambda: is_answering("127.0.0.1", port))
        return process, port

    def run(self, work: Callable[[AsyncEngine], Awaitable[T]]) -> T:
        """Run a coroutine function with an engine of its own."""

        async def with_engine() -> T:
            engine = make_engine(self.settings)
            try:
                return await work(engine)
            finally:
                await engine.dispose()

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(with_engine())

    def query(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """Return the rows of a statement."""

        async def ask(engine: AsyncEngine) -> list[asyncpg.Record]:
            async with driver_connection(engine) as connection:
                return await connection.fetch(statement, *arguments)

        return self.run(ask)

    def value(self, statement: str, *arguments: object) -> float:
        """Return the one number a statement gives, 0 for null."""
        return float(self.query(statement, *arguments)[0][0] or 0)

    def postgres_version(self) -> str:
        """Return the version of the server."""
        return str(self.query("SHOW server_version")[0][0])
