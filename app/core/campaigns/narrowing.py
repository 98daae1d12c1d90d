"""The segment a campaign is for: whether it fits its audience, and its condition in a statement.

Uses the repository and the front door of segments.
"""

from collections.abc import Sequence
from typing import Any

from app.core.campaigns import repository
from app.core.errors import Fault, FieldFault, Invalid
from app.core.segments import Compiled, ContactFilter, Definition
from app.core.segments import compiled as expression
from app.db.sql import statement
from app.db.unit_of_work import ReadSession
from app.models.campaign import Campaign

_PLACE = "AND true -- the segment"
_GONE = "names a segment that does not exist"


async def fit(read: ReadSession, account_id: int, campaign: Campaign | None, values: dict[str, Any]) -> None:
    """See that audience and segment go together in what a campaign is about to become; adds the audience if need be.

    Args:
        read: The transaction.
        account_id: Whose.
        campaign: As it is; None for a new one.
        values: What is given; a segment brings its audience along when the campaign has none.

    Raises:
        Invalid: The segment does not exist, or is not one of the campaign's only audience.
    """
    if not values.keys() & {"segment_id", "audience_ids"}:
        return
    wanted = values.get("segment_id", campaign.segment_id if campaign else None)
    if wanted is None:
        return
    segment = await repository.segment(read, account_id, wanted)
    if segment is None:
        raise Invalid([FieldFault("segment_id", Fault.NOT_FOUND, _GONE)])
    chosen: Sequence[int] = values.get("audience_ids") or (campaign.audience_ids if campaign else ())
    if not chosen and "audience_ids" not in values:
        values["audience_ids"] = chosen = [segment.audience_id]
    if list(chosen) != [segment.audience_id]:
        message = "is not a segment of the campaign's only audience"
        raise Invalid([FieldFault("segment_id", Fault.INVALID, message)])


async def condition(read: ReadSession, campaign: Campaign, first_parameter: int) -> Compiled | None:
    """Return the condition of a campaign's segment over the alias `c` of contacts; None without a segment.

    Raises:
        Invalid: The segment was deleted.
    """
    if campaign.segment_id is None:
        return None
    row = await repository.segment(read, campaign.account_id, campaign.segment_id)
    if row is None or [row.audience_id] != campaign.audience_ids:
        raise Invalid([FieldFault("audience", Fault.NOT_FOUND, _GONE)])
    wanted = ContactFilter(segment=Definition.of_stored(row.definition))
    return expression(wanted, first_parameter, account_id=campaign.account_id)


def narrowed(name: str, compiled: Compiled) -> str:
    """Return the text of a statement of this package with a segment's condition in its place.

    Args:
        name: Of the statement.
        compiled: Of `condition`.
    """
    return statement(__package__, name).replace(_PLACE, f"AND ({compiled.sql})")
