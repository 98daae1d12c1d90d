"""The outermost layer: its cost, its lines and its figures."""

import logging
from collections.abc import Iterator

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


@pytest.mark.parametrize("place", ["/u/", "/p/", "/t/c/"])
async def test_a_link_of_a_recipient_is_not_good_any_more_in_the_log(place: str) -> None:
    """Who reads the log must not be able to unsubscribe people; which copy it was can still be told."""
    payload, mac = "a" * 17, "secret7"
    with structlog.testing.capture_logs() as lines:
        await serve(answering(503), {**scope(), "path": f"{place}{payload}{mac}"})
    (line,) = lines
    assert line["path"] == f"{place}{payload}..."
