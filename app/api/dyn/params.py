"""The parameters of a request: query string and body as one set, with every spelling of the classic API.

May import Starlette, `app.mail.addresses` and the modules of this family that read bodies and literals.

Source: docs/contract/dyn-email.md, section 3.
"""

import asyncio
import re
from collections.abc import Iterable, Iterator, KeysView

from starlette.requests import Request

from app.api.dyn.bodies import Field, TooManyFields, body_fields, clean, form_fields
from app.api.dyn.errors import BodyTooLarge, BodyTooSlow
from app.api.dyn.literals import read_list
from app.api.receiving import read_body
from app.mail.addresses import split_list

THREAD_BYTES = 256 * 1024
"""Larger bodies are parsed in a thread, so that other requests do not wait."""

SHORT_LIST = 50_000
"""Characters up to which a list is read without looking at it first."""
MAX_LIST_SIGNS = 200_000
"""Most commas, quotes, brackets and the like in all values of a list."""
MAX_LIST_TEXT = 4_000_000
"""Longest text that is read as an address list, in characters."""
MAX_DIGITS = 18
"""Longest number that is read as one."""

_LIST_SIGNS = ',;:"()<>[]\\'
_BRACKETS = re.compile(r"(.*)\[([0-9]{0,18})\]", re.DOTALL)


class Params:
    """What a request asks: names to their values, blank ones left out.

    Names are case sensitive; those that begin with `x-`, and `list-unsubscribe`, are found in any case.

    Attributes:
        is_large: Whether they came in a large body, so that work on them belongs into a thread.
    """

    __slots__ = ("_blank", "_spelling", "_values", "is_large")

    def __init__(self, *sources: Iterable[Field]) -> None:
        """Take fields in the order in which they came.

        Args:
            sources: The fields of each source; where two have a name, the values of the earlier source count.
        """
        self.is_large = False
        self._values: dict[str, list[str]] = {}
        self._blank: set[str] = set()
        self._spelling: dict[str, str] = {}
        for fields in sources:
            self._take(fields)

    def _take(self, fields: Iterable[Field]) -> None:
        values: dict[str, list[str]] = {}
        indexed: dict[str, list[tuple[int, str]]] = {}
        spelling: dict[str, str] = {}
        for name, value in fields:
            key, index = name, ""
            if key[-1:] == "]" and (match := _BRACKETS.fullmatch(key)):
                key, index = match.groups()
            if key[:2] in {"x-", "X-"} or key.lower() == "list-unsubscribe":
                key, spelled = key.lower(), key
            else:
                spelled = ""
            if not value or value.isspace():
                self._blank.add(key)
                continue
            if spelled:
                spelling[key] = spelled
            if index:
                indexed.setdefault(key, []).append((int(index), value))
            else:
                values.setdefault(key, []).append(value)
        for key, numbered in indexed.items():
            numbered.sort(key=lambda one: one[0])
            values.setdefault(key, []).extend(value for _, value in numbered)
        self._values = {**values, **self._values} if self._values else values
        self._spelling = {**spelling, **self._spelling} if self._spelling else spelling

    def names(self) -> KeysView[str]:
        """Return the names of the parameters that are not blank; `x-` names in lower case."""
        return self._values.keys()

    def text(self, name: str) -> str | None:
        """Return the value of a scalar parameter, the last one if it came more than once; None when absent or blank."""
        values = self._values.get(name)
        return values[-1] if values else None

    def x_text(self, name: str) -> str | None:
        """Return the value of a parameter whose name is compared ignoring case: `x-...` or `list-unsubscribe`."""
        return self.text(name.lower())

    def is_present(self, name: str) -> bool:
        """Tell whether the parameter was sent at all, even blank."""
        return name in self._values or name in self._blank

    def values(self, name: str) -> list[str]:
        """Return every value of a parameter as it came, in order: bracketed indexes last, sorted."""
        return self._values.get(name, [])

    def entries(self, name: str) -> list[str]:
        """Return a list parameter in single entries: every spelling of section 3.2, blank entries dropped.

        Entries are not checked: `Name <address>`, an address, or anything else.

        Raises:
            BodyTooLarge: There are more entries than any request may have fields.
        """
        entries: list[str] = []
        values = self._values.get(name)
        if values is None:
            return entries
        _check_list(values)
        for value in values:
            items = read_list(value) if value.lstrip()[:1] == "[" else None
            for item in (value,) if items is None else items:
                entries.extend(split_list(clean(item)))
        return entries

    def entry(self, name: str) -> str | None:
        """Return the first entry of a parameter that is documented as a single address; None when there is none.

        Raises:
            BodyTooLarge: As `entries`.
        """
        entries = self.entries(name)
        return entries[0] if entries else None

    def x_fields(self) -> Iterator[tuple[str, str]]:
        """Yield name and value of each `x-...` parameter, the name as it was sent."""
        for key, spelled in self._spelling.items():
            if key != "list-unsubscribe":
                yield spelled, self._values[key][-1]


def _check_list(values: list[str]) -> None:
    """Go on only with lists that are read in a moment.

    Raises:
        BodyTooLarge: There are more signs that separate, quote or group than any list needs.
    """
    if sum(map(len, values)) > SHORT_LIST:
        signs = sum(value.count(sign) for value in values for sign in _LIST_SIGNS)
        if signs > MAX_LIST_SIGNS or any(len(value) > MAX_LIST_TEXT for value in values):
            raise BodyTooLarge


def query_params(request: Request) -> Params:
    """Return the parameters of the query string alone.

    Raises:
        BodyTooLarge: There are more fields than any request may have.
    """
    try:
        return Params(form_fields(request.scope["query_string"]))
    except TooManyFields:
        raise BodyTooLarge from None


async def read_params(request: Request, *, limit: int) -> Params:
    """Return the parameters of query string and body; the body wins.

    Args:
        request: Its body must not have been read yet.
        limit: Largest body, in bytes.

    Raises:
        BodyTooLarge: The body is larger, or has more fields than any request may have.
        BodyTooSlow: The body took too long to arrive.
        ClientDisconnect: The client hung up before the body was complete.
    """
    content_type, length = "", -1
    for name, value in request.scope["headers"]:
        if name == b"content-type":
            content_type = value.decode("latin-1")
        elif name == b"content-length":
            length = int(value) if value.isdigit() and len(value) <= MAX_DIGITS else -1
    if length > limit:
        raise BodyTooLarge
    query = request.scope["query_string"]
    raw = await read_body(request.receive, limit=limit, too_large=BodyTooLarge, too_slow=BodyTooSlow) if length else b""

    def parse() -> Params:
        body = body_fields(raw, content_type) if raw else []
        return Params(body, form_fields(query)) if query else Params(body)

    try:
        if len(raw) <= THREAD_BYTES:
            return parse()
        params = await asyncio.to_thread(parse)
    except TooManyFields:
        raise BodyTooLarge from None
    params.is_large = True
    return params
