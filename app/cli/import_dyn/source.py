"""What both sources have in common: owners, units of work, pages of records. Imports the standard library alone."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class SourceFailed(Exception):
    """The source can't be read; what was read before is kept, and the import may be begun again."""


class Resource(StrEnum):
    """What is brought along for each account, in that order; the word is the file's and the report's name."""

    SENDERS = "senders"
    SUPPRESSIONS = "suppressions"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCES = "bounces"
    COMPLAINTS = "complaints"
    UNIQUE_OPENS = "opens/unique"
    """One item for each copy that was opened; it tells how many copies the opens are of."""
    OPENS = "opens"
    UNIQUE_CLICKS = "clicks/unique"
    """One item for each link of a copy that was clicked."""
    CLICKS = "clicks"
    ISSUES = "issues"


UNIQUE = {Resource.OPENS: Resource.UNIQUE_OPENS, Resource.CLICKS: Resource.UNIQUE_CLICKS}
HISTORY = (
    Resource.SENT,
    Resource.DELIVERED,
    Resource.BOUNCES,
    Resource.COMPLAINTS,
    Resource.OPENS,
    Resource.CLICKS,
    Resource.ISSUES,
)
BLOCKED = ("previouslyhardbounced", "previouslycomplained", "suppressed")
"""Bounce types that are blocked mails (docs/contract/dyn-email.md, 11.3)."""


@dataclass(frozen=True, slots=True)
class Record:
    """One item of a list, or one line of a file.

    Attributes:
        fields: Values by name in lower case.
        x_headers: Its X-headers.
    """

    fields: Mapping[str, str]
    x_headers: Mapping[str, str] = field(default_factory=dict)

    def text(self, *names: str) -> str:
        """Return the first value of these names that is not blank, trimmed; "" without one."""
        return next((found for name in names if (found := self.fields.get(name, "").strip())), "")


@dataclass(frozen=True, slots=True)
class Owner:
    """An account of the source.

    Attributes:
        username: As it is there; "" when the source does not say.
        key: Its API key; "" when the source does not say.
        is_master: Whether the others belong to it.
        record: What else is known of it, by the keys of docs/contract/dyn-email.md, 6.1.
    """

    username: str
    key: str = field(repr=False)
    is_master: bool
    record: Record


@dataclass(frozen=True, slots=True)
class Unit:
    """A list that is read from its beginning to its end.

    Attributes:
        resource: Which list.
        sender: Only of this sender; "" when the items say it, or nobody does.
        kind: Only bounces of this type; "" the list as it is.
    """

    resource: Resource
    sender: str = ""
    kind: str = ""

    @property
    def name(self) -> str:
        """What tells it from the others of its owner."""
        return f"{self.resource}/{self.sender}/{self.kind}"


@dataclass(frozen=True, slots=True)
class Page:
    """Some records.

    Attributes:
        records: In order.
        position: Where the next page begins, for `Source.pages`.
        unreadable: Lines that are no records.
    """

    records: Sequence[Record]
    position: str
    unreadable: int = 0


class Source(Protocol):
    """Where everything comes from."""

    @property
    def name(self) -> str:
        """What tells it from other sources."""
        ...

    @property
    def needs_keys(self) -> bool:
        """Whether it can be asked about an account with that account's key only."""
        ...

    async def owners(self) -> Sequence[Owner]:
        """Return the accounts, the master first.

        Raises:
            SourceFailed: They can't be read.
        """
        ...

    async def x_headers(self, owner: Owner) -> Sequence[str] | None:
        """Return the four X-header names, "" where none is set; None when the source does not say.

        Raises:
            SourceFailed: They can't be read.
        """
        ...

    def history(self, senders: Sequence[str]) -> Sequence[Unit]:
        """Return the lists of the history of an owner that has these senders, in the order to read them."""
        ...

    def pages(self, owner: Owner, unit: Unit, position: str) -> AsyncIterator[Page]:
        """Yield the pages of a list from a position on, "" from its beginning.

        Raises:
            SourceFailed: They can't be read.
        """
        ...

    async def activated(self, owner: Owner, addresses: Sequence[str]) -> Collection[str]:
        """Return those of the addresses that were activated after they bounced or complained, if the source knows.

        Raises:
            SourceFailed: It can't be asked.
        """
        ...
