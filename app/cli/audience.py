"""Audiences of an installation: `trireme audience add`. Imports the core's front doors."""

import sys

import orjson
from sqlalchemy.ext.asyncio import AsyncEngine

from app.cli.suppressions import DONE, REFUSED, Place
from app.core import audiences
from app.core.audiences import AudienceChanges
from app.core.errors import CoreError
from app.db.unit_of_work import unit_of_work
from app.kit.uids import Noun, uid


def add(place: Place, name: str, *, from_email: str, from_name: str, double_opt_in: bool, as_json: bool) -> int:
    """Make an audience and print its uid; return 0, 1 when it is refused, 2 without a database."""
    values: AudienceChanges = {"from_email": from_email or None, "from_name": from_name or None}
    if double_opt_in:
        values["settings"] = {"double_opt_in": True}

    async def deed(engine: AsyncEngine, account_id: int) -> int:
        try:
            async with unit_of_work(engine) as write:
                made = await audiences.create(write, account_id, name=name, **values)
        except CoreError as error:
            print(f"Refused: {error}.", file=sys.stderr)
            return REFUSED
        facts = {"uid": uid(Noun.AUDIENCE, made.id), "name": made.name}
        print(orjson.dumps(facts).decode() if as_json else "\n".join(f"{key}={one}" for key, one in facts.items()))
        return DONE

    return place.visit(deed)
