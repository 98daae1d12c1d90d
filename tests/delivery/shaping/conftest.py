"""A clock to turn by hand, outcomes by their words, and a database of Valkey."""

import pytest

from app.mail.smtp.outcome import Outcome, Status
from tests.valkey.conftest import prefix, shaping_url

__all__ = ["FakeClock", "deferred", "delivered", "prefix", "shaping_url"]


class FakeClock:
    """The time, in seconds."""

    def __init__(self, at: float = 1000.0) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def delivered() -> Outcome:
    return Outcome(Status.DELIVERED, 250, "2.0.0", "OK", "mx.test")


def deferred(reply: str, *, code: int | None = None, enhanced: str | None = None) -> Outcome:
    """Return the outcome of a temporary reply such as "421 4.7.0 too fast"."""
    parts = reply.split(" ", 2)
    found = parts[1] if len(parts) > 1 and parts[1].count(".") == 2 else ""
    return Outcome(
        Status.DEFERRED,
        int(parts[0]) if code is None else code,
        found if enhanced is None else enhanced,
        reply.removeprefix(parts[0]).strip().removeprefix(found).strip(),
        "mx.test",
    )
