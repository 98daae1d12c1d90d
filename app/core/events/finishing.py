"""What a page of events lacks: the copy of each, its campaign, what another system called it, whether it was the first.

Imports models, its siblings `ids` and `happenings`, and `app.mail`'s words for bounces.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, func, select, tuple_

from app.core.events.happenings import Happening
from app.core.events.ids import EventId, Source
from app.db.unit_of_work import ReadSession
from app.mail.bounce_rules import bounce_rule
from app.models.click import Click
from app.models.engagement import Engagement, LinkClick
from app.models.foreign_email_id import ForeignEmailId
from app.models.message import Message
from app.models.opens import Open
from app.models.run import Run

Found = Sequence[tuple[Source, Row[Any]]]


async def finished(read: ReadSession, found: Found) -> list[Happening]:
    """Return events as they are told, in the same order.

    Args:
        read: The transaction.
        found: Rows of `sources`, each with its source; of whatever accounts.
    """
    copies = await _copies(read, found)
    names = await _names(read, found)
    first = await _firsts(read, found)
    return [_happening(source, row, copies, names, first) for source, row in found]


def _happening(
    source: Source,
    row: Row[Any],
    copies: Mapping[tuple[int, int], Row[Any]],
    names: Mapping[int, str],
    firsts: frozenset[tuple[Source, int, int]],
) -> Happening:
    copy = copies.get((row.account_id, row.message_id))
    data = dict(row.data)
    if source is Source.BOUNCED:
        data["rule"] = bounce_rule(data["category"], data["code"])
    if source in {Source.OPENED, Source.CLICKED}:
        data["unique"] = (source, row.copy, row.part) in firsts
        data.pop("link", None)
    of_copy = source is not Source.TOLD and copy is not None
    return Happening(
        id=EventId(source, row.copy, row.part),
        type=row.type,
        occurred_at=row.occurred_at,
        account_id=row.account_id,
        message_id=row.message_id,
        accepted_at=row.accepted_at,
        foreign_id=names.get(row.message_id),
        recipient=copy.recipient if of_copy and copy else row.recipient,
        sender_id=row.sender_id,
        campaign_id=copy.campaign_id if of_copy and copy else data.get("campaign_id"),
        contact_id=copy.contact_id if of_copy and copy else row.contact_id,
        audience_id=row.audience_id,
        data=data,
    )


async def _copies(read: ReadSession, found: Found) -> dict[tuple[int, int], Row[Any]]:
    """Return the copies by owner and id: an event names none of another account's."""
    keys = {(row.message_id, row.accepted_at) for _, row in found if row.message_id is not None and row.accepted_at}
    if not keys:
        return {}
    query = (
        select(Message.id, Message.account_id, Message.recipient, Message.contact_id, Run.campaign_id)
        .outerjoin(Run, Run.id == Message.run_id)
        .where(
            Message.id.in_({key[0] for key in keys}),
            Message.accepted_at.in_({key[1] for key in keys}),
        )
    )
    rows: Any = await read.execute(query)
    return {(row.account_id, row.id): row for row in rows}


async def _names(read: ReadSession, found: Found) -> dict[int, str]:
    ids = {row.message_id for _, row in found} - {None}
    if not ids:
        return {}
    query = select(ForeignEmailId.message_id, ForeignEmailId.email_id).where(
        ForeignEmailId.message_id.in_(ids), ForeignEmailId.given
    )
    return {row.message_id: row.email_id for row in await read.execute(query)}


async def _firsts(read: ReadSession, found: Found) -> frozenset[tuple[Source, int, int]]:
    """Return which visits are the first of their copy, or of its link: exactly one each."""
    opens = {(row.message_id, row.accepted_at) for source, row in found if source is Source.OPENED}
    clicks = {(row.message_id, row.accepted_at) for source, row in found if source is Source.CLICKED}
    firsts: set[tuple[Source, int, int]] = set()
    if opens:
        same = (Open.message_id == Engagement.message_id) & (Open.accepted_at == Engagement.accepted_at)
        query = (
            select(Open.message_id, func.min(Open.id).label("id"))
            .join(Engagement, same & (Open.occurred_at == Engagement.opened_at))
            .where(tuple_(Engagement.message_id, Engagement.accepted_at).in_(opens))
            .group_by(Open.message_id)
        )
        firsts |= {(Source.OPENED, row.message_id, row.id) for row in await read.execute(query)}
    if clicks:
        same = (Click.message_id == LinkClick.message_id) & (Click.accepted_at == LinkClick.accepted_at)
        same &= Click.link == LinkClick.link
        clicked = (
            select(Click.message_id, func.min(Click.id).label("id"))
            .join(LinkClick, same & (Click.occurred_at == LinkClick.clicked_at))
            .where(tuple_(LinkClick.message_id, LinkClick.accepted_at).in_(clicks))
            .group_by(Click.message_id, Click.link)
        )
        firsts |= {(Source.CLICKED, row.message_id, row.id) for row in await read.execute(clicked)}
    return frozenset(firsts)
