"""The outermost layer: its cost, its lines and its figures."""

import logging
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from app.telemetry import context
from app.telemetry.http import Observed
from app.telemetry.logger import values_of


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Catch lines of every level."""
    caplog.set_level(logging.DEBUG, logger="app.http")
    return caplog


def facts(record: logging.LogRecord) -> dict[str, Any]:
    return {"event": record.getMessage(), "level": record.levelname.lower(), **values_of(record)}


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
async def test_a_line_per_request_without_its_query(status: int, level: str, lines: pytest.LogCaptureFixture) -> None:
    sent = await serve(answering(status), scope((b"x-request-id", b"abc")))
    (line,) = map(facts, lines.records)
    assert line.pop("ms") < 1000
    assert line == {"event": "http.request", "level": level, "method": "GET", "path": "/x", "status": status}
    assert sent[0]["headers"] == [(b"a", b"b"), (b"x-request-id", b"abc")]


async def test_a_crash_that_was_answered_ends_here_with_a_line(lines: pytest.LogCaptureFixture) -> None:
    sent = await serve(answering(500, crash=True), scope())
    assert len(sent) == 2
    (line,) = lines.records
    assert line.getMessage() == "http.crash"
    assert line.exc_info is not None
    assert line.exc_info[0] is RuntimeError


async def test_a_crash_without_an_answer_goes_on(lines: pytest.LogCaptureFixture) -> None:
    async def app(_: Scope, __: Receive, ___: Send) -> None:
        raise RuntimeError("boom")

    with pytest.raises(RuntimeError):
        await serve(app, scope())
    assert facts(lines.records[0])["status"] == 500


async def test_what_is_not_http_passes() -> None:
    seen = []

    async def app(scope: Scope, _: Receive, __: Send) -> None:
        seen.append(scope["type"])

    assert await serve(app, {"type": "lifespan"}) == []
    assert seen == ["lifespan"]


async def test_a_good_request_leaves_no_line_at_the_default_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="app.http")
    await serve(answering(200), scope())
    assert caplog.records == []


@pytest.mark.parametrize("place", ["/u/", "/p/", "/t/c/"])
async def test_a_link_of_a_recipient_is_not_good_any_more_in_the_log(
    place: str, lines: pytest.LogCaptureFixture
) -> None:
    """Who reads the log must not be able to unsubscribe people; which copy it was can still be told."""
    payload, mac = "a" * 17, "secret7"
    await serve(answering(503), {**scope(), "path": f"{place}{payload}{mac}"})
    (line,) = map(facts, lines.records)
    assert line["path"] == f"{place}{payload}..."
