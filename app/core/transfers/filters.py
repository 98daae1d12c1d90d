"""Filters as jobs keep them, and statements that take one. Imports segments' front door.

Source: docs/contract/native.md, 6.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core import segments
from app.core.contacts import ContactStatus
from app.core.segments import ContactFilter, Definition
from app.db.sql import Connection, statement

_PLACE = "/*filter*/ true"


def stored(wanted: ContactFilter) -> dict[str, Any]:
    """Return a filter as JSON: what it asks for when the job is made, also if its segment changes."""
    members: dict[str, Any] = {
        "status": wanted.status and str(wanted.status),
        "tag": wanted.tag,
        "email": wanted.email,
        "q": wanted.q,
        "segment": wanted.segment and wanted.segment.stored(),
        "source": wanted.source,
        "created_after": wanted.created_after and wanted.created_after.isoformat(),
        "created_before": wanted.created_before and wanted.created_before.isoformat(),
    }
    return {name: value for name, value in members.items() if value is not None}


def read(members: Mapping[str, Any]) -> ContactFilter:
    """Return what `stored` wrote."""
    given = dict(members)
    if "status" in given:
        given["status"] = ContactStatus(given["status"])
    if "segment" in given:
        given["segment"] = Definition.of_stored(given["segment"])
    for name in ("created_after", "created_before"):
        if name in given:
            given[name] = datetime.fromisoformat(given[name])
    return ContactFilter(**given)


@dataclass(frozen=True, slots=True)
class Filtered:
    """Members of an audience that meet a filter, for statements of this package."""

    account_id: int
    audience_id: int
    wanted: ContactFilter

    async def fetch(self, connection: Connection, name: str, *args: object) -> list[Any]:
        """Run a statement whose parameters are the account, the audience and these; the filter's come behind."""
        compiled = segments.compiled(self.wanted, len(args) + 3, account_id=self.account_id)
        text = statement(__package__ or "", name).replace(_PLACE, compiled.sql)
        return await connection.fetch(text, self.account_id, self.audience_id, *args, *compiled.args)
