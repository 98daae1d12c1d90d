"""The outermost layer: its cost, its lines and its figures."""

import logging
from collections.abc import Iterator
from time import perf_counter

import pytest
import structlog
from starlette.types import Message, Receive, Scope, Send

from app.telemetry import context
from app.telemetry.http import Observed


@pytest.fixture(autouse=True)
def every_level() -> Iterator[None]:
    """Undo what another test configured."""
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


def scope(*headers: tuple[bytes, bytes]) -> Scope:
    return {"type": "http", "method": "GET", "path": "/x", "query_string": b"apikey=0f1e", "headers": list(headers)}


async def receive() -> Message:
    return {"type": "http.request"}


async def serve(app: object, status_scope: Scope) -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await Observed(app, lambda _: "test")(status_scope, receive, send)  # type: ignore[arg-type]
    return sent


def answering(status: int, *, crash: bool = False) -> object:
    async def app(_: Scope, __: Receive, send: Send) -> None:
        context.note_account(21)
        await send({"type": "http.response.start", "status": status, "headers": [(b"a", b"b")]})
        await send({"type": "http.response.body", "body": b"x"})
        if crash:
            raise RuntimeError("boom")

    return app


@pytest.mark.parametrize(("status", "level"), [(200, "debug"), (404, "info"), (500, "error")])
async def test_a_line_per_request_without_its_query(status: int, level: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="app.http")
    with structlog.testing.capture_logs() as lines:
        sent = await serve(answering(status), scope((b"x-request-id", b"abc")))
    (line,) = lines
    assert line.pop("ms") < 1000
    assert line == {"event": "http.request", "log_level": level, "method": "GET", "path": "/x", "status": status}
    assert sent[0]["headers"] == [(b"a", b"b"), (b"x-request-id", b"abc")]


async def test_a_crash_that_was_answered_ends_here_with_a_line() -> None:
    with structlog.testing.capture_logs() as lines:
        sent = await serve(answering(500, crash=True), scope())
    assert len(sent) == 2
    assert lines[0]["event"] == "http.crash"
    assert isinstance(lines[0]["exc_info"], RuntimeError)


async def test_a_crash_without_an_answer_goes_on() -> None:
    async def app(_: Scope, __: Receive, ___: Send) -> None:
        raise RuntimeError("boom")

    with structlog.testing.capture_logs() as lines, pytest.raises(RuntimeError):
        await serve(app, scope())
    assert lines[0]["status"] == 500


async def test_what_is_not_http_passes() -> None:
    seen = []

    async def app(scope: Scope, _: Receive, __: Send) -> None:
        seen.append(scope["type"])

    assert await serve(app, {"type": "lifespan"}) == []
    assert seen == ["lifespan"]


async def test_a_good_request_leaves_no_line_at_the_default_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="app.http")
    with structlog.testing.capture_logs() as lines:
        await serve(answering(200), scope())
    assert lines == []


async def test_it_is_cheap() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(20))
    app = answering(200)

    async def send(_: Message) -> None:
        pass

    observed = Observed(app, lambda _: "test")  # type: ignore[arg-type]

    async def cost(run: object) -> float:
        best = 1.0
        for _ in range(5):
            began = perf_counter()
            for _ in range(500):
                await run(scope(), receive, send)  # type: ignore[operator]
            best = min(best, (perf_counter() - began) / 500)
        return best

    # Measured below 15 us; the bound leaves room for a busy machine.
    assert await cost(observed) - await cost(app) < 60e-6
