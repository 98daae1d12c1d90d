"""Log lines: structlog on top of the standard library, so that every library's lines take the same way out.

JSON: one object a line with `time`, `level`, `logger`, `event`, the ids of `app.telemetry.context` and what the caller
adds. On a terminal the same as coloured text. Values whose names say that they are secret are never written, and
neither are query strings, because a classic API key travels in one.
"""

import json
import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from app.settings import Logs
from app.telemetry import context

REDACTED = "[redacted]"
_SECRET_NAME = re.compile(r"api_?key|password|secret|authorization|token|private|cookie", re.IGNORECASE)
_SECRET_PAIR = re.compile(r"(?i)\b(api_?key|password|secret|token)(=|%3D)[^&\s\"']+")
_SECRET_URL = re.compile(r"(://[^/\s:@]*:)[^/\s@]+@")


def configure(settings: Logs, *, stream: Any = None) -> None:
    """Set up logging for this process; calling it again replaces what was set.

    Args:
        settings: Format and least severe level.
        stream: Where lines go; standard error when None.
    """
    out = sys.stderr if stream is None else stream
    as_json = settings.format == "json" or (settings.format == "auto" and not out.isatty())
    shared: list[Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _add_ids,
        structlog.processors.format_exc_info,
        _redact,
    ]
    handler = _ToStandardError() if stream is None else logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(as_json=as_json)],
        )
    )
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    _replace_handlers(handler, level)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


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


def _renderer(*, as_json: bool) -> Processor:
    if as_json:
        return _to_json
    return structlog.dev.ConsoleRenderer(timestamp_key="time", exception_formatter=structlog.dev.plain_traceback)


def _to_json(_: WrappedLogger, __: str, event: EventDict) -> str:
    ordered = {name: event.pop(name) for name in ("time", "level", "logger", "event") if name in event}
    try:
        return orjson.dumps({**ordered, **event}, default=repr).decode()
    except TypeError:  # a lone surrogate, a number beyond 64 bits: slower, but every line comes out
        text = json.dumps({**ordered, **event}, default=repr, ensure_ascii=False)
        return text.encode("utf-8", "replace").decode()


def _add_ids(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    for name, value in context.current().items():
        event.setdefault(name, value)
    return event


def _redact(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    _redact_in(event, depth=0)
    return event


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
