"""Assembly of the HTTP service: parts, listeners, layers, families. No logic of its own.

Observed (request id, log line, figures)
  └─ Application (trailing slash, which listener)
       ├─ main listener: every family, the description, the dashboard's place
       │    └─ Site: links and pages of recipients
       └─ Dyno listener (`dyno.port`): Dyno Email Marketing alone
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import cast

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import ASGIApp, Receive, Scope, Send

from app import __version__
from app.api import failures, families
from app.api.express import Express
from app.api.native import description
from app.core import messages
from app.core.accounts import KeyRing
from app.core.messages import Batcher
from app.core.senders import SenderBook
from app.core.tracking import Destinations, EventBatcher
from app.db.engine import make_engine
from app.dependencies import Runtime
from app.kit.clock import Clock, SystemClock
from app.kit.secrets import Vault
from app.mail.smtp.records import LateRecords
from app.models.message import Kind
from app.queue import JobQueue
from app.settings import Settings
from app.telemetry import counters, logs
from app.telemetry.http import Observed
from app.telemetry.logger import Logger
from app.valkey.rate_limit import RateLimits
from app.web import site
from app.web.site import Site
from app.web.visitors import links_of

NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
"""FastAPI would look for OpenTelemetry on every request; our own figures are `app.telemetry`'s."""
_LOG = Logger("app.main")


class Application:
    """The service as one ASGI application, which also speaks ASGI's lifespan.

    Attributes:
        main_app: Serves the main listener.
        dyno_app: Serves the Dyno listener.
        site: Serves the links and pages of recipients, on the main listener.
    """

    def __init__(self, settings: Settings, clock: Clock, engine: AsyncEngine | None) -> None:
        """Take what it works with.

        Args:
            settings: Of the process.
            clock: Tells the time to everything the service does.
            engine: Stays open after it; None: one of its own.
        """
        self._settings = settings
        self._clock = clock
        self._engine = engine
        self.main_app = _main_app(self._lifespan)
        self.dyno_app = _dyno_app()
        self.site = Site()
        self._main = Express(self.main_app, families.EXPRESS)
        self._observed: ASGIApp = Observed(self._listen, self._family_of)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the life of the server."""
        await self._observed(scope, receive, send)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Runtime]:
        """Start the parts of the process, lend them, and stop them in reverse order.

        Raises:
            OSError, asyncpg.PostgresError, TimeoutError: PostgreSQL can't be reached.
        """
        async with AsyncExitStack() as parts:
            runtime = await _start(self._settings, self._clock, self._engine, parts)
            self.main_app.state.runtime = runtime
            self.dyno_app.state.runtime = runtime
            self.site.pages.state.runtime = runtime
            _LOG.info("api.started", version=__version__, node=self._settings.node_name)
            yield runtime
            _LOG.info("api.stopping")

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        logs.configure(self._settings.logs)  # again after the server's own set-up, which would write query strings
        async with self.running():
            yield

    async def _listen(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path: str = scope["path"]
            if path.endswith("/") and path != "/":
                # The same resource, and never a redirect: clients of these APIs do not follow one for a POST.
                scope = {**scope, "path": path.rstrip("/") or "/", "raw_path": scope.get("raw_path", b"").rstrip(b"/")}
            if self._is_dyno(scope):
                await self.dyno_app(scope, receive, send)
                return
            if self.site.owns(scope["path"]):
                await self.site(scope, receive, send)
                return
        await self._main(scope, receive, send)

    def _is_dyno(self, scope: Scope) -> bool:
        server = cast("tuple[str, int | None] | None", scope.get("server"))
        return bool(server and self._settings.dyno.port and server[1] == self._settings.dyno.port)

    def _family_of(self, scope: Scope) -> str:
        if self._is_dyno(scope):
            return families.DYNO.name
        return site.FAMILY if self.site.owns(scope["path"]) else families.family_of(scope["path"]).name


async def _start(settings: Settings, clock: Clock, lent: AsyncEngine | None, parts: AsyncExitStack) -> Runtime:
    engine = lent or make_engine(settings)
    if lent is None:
        parts.push_async_callback(engine.dispose)
    await messages.make_partitions(engine)
    queue = JobQueue(settings, counters.count_nudge_failed)
    queue.start()
    parts.callback(queue.close)
    batcher = Batcher(engine, settings, queue, clock, _count_group)
    await batcher.start()
    parts.push_async_callback(batcher.close)
    events = EventBatcher(engine, clock)
    await events.start()
    parts.push_async_callback(events.close)
    # Windows run by Valkey's own clock, which all processes share; by another one only where time is given.
    given = None if isinstance(clock, SystemClock) else lambda: clock.now().timestamp()
    rates = RateLimits(settings.broker_url, counters.count_uncounted, clock=given)
    parts.push_async_callback(rates.close)
    keys = KeyRing(engine)
    parts.push_async_callback(keys.close)
    return Runtime(
        settings=settings,
        engine=engine,
        vault=Vault(settings.secret_keys),
        queue=queue,
        keys=keys,
        senders=SenderBook(engine),
        batcher=batcher,
        events=events,
        destinations=Destinations(engine, links_of(settings)),
        rates=rates,
        clock=clock,
        records=LateRecords(settings.delivery.name_servers),
    )


def _count_group(entries: int, copies: Mapping[Kind, int]) -> None:
    counters.observe_batch(entries)
    for kind, count in copies.items():
        counters.count_messages(kind, "accepted", count)


def _main_app(lifespan: object) -> FastAPI:
    app = FastAPI(
        title="Trireme",
        telemetry=NO_TELEMETRY,
        version=__version__,
        summary="A self-hosted e-mail platform",
        lifespan=lifespan,  # type: ignore[arg-type]
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    families.include(app)
    description.include(app, families.OPENAPI_PATHS)
    failures.install(app)
    return app


def _dyno_app() -> FastAPI:
    app = FastAPI(
        title="Dyno Email Marketing",
        telemetry=NO_TELEMETRY,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    families.include_dyno(app)
    failures.install(app)
    return app


def create_app(settings: Settings, *, clock: Clock | None = None, engine: AsyncEngine | None = None) -> Application:
    """Return the service, ready to be served by uvicorn; its parts start with the lifespan.

    Args:
        settings: Of the process; `logs` is applied at once.
        clock: Tells the time; the machine's when None.
        engine: Of somebody who uses it as well and closes it; None: the service has its own.
    """
    logs.configure(settings.logs)
    return Application(settings, clock or SystemClock(), engine)
