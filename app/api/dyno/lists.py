"""Dyno Email Marketing: lists, which are audiences. Imports the front door of audiences.

Source: docs/contract/dyno.md, 6.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import orjson
from starlette.responses import Response, StreamingResponse

from app.api.dyno import find, members
from app.api.dyno.auth import Call, Calling
from app.api.dyno.bodies import extra_of, name_of, sent, text_of
from app.api.dyno.envelope import JSON, answered
from app.api.dyno.find import Catalogue, Shown
from app.api.dyno.objects import READ_ONLY, id_of, number_of, object_of, seconds, written
from app.core import audiences, finding
from app.core.accounts import Scope
from app.core.audiences import Audience, AudienceChanges
from app.core.contacts import ContactRow
from app.core.errors import Conflict, Forbidden, NotFound
from app.db.unit_of_work import ReadSession
from app.kit.uids import Noun

MAX_BODY = 64 * 1024 * 1024
"""Largest body in bytes: 50,000 members with a kilobyte of fields each."""
IN_USE = "LIST IS IN USE"
_SUBSCRIBERS = (members.NAME, *members.ALIASES)
_KNOWN = READ_ONLY | {"list_id", "name", "description", "subscriber_count", *_SUBSCRIBERS}


async def show(call: Calling, id: str) -> Response:
    """Return a list with all its members, as a stream.

    Raises:
        NotFound: The account has none of this id.
        Forbidden: The key may not read.
    """
    async with call.reading() as read:
        audience = await audiences.get(read, call.account_id, object_of(Noun.AUDIENCE, id))
        call.require(Scope.READ)
        [shown] = await _show(call, read, [audience], True)

    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"has_error":false,"error_code":"","data":{"list":'
        async for piece in _pieces(call, shown):
            yield piece
        yield b"}}"

    return StreamingResponse(pieces(), media_type=JSON)


async def create(call: Calling) -> Response:
    """Make a list with its members.

    Raises:
        Invalid: A parameter is missing or bad.
        Forbidden: The key may not write.
    """
    body = await call.body(limit=MAX_BODY)
    name, changes, rows = name_of(body, needed=True) or "", _changes(body), await _rows(body)
    if not call.caller.may(Scope.WRITE):
        await members.check_addresses(rows or ())
    call.require(Scope.WRITE)
    async with call.writing() as write:
        audience = await audiences.create(write, call.account_id, name=name, **changes)
        if rows:
            await members.put(write, call.account_id, audience.id, rows, replace=False)
        [shown] = await _show(call, write, [audience], False)
    return _written(call, shown)


async def change(call: Calling, id: str) -> Response:
    """Change what is sent of a list; members, where there are any, replace those it has.

    Raises:
        Invalid: A parameter is bad.
        NotFound: The account has none of this id.
        Forbidden: The key may not write.
    """
    body = await call.body(limit=MAX_BODY)
    name, changes, rows = name_of(body, needed=False), _changes(body), await _rows(body)
    number = number_of(Noun.AUDIENCE, id)
    async with call.writing() as write:
        try:
            await audiences.get(write, call.account_id, number)
            call.require(Scope.WRITE)
        except (NotFound, Forbidden):
            await members.check_addresses(rows or ())  # what is wrong with the parameters is told first
            raise
        audience = await audiences.change(write, call.account_id, number, name=name, **changes)
        if rows is not None:
            await members.put(write, call.account_id, number, rows, replace=True)
        [shown] = await _show(call, write, [audience], False)
    return _written(call, shown)


async def delete(call: Calling, id: str) -> Response:
    """Delete a list.

    Raises:
        NotFound: The account has none of this id.
        Forbidden: The key may not write.
        Conflict: A campaign that waits or runs uses it.
    """
    number = object_of(Noun.AUDIENCE, id)
    async with call.changing(Scope.WRITE) as write:
        try:
            await audiences.delete(write, call.account_id, number)
        except Conflict as error:
            raise Conflict(IN_USE, state=error.state) from None
    return answered(written(call.user_id, "list", str(id_of(Noun.AUDIENCE, number))))


async def find_all(call: Calling) -> Response:
    """Find lists; see `find.found`."""
    return await find.found(call, _CATALOGUE)


async def count(call: Calling) -> Response:
    """Count lists; see `find.counted`."""
    return await find.counted(call, _CATALOGUE)


def _changes(body: Mapping[str, Any]) -> AudienceChanges:
    """Return what is sent, but for name and members.

    Raises:
        Invalid: A parameter is bad.
    """
    changes = AudienceChanges()
    if (description := text_of(body, "description")) is not None:
        changes["description"] = description
    if extra := extra_of(body, _KNOWN):
        changes["extra"] = extra
    return changes


async def _rows(body: Mapping[str, Any]) -> list[ContactRow] | None:
    """Return the members that are sent; None when none of their names is.

    Raises:
        Invalid: They are bad.
    """
    used = sent(body, *_SUBSCRIBERS)
    return None if used is None else await members.rows_of(body[used])


def _written(call: Call, shown: Shown) -> Response:
    kept = {key: value for key, value in shown.items() if key != members.NAME}
    return answered(written(call.user_id, "list", kept["id"], kept))


async def _show(call: Call, read: ReadSession, found: Sequence[Audience], is_content: bool) -> list[dict[str, Any]]:
    del is_content
    statistics = await audiences.statistics_of(read, call.account_id, found)
    return [
        {
            "id": id_of(Noun.AUDIENCE, one.id),
            "user_id": call.user_id,
            "name": one.name,
            "description": one.description,
            members.NAME: one.id,  # where they stand; `_pieces` writes them
            "subscriber_count": statistics[one.id].subscribed,
            **(one.extra or {}),
            "created": seconds(one.created_at),
            "updated": seconds(one.updated_at),
            "deleted": seconds(one.deleted_at),
        }
        for one in found
    ]


async def _pieces(call: Call, shown: Shown) -> AsyncIterator[bytes]:
    """Yield the JSON of a list, its members in their place."""
    opening = b"{"
    for key, value in shown.items():
        yield opening + orjson.dumps(key) + b":"
        opening = b","
        if key != members.NAME:
            yield orjson.dumps(value)
            continue
        async for piece in members.shown_members(call, value):
            yield piece
    yield b"}" if shown else b"{}"


_CATALOGUE = Catalogue(
    finding.Noun.LIST,
    frozenset(finding.kinds(finding.Noun.LIST)) | {members.NAME},
    "lists",
    _show,
    large=frozenset({members.NAME}),
    unasked=frozenset({members.NAME}),
    pieces=_pieces,
)
