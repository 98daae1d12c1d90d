"""Log lines."""

import io
import logging
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from app.settings import Logs
from app.telemetry import context, logs
from app.telemetry.logger import Logger


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_has_time_level_logger_event_and_ids(out: io.StringIO) -> None:
    logs.configure(Logs(), stream=out)
    context.begin_request("r-1")
    context.note_account(21)
    with context.bind(message_id=7, email_id="e@mail-1"):
        Logger("app.x").info("thing.done", count=2)
    context.begin_request("")

    (line,) = lines(out)
    assert list(line)[:4] == ["time", "level", "logger", "event"]
    assert line["time"].endswith("Z")
    assert {name: line[name] for name in line if name != "time"} == {
        "level": "info",
        "logger": "app.x",
        "event": "thing.done",
        "count": 2,
        "request_id": "r-1",
        "account_id": 21,
        "message_id": 7,
        "email_id": "e@mail-1",
    }


def test_lines_of_libraries_take_the_same_way(out: io.StringIO) -> None:
    logs.configure(Logs(), stream=out)
    logging.getLogger("uvicorn.error").info("listening on %s", "http://127.0.0.1:8080")
    logging.getLogger("celery").warning("lost")
    assert [(line["logger"], line["level"], line["event"]) for line in lines(out)] == [
        ("uvicorn.error", "info", "listening on http://127.0.0.1:8080"),
        ("celery", "warning", "lost"),
    ]


def test_less_severe_lines_are_left_out(out: io.StringIO) -> None:
    logs.configure(Logs(level="warning"), stream=out)
    Logger("app.x").info("no")
    logging.getLogger("app.y").info("no")
    logging.getLogger("asyncio").info("no")
    assert out.getvalue() == ""


def test_the_access_log_of_the_server_is_off(out: io.StringIO) -> None:
    logs.configure(Logs(level="debug"), stream=out)
    logging.getLogger("uvicorn.access").info('"GET /rest/json/accounts?apikey=0f1e"')
    assert out.getvalue() == ""


def test_secrets_are_not_written(out: io.StringIO) -> None:
    logs.configure(Logs(), stream=out)
    log = Logger("app.x")
    log.info("x", api_key="0f1e", password="hunter2", Authorization="Bearer 0f1e", nested={"secret": "0f1e", "ok": 1})
    log.info("GET /rest?apikey=0f1e&x=1 and api_key%3D0f1e")
    log.info("connect", url="postgresql+asyncpg://app:hunter2@db/app", broker="redis://:hunter2@h/0")
    try:
        int("password=hunter2")
    except ValueError:
        log.exception("crash")

    written = out.getvalue()
    assert "0f1e" not in written
    assert "hunter2" not in written
    assert lines(out)[0]["nested"] == {"secret": logs.REDACTED, "ok": 1}
    assert lines(out)[2]["url"] == f"postgresql+asyncpg://app:{logs.REDACTED}@db/app"
    assert "ValueError" in lines(out)[3]["exception"]


def test_what_is_not_json_is_written_all_the_same(out: io.StringIO) -> None:
    logs.configure(Logs(), stream=out)
    Logger("app.x").info("odd", thing=object(), raw=b"\xff", lone="\ud800")
    (line,) = lines(out)
    assert line["event"] == "odd"


def test_on_a_terminal_it_is_text(out: io.StringIO) -> None:
    logs.configure(Logs(format="console"), stream=out)
    Logger("app.x").info("thing.done", count=2)
    assert "thing.done" in out.getvalue()
    assert not out.getvalue().startswith("{")


def test_ids_end_with_their_block() -> None:
    context.begin_request("r-2")
    with context.bind(message_id=7):
        assert context.current() == {"request_id": "r-2", "message_id": 7}
    assert context.current() == {"request_id": "r-2"}
    assert context.request_id() == "r-2"
    assert context.account_id() is None
    context.begin_request("")
