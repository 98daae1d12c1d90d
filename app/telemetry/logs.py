"""The form of log lines, the same for ours (`app.telemetry.logger`) and every library's.

JSON: one object a line with `time`, `level`, `logger`, `event`, the ids of `app.telemetry.context` and what the caller
adds. On a terminal the same as coloured text. Values whose names say that they are secret are never written, and
neither are query strings, because a classic API key travels in one.
"""

import json
import logging
import re
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson

from app.settings import Logs
from app.telemetry import context
from app.telemetry.logger import values_of

REDACTED = "[redacted]"
_SECRET_NAME = re.compile(r"api_?key|password|secret|authorization|token|private|cookie", re.IGNORECASE)
_SECRET_PAIR = re.compile(r"(?i)\b(api_?key|password|secret|token)(=|%3D)[^&\s\"']+")
_SECRET_URL = re.compile(r"(://[^/\s:@]*:)[^/\s@]+@")
_FIRST = ("time", "level", "logger", "event")
_COLOURS = {"debug": "\x1b[32m", "info": "\x1b[32m", "warning": "\x1b[33m", "error": "\x1b[31m", "critical": "\x1b[31m"}
_BRIGHT, _DIM, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"


def configure(settings: Logs, *, stream: Any = None) -> None:
    """Set up logging for this process; calling it again replaces what was set.

    Args:
        settings: Format and least severe level.
        stream: Where lines go; standard error when None.
    """
    out = sys.stderr if stream is None else stream
    as_json = settings.format == "json" or (settings.format == "auto" and not out.isatty())
    handler = _ToStandardError() if stream is None else logging.StreamHandler(stream)
    handler.setFormatter(_AsJson() if as_json else _AsText())
    _replace_handlers(handler, logging.getLevelNamesMapping()[settings.level.upper()])


class _ToStandardError(logging.StreamHandler[TextIO]):
    """Writes to standard error as it is at that moment, which a test or a daemon may have replaced."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        self.stream = sys.stderr
        super().emit(record)


def _replace_handlers(handler: logging.Handler, level: int) -> None:
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi", "celery", "celery.task", "kombu"):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
    # the access log writes query strings, and with them API keys; our own request line replaces it
    logging.getLogger("uvicorn.access").disabled = True
    # chatty below a warning, and nothing in it is about our work
    for name in ("alembic.runtime.plugins", "asyncio", "aiosmtplib", "kombu", "amqp"):
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


class _AsJson(logging.Formatter):
    """One object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        facts = _facts(self, record)
        try:
            return orjson.dumps(facts, default=repr).decode()
        except TypeError:  # a lone surrogate, a number beyond 64 bits: slower, but every line comes out
            return json.dumps(facts, default=repr, ensure_ascii=False).encode("utf-8", "replace").decode()


class _AsText(logging.Formatter):
    """A coloured line for people, and the traceback below it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line or lines."""
        facts = _facts(self, record)
        time, level, name, event, exception = (facts.pop(key, "") for key in (*_FIRST, "exception"))
        values = "".join(f" {key}={value if isinstance(value, str) else repr(value)}" for key, value in facts.items())
        level = f"{_COLOURS.get(level, '')}{level:<8}{_PLAIN}"
        line = f"{_DIM}{time}{_PLAIN} {level} {_BRIGHT}{event}{_PLAIN} [{name}]{values}"
        return f"{line}\n{exception}" if exception else line


def _facts(formatter: logging.Formatter, record: logging.LogRecord) -> dict[str, Any]:
    """Return what a line says, in the order in which it says it."""
    time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")
    first = (time.replace("+00:00", "Z"), record.levelname.lower(), record.name, record.getMessage())
    facts = {**dict(zip(_FIRST, first, strict=True)), **values_of(record)}
    for name, value in context.current().items():
        facts.setdefault(name, value)
    if record.exc_info:
        facts["exception"] = formatter.formatException(record.exc_info)
    _redact_in(facts, depth=0)
    return facts


def _redact_in(values: MutableMapping[str, Any], *, depth: int) -> None:
    for name, value in values.items():
        if _SECRET_NAME.search(str(name)) and value:
            values[name] = REDACTED
        elif isinstance(value, str):
            if "=" in value or "%3" in value or "://" in value:
                values[name] = _SECRET_URL.sub(rf"\1{REDACTED}@", _SECRET_PAIR.sub(rf"\1\2{REDACTED}", value))
        elif isinstance(value, dict) and depth < 3:  # noqa: PLR2004 deeper than any line of ours
            values[name] = copied = dict(value)
            _redact_in(copied, depth=depth + 1)
