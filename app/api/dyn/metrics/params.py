"""The parameters that lists and counts have in common, with their types. A bad one is noted, and all are reported.

May import the parameters, dates and errors of this family, and the front door of metrics.

Source: docs/contract/dyn-metrics.md, section 4.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

from app.api.dyn.dates import parse_start
from app.api.dyn.metrics.errors import ParametersRefused, blank, not_valid
from app.api.dyn.params import Params
from app.core.errors import Invalid
from app.core.metrics import ListFilters, Scope, Window, window

MAX_NUMBER = 2**62
"""Larger numbers are read as this one: no id, and past the end of any list."""

_NUMBER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_EPOCH_WITH_FRACTION = re.compile(r"([0-9]{1,13})\.[0-9]*", re.ASCII)
_FLAGS = {"1": True, "true": True, "0": False, "false": False}
NO_ALIASES: Mapping[str, str] = MappingProxyType({})
ALWAYS = "always"
Choice = TypeVar("Choice", bound=StrEnum)


class Parameters:
    """Reads the parameters of one request; to be asked in the order of the parameter table, `check` last."""

    def __init__(self, params: Params) -> None:
        """Read from these.

        Args:
            params: Of the query string.
        """
        self._params = params
        self._sentences: list[str] = []

    def window(self) -> Window | None:
        """Return the required range; None when it is missing or not valid, which is noted."""
        start, end = self._time("start_time"), self._time("end_time")
        if start is None or end is None:
            return None
        try:
            return window(start, end)
        except Invalid as error:
            self._sentences.extend(not_valid(fault.field) for fault in error.faults)
            return None

    def scope(self) -> Scope:
        """Return whose records are meant."""
        user_id = self.number("user_id")
        sender = self.text("sender")
        return Scope(user_id=user_id, sender=sender, sender_id=self.number("sender_id"))

    def text(self, name: str) -> str | None:
        """Return a text without blanks around it."""
        value = self._params.text(name)
        return None if value is None else value.strip()

    def number(self, name: str) -> int | None:
        """Return an integer; notes anything else."""
        text = self.text(name)
        if text is None:
            return None
        if not _NUMBER.fullmatch(text):
            self._sentences.append(not_valid(name))
            return None
        # Digits first: the text may be longer than any number that Python converts.
        return max(min(int(text), MAX_NUMBER), -MAX_NUMBER) if len(text) < len(str(MAX_NUMBER)) else MAX_NUMBER

    def offset(self) -> int:
        """Return the offset of a page, 0 when absent; notes anything but a non-negative integer."""
        number = self.number("offset") or 0
        if number < 0:
            self._sentences.append(not_valid("offset"))
        return max(number, 0)

    def flag(self, name: str) -> bool | None:
        """Return a flag; notes anything but 1, 0, true and false."""
        text = self.text(name)
        if text is not None and text.lower() not in _FLAGS:
            self._sentences.append(not_valid(name))
        return None if text is None else _FLAGS.get(text.lower())

    def choice(self, name: str, kind: type[Choice], aliases: Mapping[str, str] = NO_ALIASES) -> Choice | None:
        """Return one of the words of an enum, which may have aliases; notes any other."""
        text = self.text(name)
        if text is None:
            return None
        text = aliases.get(text, text)
        if text not in {str(member) for member in kind}:
            self._sentences.append(not_valid(name))
            return None
        return kind(text)

    def x_headers(self) -> tuple[tuple[str, str], ...]:
        """Return filters by X-header: `X-Name=value`, and the same as the value of `xheaders`, repeatable."""
        pairs = [text.partition("=")[::2] for text in self._params.values("xheaders")]
        return (*self._params.x_fields(), *((name.strip(), value) for name, value in pairs if value))

    def filters(self) -> ListFilters:
        """Return the filters that all lists have."""
        return ListFilters(
            domain=self.text("domain"),
            local=self.text("local"),
            recipient=self.text("recipient"),
            x_headers=self.x_headers(),
        )

    def enveloped(self) -> bool:
        """Tell whether the five fields are asked for; notes any other wish."""
        text = self.text("envelope")
        if text not in {None, ALWAYS}:
            self._sentences.append(not_valid("envelope"))
        return text == ALWAYS

    def check(self) -> None:
        """Go on only when all was in order.

        Raises:
            ParametersRefused: It was not.
        """
        if self._sentences:
            raise ParametersRefused(self._sentences)

    def _time(self, name: str) -> datetime | None:
        text = self.text(name)
        if text is None:
            self._sentences.append(blank(name))
            return None
        match = _EPOCH_WITH_FRACTION.fullmatch(text)
        moment = parse_start(match[1] if match else text)
        if moment is None:
            self._sentences.append(not_valid(name))
        return moment
