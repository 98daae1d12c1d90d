"""Dyno Email Marketing: find and count for any noun. Imports finding's front door.

Source: docs/contract/dyno.md, 3.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from starlette.responses import Response, StreamingResponse

from app.api.dyno.auth import Call
from app.api.dyno.bodies import about
from app.api.dyno.envelope import JSON, answered
from app.api.dyno.filters import Controls, conditions_of, controls_of, unknown_names
from app.core import finding
from app.core.accounts import Scope
from app.core.errors import Invalid
from app.core.finding import Condition, Page
from app.db.unit_of_work import ReadSession

MAX_BODY = 4 * 1024 * 1024
"""Largest question, in bytes."""
AT_ONCE = 20
"""Objects read at once whose parts may be megabytes."""
MAX_EXTRA_FIELDS = 20
"""Most names of `application_fields` that are looked up."""

Shown = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """How the objects of a noun are found and shown.

    Attributes:
        noun: What they are.
        keys: Of every object.
        plural: What their list is called.
        show: Returns rows as they are shown, in their order; is told whether their content is wanted.
        large: Keys whose values may be megabytes.
        unasked: Those of them that are left out unless they are asked for by name.
        pieces: Yields the JSON of one object, which may be endless.
    """

    noun: finding.Noun
    keys: frozenset[str]
    plural: str
    show: Callable[[Call, ReadSession, Sequence[Any], bool], Awaitable[list[dict[str, Any]]]]
    large: frozenset[str] = frozenset()
    unasked: frozenset[str] = frozenset()
    pieces: Callable[[Call, Shown], AsyncIterator[bytes]] | None = None


async def found(call: Call, catalogue: Catalogue) -> Response:
    """Answer a question for objects.

    Raises:
        Invalid: The question cannot be understood.
        Forbidden: The key may not read.
    """
    body = await call.body(optional=True, limit=MAX_BODY)
    async with call.reading() as read:
        conditions = await _conditions(call, read, catalogue, body, ordering=True)
        controls = controls_of(body)
        call.require(Scope.READ)
        controls = await _narrowed(call, read, catalogue, controls)
        page = await finding.find(
            read,
            call.account_id,
            call.caller.public_id,
            catalogue.noun,
            conditions,
            order=controls.order,
            limit=controls.limit,
            offset=controls.offset,
        )
        wanted = frozenset(controls.fields)
        is_large = bool(catalogue.large & wanted) or (not wanted and catalogue.large > catalogue.unasked)
        if not is_large or len(page.ids) <= AT_ONCE:
            shown = await _shown(call, read, catalogue, page.ids, controls)
            if not catalogue.pieces or not wanted & catalogue.unasked:
                return answered({catalogue.plural: shown, "total": page.total})
    return StreamingResponse(_stream(call, catalogue, page, controls), media_type=JSON)


async def counted(call: Call, catalogue: Catalogue) -> Response:
    """Answer a question for how many objects there are.

    Raises:
        Invalid: The question cannot be understood.
        Forbidden: The key may not read.
    """
    body = await call.body(optional=True, limit=MAX_BODY)
    async with call.reading() as read:
        conditions = await _conditions(call, read, catalogue, body, ordering=False)
        call.require(Scope.READ)
        total = await finding.count(read, call.account_id, call.caller.public_id, catalogue.noun, conditions)
    return answered({"count": total, "total": total})


async def _conditions(
    call: Call, read: ReadSession, catalogue: Catalogue, body: Mapping[str, Any], *, ordering: bool
) -> list[Condition]:
    """Return the filters.

    Raises:
        Invalid: One of them cannot be understood, or a field is unknown.
    """
    kinds = finding.kinds(catalogue.noun)
    for name, parameter in unknown_names(body, kinds, ordering=ordering):
        if not await finding.has_extra(read, call.account_id, name):
            raise Invalid(about(parameter, "is not a known field"))
    return conditions_of(body, kinds)


async def _narrowed(call: Call, read: ReadSession, catalogue: Catalogue, controls: Controls) -> Controls:
    """Return the controls without fields when nothing of what they name can be shown, which means all."""
    if not catalogue.keys.isdisjoint(controls.fields):
        return controls
    for name in controls.fields[:MAX_EXTRA_FIELDS]:
        if await finding.has_extra(read, call.account_id, name):
            return controls
    return replace(controls, fields=())


async def _shown(
    call: Call, read: ReadSession, catalogue: Catalogue, ids: Sequence[int], controls: Controls
) -> list[Shown]:
    """Return objects with the keys that are wanted."""
    wanted = frozenset(controls.fields)
    is_content = not wanted or not catalogue.large.isdisjoint(wanted)
    rows = await finding.load(read, call.account_id, catalogue.noun, ids, content=is_content)
    shown = await catalogue.show(call, read, rows, is_content)
    if not wanted:
        return [{key: value for key, value in one.items() if key not in catalogue.unasked} for one in shown]
    return [{key: value for key, value in one.items() if key in wanted} for one in shown]


async def _stream(call: Call, catalogue: Catalogue, page: Page, controls: Controls) -> AsyncIterator[bytes]:
    """Yield the answer, some objects at a time, each time in a session of its own."""
    yield b'{"has_error":false,"error_code":"","data":{"' + catalogue.plural.encode() + b'":['
    separator = b""
    for start in range(0, len(page.ids), AT_ONCE):
        async with call.reading() as read:
            shown = await _shown(call, read, catalogue, page.ids[start : start + AT_ONCE], controls)
        for one in shown:
            yield separator
            separator = b","
            if catalogue.pieces is None:
                yield orjson.dumps(one)
                continue
            async for piece in catalogue.pieces(call, one):
                yield piece
    yield b'],"total":%d}}' % page.total
