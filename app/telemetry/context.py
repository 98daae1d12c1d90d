"""The ids that every log line of a request or of a delivery carries. Imports nothing of ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
_ACCOUNT_ID: ContextVar[int | None] = ContextVar("account_id", default=None)
_MESSAGE_ID: ContextVar[int | None] = ContextVar("message_id", default=None)
_EMAIL_ID: ContextVar[str] = ContextVar("email_id", default="")


def begin_request(request_id: str) -> None:
    """Start a request: its id stands, no account is known yet."""
    _REQUEST_ID.set(request_id)
    _ACCOUNT_ID.set(None)


def request_id() -> str:
    """Return the id of the request being served, or ""."""
    return _REQUEST_ID.get()


def note_account(account_id: int) -> None:
    """Note who calls, for the request's log line."""
    _ACCOUNT_ID.set(account_id)


def account_id() -> int | None:
    """Return the account noted for this request."""
    return _ACCOUNT_ID.get()


@contextmanager
def bind(*, message_id: int | None = None, email_id: str = "") -> Iterator[None]:
    """Put the ids of a copy on every line written inside the block."""
    message = _MESSAGE_ID.set(message_id)
    email = _EMAIL_ID.set(email_id)
    try:
        yield
    finally:
        _MESSAGE_ID.reset(message)
        _EMAIL_ID.reset(email)


def current() -> dict[str, str | int]:
    """Return the ids that are set, by the names they have in a log line."""
    values: dict[str, str | int | None] = {
        "request_id": _REQUEST_ID.get(),
        "account_id": _ACCOUNT_ID.get(),
        "message_id": _MESSAGE_ID.get(),
        "email_id": _EMAIL_ID.get(),
    }
    return {name: value for name, value in values.items() if value}
