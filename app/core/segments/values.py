"""What segments are made of, and what contacts are filtered by. Pure; imports models.

Source: docs/contract/native.md, 6 and 8.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.models.contact import ContactStatus


class Match(StrEnum):
    """How the conditions of a segment go together."""

    ALL = "all"
    ANY = "any"


class Kind(StrEnum):
    """What a condition looks at, and so how it compares."""

    STATUS = "status"
    TAG = "tag"
    TEXT = "text"
    """The address, the source or a field of a type without an order: compared ignoring case."""
    NUMBER = "number"
    DATE = "date"
    DATETIME = "datetime"
    MOMENT = "moment"
    """A time of the contact's own."""
    EVENT = "event"
    ENGAGEMENT = "engagement"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition, checked: nothing in it can make a statement fail.

    Attributes:
        type: Of the contract: `status`, `tag`, `field`, `email`, `source`, `created_at`, `subscribed_at`, `event`,
            `opened`, `clicked`.
        op: An operator of that type.
        kind: How it compares; of a field by its type when the condition was made.
        value: What is compared with: one text, two for `between`, an integer of days or of a campaign.
        name: Tag of the field, or name of the event.
        days: Of an event: within so many.
    """

    type: str
    op: str
    kind: Kind
    value: str | int | tuple[str, str] | None = None
    name: str | None = None
    days: int | None = None

    def stored(self) -> dict[str, Any]:
        """Return it as JSON for `of_stored`."""
        value = list(self.value) if isinstance(self.value, tuple) else self.value
        members = {"type": self.type, "op": self.op, "kind": str(self.kind), "value": value}
        members |= {"name": self.name, "days": self.days}
        return {name: member for name, member in members.items() if member is not None}

    @classmethod
    def of_stored(cls, members: Mapping[str, Any]) -> "Condition":
        """Return what `stored` wrote."""
        value = members.get("value")
        return cls(
            type=members["type"],
            op=members["op"],
            kind=Kind(members["kind"]),
            value=(value[0], value[1]) if isinstance(value, list) else value,
            name=members.get("name"),
            days=members.get("days"),
        )


@dataclass(frozen=True, slots=True)
class Definition:
    """Conditions a contact meets, all or any of them; made by `definition_of`."""

    match: Match
    conditions: tuple[Condition, ...]

    def stored(self) -> dict[str, Any]:
        """Return it as JSON for `of_stored`."""
        return {"match": str(self.match), "conditions": [one.stored() for one in self.conditions]}

    @classmethod
    def of_stored(cls, members: Mapping[str, Any]) -> "Definition":
        """Return what `stored` wrote."""
        return cls(Match(members["match"]), tuple(Condition.of_stored(one) for one in members["conditions"]))


@dataclass(frozen=True, slots=True)
class ContactFilter:
    """Which members of an audience are meant: those that meet everything that is given.

    Attributes:
        status: Theirs.
        tag: One they have, compared exactly.
        email: Their address, trimmed and in lower case.
        q: Part of their address or name, ignoring case.
        segment: They are in it.
        source: Where they came from, compared exactly.
        created_after: Later than this.
        created_before: Earlier than this.
    """

    status: ContactStatus | None = None
    tag: str | None = None
    email: str | None = None
    q: str | None = None
    segment: Definition | None = None
    source: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None

    @property
    def is_status_alone(self) -> bool:
        """Whether it asks for nothing but perhaps a status, so that tallies have the count."""
        return self == ContactFilter(status=self.status)


class Sort(StrEnum):
    """What a list of contacts is sorted by; ties are broken by id."""

    CREATED_AT = "created_at"
    EMAIL = "email"
    UPDATED_AT = "updated_at"
