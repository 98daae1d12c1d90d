"""Who acts, as the present task knows it. Imports nothing of ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

SYSTEM = "system"
"""What acts when nobody was noted: a worker, the scheduler."""


class Identity(Protocol):
    """Who acts: an account through one of its keys."""

    @property
    def account_id(self) -> int | None:
        """The account; None for a command or a worker."""

    @property
    def key_id(self) -> UUID | None:
        """Its key."""

    @property
    def username(self) -> str:
        """What it is called."""


@dataclass(frozen=True, slots=True)
class Command:
    """Something that acts without a key."""

    username: str
    account_id: int | None = None
    key_id: UUID | None = None


_NOBODY = Command(SYSTEM)
_ACTOR: ContextVar[Identity] = ContextVar("actor", default=_NOBODY)


def note(actor: Identity) -> None:
    """Note who acts from here on in this task, and in those it starts. Cheap enough for every request."""
    _ACTOR.set(actor)


@contextmanager
def acting_as(name: str) -> Iterator[None]:
    """Let a command or a worker act inside the block.

    Args:
        name: Such as `trireme account add`.
    """
    token = _ACTOR.set(Command(name))
    try:
        yield
    finally:
        _ACTOR.reset(token)


def present() -> Identity:
    """Return who acts."""
    return _ACTOR.get()
