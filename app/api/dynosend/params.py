"""The parameters of a request, and how they are checked. Imports Starlette, the contacts' front door, core errors.

`Input` is what came; `Checks` takes values out of it in the order of the contract's parameter tables and notes what is
wrong, so that one answer tells of all of it.

Source: docs/contract/dynosend.md, 2 and 7.
"""

import asyncio
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from starlette.requests import Request

from app.api.dynosend.bodies import Members, TooManyFields, body_members, form_members
from app.api.dynosend.errors import BodyTooLarge, BodyTooSlow
from app.api.receiving import read_body
from app.core.contacts import address_of
from app.core.errors import Fault, FieldFault, Invalid

THREAD_BYTES = 256 * 1024
"""Larger bodies are parsed in a thread, so that other requests do not wait."""
MAX_DIGITS = 18
"""Longest number that is read as one."""

_TRUE = frozenset({"1", "true", "on", "yes"})
_FALSE = frozenset({"0", "false", "off", "no"})
_UID = re.compile(r"[0-9A-Za-z]{1,64}\Z")
_NO_TEXT = object()


class Input:
    """What a request says, in query string and body: names to JSON values; names are case sensitive.

    Attributes:
        members: All of it.
        query: What stands in the query string.
        body: What stands in the body.
    """

    def __init__(self, query: Members, body: Members) -> None:
        """Merge; the body wins."""
        self.query = query
        self.body = body
        self.members: Mapping[str, Any] = {**query, **body}

    def has(self, name: str) -> bool:
        """Tell whether a parameter was sent at all, even blank or null."""
        return name in self.members

    def given(self, *names: str) -> str | None:
        """Return the first of the names that was sent and is not blank."""
        return next((name for name in names if not is_blank(self.members.get(name))), None)

    def text(self, name: str) -> str | None:
        """Return a parameter as trimmed text; None when it is absent, blank, or has no text."""
        text = as_text(self.members.get(name))
        return text if isinstance(text, str) and text else None

    def number(self, name: str, default: int) -> int:
        """Return a whole number; the default when it is absent or none."""
        text = self.text(name) or ""
        if not text.removeprefix("-").isascii() or not text.removeprefix("-").isdigit():
            return default
        sign = -1 if text.startswith("-") else 1
        return sign * int(text.removeprefix("-")[:MAX_DIGITS])


class Checks:
    """Takes parameters one after another; `done` raises what was wrong with them."""

    def __init__(self, input_: Input) -> None:
        """Begin with no faults."""
        self.input = input_
        self.faults: list[FieldFault] = []

    def fault(self, name: str, message: str, kind: Fault = Fault.INVALID) -> None:
        """Note a fault; a message that begins with "The " is a whole sentence, else the rest of one."""
        self.faults.append(FieldFault(name, kind, message))

    def done(self) -> None:
        """Go on only when all is well.

        Raises:
            Invalid: With every fault, in order.
        """
        if self.faults:
            raise Invalid(self.faults)

    def text(self, name: str, *, required: bool = True) -> str:
        """Return a text; "" when it is missing, which is a fault if it is required."""
        value = self.input.members.get(name)
        text = as_text(value)
        if is_blank(value):
            if required:
                self.fault(name, "is required", Fault.REQUIRED)
            return ""
        if not isinstance(text, str):
            self.fault(name, "must be a string")
            return ""
        return text

    def uid(self, name: str, *, required: bool = True) -> str:
        """Return a uid as it was sent; one that can be none becomes one that nothing has."""
        text = self.text(name, required=required)
        return text if not text or _UID.match(text) else "-"

    def address(self, *names: str, required: bool = True) -> str:
        """Return an address in lower case, by the first of the names that was sent; "" when it is missing or bad."""
        name = self.input.given(*names)
        if name is None:
            if required:
                self.fault(names[0], "is required", Fault.REQUIRED)
            return ""
        text = as_text(self.input.members[name])
        try:
            return address_of(text if isinstance(text, str) else "", name)
        except Invalid as error:
            self.faults.extend(error.faults)
            return ""

    def contact(self, *emails: str) -> str:
        """Return the contact that is named, by uid or address; "" when it is not.

        Args:
            emails: Parameters its address may stand in, when there is no `contact_uid`; `email` and `EMAIL` if none
                is given.
        """
        emails = emails or ("email", "EMAIL")
        if self.input.given("contact_uid"):
            return self.uid("contact_uid")
        if self.input.given(*emails):
            return self.address(*emails)
        self.fault("contact_uid", "field is required when email is not present")
        return ""

    def boolean(self, name: str, *, default: bool) -> bool:
        """Return a boolean; the default when it is absent or blank."""
        value = self.input.members.get(name)
        if is_blank(value):
            return default
        text = as_text(value)
        word = text.lower() if isinstance(text, str) else ""
        if word not in _TRUE | _FALSE:
            self.fault(name, "field must be true or false")
        return word in _TRUE

    def tags(self, *, required: bool = False) -> list[str]:
        """Return the tags of `tag` (or `tags`): a text with commas, or a list of such; blank ones dropped."""
        name = "tag" if self.input.has("tag") else "tags"
        value = self.input.members.get(name)
        listed = value if isinstance(value, list) else [None if is_blank(value) else value]
        parts = [as_text(part) for part in listed]
        if any(part is _NO_TEXT for part in parts):
            self.fault(name, "format is invalid")
            return []
        tags = [tag for part in parts for one in str(part).split(",") if (tag := one.strip())]
        if required and not tags:
            self.fault("tag", "is required", Fault.REQUIRED)
        return tags

    def values(self, tags: Iterable[str]) -> Iterator[tuple[str, Any]]:
        """Yield what was sent for custom fields, by their tags; everything else is ignored."""
        for tag in tags:
            if tag in self.input.members:
                yield tag, self.input.members[tag]


def as_text(value: Any) -> Any:
    """Return a text, number or boolean as trimmed text, "" for null; for a list or an object no text at all."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int | float) else _NO_TEXT


def is_blank(value: Any) -> bool:
    """Tell whether a value counts as absent: null, a blank text, an empty list or object."""
    return value is None or value in ([], {}) or (isinstance(value, str) and not value.strip())


async def read_input(request: Request, *, limit: int) -> Input:
    """Return what a request says.

    Args:
        request: Its body must not have been read yet.
        limit: Largest body, in bytes.

    Raises:
        BodyTooLarge: The body is larger, or has more fields than any request may have.
        BodyTooSlow: The body took too long to arrive.
        ClientDisconnect: The client hung up before the body was complete.
    """
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and (len(length) > MAX_DIGITS or int(length) > limit):
        raise BodyTooLarge
    raw = await read_body(request.receive, limit=limit, too_large=BodyTooLarge, too_slow=BodyTooSlow)
    query, content_type = request.scope["query_string"], request.headers.get("content-type", "")

    def parse() -> Input:
        return Input(form_members(query) if query else {}, body_members(raw, content_type) if raw else {})

    try:
        return parse() if len(raw) <= THREAD_BYTES else await asyncio.to_thread(parse)
    except TooManyFields:
        raise BodyTooLarge from None
