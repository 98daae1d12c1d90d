"""What a slot shows and what a condition asks: names, filters, comparisons.

Everything is text. Imports the standard library only.

Source: docs/contract/dynosend.md, section 13.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never
from urllib.parse import quote_plus

Values = Mapping[str, str]
"""Values by upper-case name; a missing one is empty."""


class FilterName(StrEnum):
    """The filters there are."""

    DEFAULT = "default"
    UPCASE = "upcase"
    DOWNCASE = "downcase"
    CAPITALIZE = "capitalize"
    URL_ENCODE = "url_encode"


class Operator(StrEnum):
    """The comparisons there are."""

    EQUAL = "=="
    UNEQUAL = "!="
    CONTAINS = "contains"


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter; `text` is the argument of `default`."""

    name: FilterName
    text: str = ""

    def apply(self, value: str) -> str:
        """Return the filtered value."""
        match self.name:
            case FilterName.DEFAULT:
                return value or self.text
            case FilterName.UPCASE:
                return value.upper()
            case FilterName.DOWNCASE:
                return value.lower()
            case FilterName.CAPITALIZE:
                return value.capitalize()
            case FilterName.URL_ENCODE:
                return quote_plus(value, errors="replace")
        assert_never(self.name)


@dataclass(frozen=True, slots=True)
class Expression:
    """A slot: a name and what is done to its value."""

    name: str
    """Upper case, without `CONTACT.`."""
    filters: tuple[Filter, ...] = ()

    def value(self, values: Values) -> str:
        """Return what the slot shows, not escaped."""
        found = lookup(values, self.name)
        for one in self.filters:
            found = one.apply(found)
        return found


@dataclass(frozen=True, slots=True)
class Condition:
    """What `if` and `elsif` ask; without an operator: whether the value is not empty."""

    name: str
    operator: Operator | None = None
    text: str = ""

    def holds(self, values: Values) -> bool:
        """Say whether it is so."""
        found = lookup(values, self.name)
        match self.operator:
            case None:
                return found != ""
            case Operator.EQUAL:
                return found == self.text
            case Operator.UNEQUAL:
                return found != self.text
            case Operator.CONTAINS:
                return self.text in found
        assert_never(self.operator)


def lookup(values: Values, name: str) -> str:
    """Return the value of a name: as given, else by the rules for `SUBSCRIBER_<FIELD>`, `NAME` and `FULL_NAME`."""
    found = values.get(name)
    if found is not None:
        return found
    if name in {"NAME", "FULL_NAME"}:
        return f"{values.get('FIRST_NAME', '')} {values.get('LAST_NAME', '')}".strip()
    if name.startswith("SUBSCRIBER_"):
        return values.get(name.removeprefix("SUBSCRIBER_"), "")
    return ""
