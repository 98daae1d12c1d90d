"""What the verbs of this package take and give. Pure; imports the standard library only."""

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

Scalar: TypeAlias = str | Decimal | bool | None
"""What a condition compares with."""

_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?\Z")


class Kind(StrEnum):
    """What a field holds."""

    STRING = "string"
    NUMBER = "number"
    EXTRA = "extra"
    """A member a client stored: each value is of the kind that was stored."""


class Operator(StrEnum):
    """How a value is compared. A value that is not set (null, absent, blank) meets none but what is said here."""

    EQUAL = "equal"
    """To one of the operands, exactly; None and "" among them: also what is not set."""
    LIKE = "like"
    """Without `%`: contains; with it the whole value matches: `%` any run, `_` one character, `\\` escapes."""
    LIKE_IGNORING_CASE = "like_ignoring_case"
    REGEX = "regex"
    """A regular expression of RE2 is found anywhere."""
    GREATER = "greater"
    GREATER_OR_EQUAL = "greater_or_equal"
    LESS = "less"
    LESS_OR_EQUAL = "less_or_equal"
    """Texts are ordered by code point."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What an object has to meet.

    Attributes:
        field: Its name.
        operator: How it is compared.
        operands: With what: one, but for `EQUAL` any number. Of the kind of the field; a number against a stored
            text is compared by its spelling, a text against a stored number by its value.
        negated: Whether it must not be so; then what is not set meets it.
    """

    field: str
    operator: Operator
    operands: tuple[Scalar, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """In which order objects are returned; ties are broken by UUID, what is not set comes last in both directions."""

    field: str = "created"
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """What was found.

    Attributes:
        ids: Rows of this page, in order.
        total: How many there are in all.
    """

    ids: tuple[int, ...]
    total: int


def as_number(text: str) -> Decimal | None:
    """Return the number a text says, in decimal digits, an exponent included; None when it says none."""
    trimmed = text.strip()
    return Decimal(trimmed) if _NUMBER.match(trimmed) else None
