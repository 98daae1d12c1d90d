"""Everything on one machine, supervised: `trireme up`.

Order: Valkey, PostgreSQL, migrations, the first account, sandbox, intake and API; once these answer, delivery, worker,
scheduler and outbox. Stopped in reverse. Imports `app.embedded`, `app.settings` and its siblings; what only a first
start needs is imported then.
"""

import sys
import time
from typing import Any

from app.cli import banner, runtime
from app.cli.configuration import NotConfigured, load
from app.cli.migrate import is_at_head
from app.cli.plan import (
    BOUNCE_DOMAIN,
    SENDER,
    Options,
    new_secrets,
    port_values,
    require_free,
    route_values,
    with_defaults,
)
from app.cli.state import AlreadyRunning, DataDirectory
from app.embedded.errors import EmbeddedError
from app.embedded.identity import Mode
from app.embedded.output import Console
from app.embedded.part import Part
from app.embedded.postgres import EmbeddedPostgres
from app.embedded.supervisor import Supervisor
from app.embedded.valkey import EmbeddedValkey
from app.kit.ports import is_answering
from app.settings import Settings, as_environment, environment

READY_SECONDS = 60.0
MIGRATE_SECONDS = 600.0
VALKEY, POSTGRES, SANDBOX, API, WORK = range(5)
"""Stages: children of a higher one stop before those of a lower one."""


def run(options: Options) -> int:
    """Start everything, stay until a signal, stop everything; return the exit status."""
    directory = DataDirectory(options.data_dir)
    try:
        directory.open()
        ports = port_values(options, directory.ports())
        chosen = ports | route_values(options) | {"data_dir": str(directory.path)}
        if ports:
            directory.keep_ports(ports)
    except (AlreadyRunning, NotConfigured) as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"The data directory {directory.path} cannot be used: {error}", file=sys.stderr)
        return 1
    directory.withdraw()
    console = Console()
    try:
        with Supervisor(console) as supervisor:
            signal_name = Up(options, directory, console, supervisor, chosen).run()
            console.say(f"stopping on {signal_name}; mail in flight is finished first")
    except (EmbeddedError, NotConfigured) as error:
        console.say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        directory.withdraw()
        console.close()
    return 0


