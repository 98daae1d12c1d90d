"""Lines with values: an event by its name, and what belongs to it. Imports the standard library alone.

On top of the standard library's loggers, so that they take the same way out as the lines of every library;
`app.telemetry.logs` gives them their form.
"""

import logging
from collections.abc import Mapping
from typing import Any

_VALUES = "event_values"


class Logger:
    """Writes the lines of one module.

    _LOG = Logger(__name__)
    _LOG.info("intake.started", host=host, port=port)
    """

    def __init__(self, name: str) -> None:
        """Name it.

        Args:
            name: As the standard library knows it.
        """
        self._logger = logging.getLogger(name)

    def log(self, level: int, event: str, /, *, exc_info: Any = None, **values: object) -> None:
        """Write a line, if lines of that level are written.

        Args:
            level: Of the standard library.
            event: What has happened: `intake.started`.
            exc_info: An exception to show, or True for the one that is being handled.
            values: What belongs to it.
        """
        if self._logger.isEnabledFor(level):
            self._logger.log(level, "%s", event, exc_info=exc_info, extra={_VALUES: values})

    def debug(self, event: str, /, **values: Any) -> None:
        """Write what only somebody who looks for it wants to see."""
        self.log(logging.DEBUG, event, **values)

    def info(self, event: str, /, **values: Any) -> None:
        """Write what has happened."""
        self.log(logging.INFO, event, **values)

    def warning(self, event: str, /, **values: Any) -> None:
        """Write what somebody should look at."""
        self.log(logging.WARNING, event, **values)

    def error(self, event: str, /, **values: Any) -> None:
        """Write what has gone wrong."""
        self.log(logging.ERROR, event, **values)

    def exception(self, event: str, /, **values: object) -> None:
        """Write what has gone wrong, with the exception that is being handled."""
        self.log(logging.ERROR, event, exc_info=True, **values)


def values_of(record: logging.LogRecord) -> Mapping[str, Any]:
    """Return the values of a line; those of libraries have none."""
    values: Mapping[str, Any] = getattr(record, _VALUES, {})
    return values
