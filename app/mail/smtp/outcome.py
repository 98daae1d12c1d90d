"""What came of handing one message to one server. May import `app.mail.smtp.replies` and the standard library."""

import re
from dataclasses import dataclass
from enum import StrEnum

from app.mail.smtp.replies import Reply

MAX_REPLY = 1000
"""Characters of a reply that are kept."""

MAX_MADE = 100
"""Outcomes that a session keeps, one for each duration."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Status(StrEnum):
    """The four ends of an attempt."""

    DELIVERED = "delivered"
    """The server took the message."""
    DEFERRED = "deferred"
    """Not now; worth another attempt."""
    REJECTED = "rejected"
    """Never."""
    IN_DOUBT = "in_doubt"
    """The connection ended between the final dot and the reply: the server may or may not have the message."""


_STATUSES = {2: Status.DELIVERED, 5: Status.REJECTED}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one attempt."""

    status: Status
    code: int
    """Reply code; 0 when no server said this: then `reply` is our own reason and `enhanced` our own code."""
    enhanced: str
    """Enhanced status code; empty when the server gave none."""
    reply: str
    """What was said, one line, at most 1000 characters, no control characters."""
    host: str
    """The server's name; empty when there was none to talk to."""
    duration_ms: int = 0
    """From the first command to the outcome, in milliseconds."""


def from_reply(reply: Reply, host: str, duration_ms: int = 0, *, status: Status | None = None) -> Outcome:
    """Return the outcome a reply stands for: 2xx delivered, 5xx rejected, all else deferred, unless `status` says."""
    if status is None:
        status = _STATUSES.get(reply.code // 100, Status.DEFERRED)
    return Outcome(status, reply.code, reply.enhanced, _clean(reply.text), host, duration_ms)


def from_us(status: Status, enhanced: str, reason: str, host: str = "", duration_ms: int = 0) -> Outcome:
    """Return an outcome no server spoke for, with our own code and reason."""
    return Outcome(status, 0, enhanced, _clean(reason), host, duration_ms)


class Outcomes:
    """The outcomes of one session's final dots; for a reply that comes again and again they are made only once."""

    __slots__ = ("_host", "_made", "_reply")

    def __init__(self, host: str) -> None:
        self._host = host
        self._reply: Reply | None = None
        self._made: dict[int, Outcome] = {}

    def of(self, reply: Reply, duration_ms: int) -> Outcome:
        """Return what a reply to a final dot stands for: in doubt when it is neither 2xx nor 4xx nor 5xx."""
        if reply is self._reply:  # the parser returns the same object for the same line
            made = self._made.get(duration_ms)
            if made is not None:
                return made
            if len(self._made) >= MAX_MADE:
                self._made.clear()
        else:
            self._reply = reply
            self._made.clear()
        status = None if reply.code // 100 in {2, 4, 5} else Status.IN_DOUBT
        outcome = self._made[duration_ms] = from_reply(reply, self._host, duration_ms, status=status)
        return outcome


def _clean(text: str) -> str:
    return text[:MAX_REPLY] if text.isprintable() else _CONTROLS.sub("", text[: 2 * MAX_REPLY])[:MAX_REPLY]