class Up:
    """One run of everything."""

    def __init__(
        self,
        options: Options,
        directory: DataDirectory,
        console: Console,
        supervisor: Supervisor,
        chosen: dict[str, object],
    ) -> None:
        """Take what the run needs.

        Args:
            options: As typed.
            directory: Held by this process.
            console: Takes every line.
            supervisor: Entered.
            chosen: Settings that follow from the options.
        """
        self._options = options
        self._directory = directory
        self._console = console
        self._supervisor = supervisor
        self._chosen = chosen
        self._secrets: dict[str, Any] = directory.secrets() or new_secrets()
        self._began = time.monotonic()

    def run(self) -> str:
        """Start everything and stay; return the name of the signal that ended it.

        Raises:
            EmbeddedError: Something does not start.
            NotConfigured: The settings do not fit, or a port is taken.
        """
        self._directory.keep_secrets(self._secrets)
        # Before anything is started, so that a mistake costs no waiting.
        self._require_ports(load(self._values("postgresql+asyncpg://app@/app", "redis://127.0.0.1/0")))
        broker_url = self._options.broker_url or self._start_valkey()
        database_url = self._options.database_url or self._start_postgres()
        values = self._values(database_url, broker_url)
        settings = load(values)
        processes = {"delivery.processes": self._options.delivery_processes}
        variables = environment() | as_environment(values) | as_environment(processes) | {"PYTHONUNBUFFERED": "1"}
        variables["PROMETHEUS_MULTIPROC_DIR"] = str(self._directory.fresh("metrics"))
        # Compiled modules make the difference between one second and three at the next start.
        variables.pop("PYTHONDONTWRITEBYTECODE", None)
        self._migrate(settings, variables)
        self._first_account(settings)
        self._start("sandbox", "sandbox", variables, SANDBOX)
        if settings.intake.port:
            self._start("intake", "intake", variables, SANDBOX)
        if settings.smtp.port:
            self._start("submission", "submission", variables, SANDBOX)
        self._start("api", "api", variables, API)
        self._await_ready(settings)
        for number in range(1, self._options.delivery_processes + 1):
            self._start(f"delivery-{number}", "delivery", variables, WORK)
        self._start("worker", "worker", variables, WORK)
        self._start("scheduler", "scheduler", variables, WORK)
        self._start("outbox", "outbox", variables, WORK)
        self._publish(settings)
        self._console.plain(banner.text(settings, self._secrets, self._directory.path, time.monotonic() - self._began))
        return self._supervisor.watch(lambda: self._publish(settings))

    def _values(self, database_url: str, broker_url: str) -> dict[str, object]:
        """Return what the parts are told beyond the environment."""
        values = self._chosen | {"database_url": database_url, "broker_url": broker_url}
        keys = ",".join(self._secrets["secret_keys"])
        values = with_defaults(
            values,
            {
                "secret_keys": lambda: keys,
                "bounce_domain": lambda: BOUNCE_DOMAIN,
                "logs.format": lambda: "console" if sys.stdout.isatty() else "auto",
                "public_url": lambda: "http://127.0.0.1",
            },
        )
        if values.get("public_url") == "http://127.0.0.1":
            values["public_url"] = f"http://127.0.0.1:{load(values).api.port}"
        return values

    @staticmethod
    def _require_ports(settings: Settings) -> None:
        require_free(
            {
                "api.port": (settings.api.host, settings.api.port),
                "dyno.port": (settings.api.host, settings.dyno.port),
                "sandbox.port": (settings.sandbox.host, settings.sandbox.port),
                "intake.port": (settings.intake.host, settings.intake.port),
                "smtp.port": (settings.smtp.host, settings.smtp.port),
            }
        )

    def _start_valkey(self) -> str:
        server = EmbeddedValkey(self._directory.path, output=self._console.channel("valkey"))
        self._supervisor.start("valkey", server, stage=VALKEY)
        return server.url

    def _start_postgres(self) -> str:
        server = EmbeddedPostgres(
            self._directory.path,
            mode=Mode(self._options.identity) if self._options.identity else None,
            stage=self._options.stage,
            output=self._console.channel("postgres"),
            say=self._console.say,
        )
        self._supervisor.start("postgres", server, stage=POSTGRES)
        return server.url

    def _start(self, name: str, part: str, variables: dict[str, str], stage: int) -> None:
        self._supervisor.start(name, self._part(name, part, variables), stage=stage)

    def _part(self, name: str, part: str, variables: dict[str, str]) -> Part:
        # -P: a folder `app` where the command is typed is not ours.
        arguments = [sys.executable, "-P", "-m", "app", part]
        return Part(arguments, variables, self._console.channel(name))

    def _migrate(self, settings: Settings, variables: dict[str, str]) -> None:
        if is_at_head(settings.database_url):
            return
        part = self._part("migrate", "migrate", variables)
        part.start()
        ended = self._supervisor.wait_for(lambda: part.poll() is not None, MIGRATE_SECONDS)
        if not ended or part.poll() != 0:
            part.stop(1.0)
            raise EmbeddedError("the database could not be migrated; the lines above say why")

    def _first_account(self, settings: Settings) -> None:
        """Make the first account, unless this data directory knows the one of this database."""
        database = self._options.database_url or "embedded"
        if self._secrets["api_key"] and self._secrets.get("database") == database:
            return
        from app.cli.account import create  # noqa: PLC0415 a second of imports, on a first start only
        from app.core.errors import Conflict  # noqa: PLC0415

        key = ""
        username, password = self._secrets["username"], self._secrets["password"]
        try:
            key = create(settings, username=username, password=password, sender=SENDER)
        except Conflict:
            self._console.say("the database has accounts already; use their keys")
        self._secrets |= {"api_key": key, "database": database}
        self._directory.keep_secrets(self._secrets)

    def _await_ready(self, settings: Settings) -> None:
        def ready() -> bool:
            sandbox = is_answering(settings.sandbox.host, settings.sandbox.port)
            intake = not settings.intake.port or is_answering(settings.intake.host, settings.intake.port)
            submission = not settings.smtp.port or is_answering(settings.smtp.host, settings.smtp.port)
            return sandbox and intake and submission and runtime.is_ready(settings.api.host, settings.api.port)

        if not self._supervisor.wait_for(ready, READY_SECONDS):
            raise EmbeddedError(f"the API did not become ready within {READY_SECONDS:.0f} s; its log above says why")

    def _publish(self, settings: Settings) -> None:
        names = [f"delivery-{number}" for number in range(1, self._options.delivery_processes + 1)]
        self._directory.publish(runtime.describe(settings, self._secrets, self._supervisor.pid, names))
