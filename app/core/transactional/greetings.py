"""What an audience sends by itself: the confirmation of a double opt-in, a welcome, a notice of who unsubscribed.

A consumer of domain events: its mails are written in the transaction that marks the events as routed, so each is
written once, whatever dies in between. Uses its siblings and the front doors below.

Source: docs/contract/dynosend.md, 7.8 and 12; docs/contract/native.md, 5.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson

from app.core import messages
from app.core.audiences import Audience
from app.core.errors import CoreError
from app.core.events import Event
from app.core.messages import Draft, Lane, OnBehalf
from app.core.transactional.greeting_texts import BUILT_IN, Wish, wish_of
from app.core.transactional.rendering import (
    Person,
    Site,
    Texts,
    Unrenderable,
    dynosend_headers,
    rendered,
    values_of,
)
from app.db.sql import Connection, Sql
from app.kit.clock import second
from app.mail.addresses import InvalidAddress, Mailbox, parse_mailbox
from app.models.message import Kind

_LINK = "SUBSCRIBE_CONFIRM_URL"
_sql = Sql(__package__ or "")
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Host:
    """An audience that writes; `tags` are those of its fields."""

    audience: Audience
    tags: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Guest:
    """One contact that is written to or about; `own` is what the audience's own template says."""

    wish: Wish
    account_id: int
    host: _Host
    person: Person
    recipient: str
    sender_id: int
    sender_email: str
    own: Texts | None


async def greet(
    connection: Connection, events: Sequence[Event], *, site: Site, now: datetime | None = None, default_cap: int = 0
) -> int:
    """Write the mails that follow from these events, in the caller's transaction; events of other types pass.

    Args:
        connection: The driver's, in a transaction.
        events: Committed ones.
        site: Of the installation.
        now: Time of acceptance; None: now.
        default_cap: Monthly limit of masters without one of their own; such mail counts, and is never refused for it.

    Returns:
        How many mails were written. None goes out for an account without an approved sender, or that may not act.
    """
    # Of two events of one contact the later one counts.
    wishes = {event.contact_id: wish for event in events if event.contact_id is not None and (wish := wish_of(event))}
    if not wishes:
        return 0
    rows = await _sql.fetch(connection, "to_greet", list(wishes), [wish.value for wish in wishes.values()])
    guests = await _guests(connection, rows) if rows else []
    if not guests:
        return 0
    at = now or datetime.now(UTC)
    ids = await messages.reserve_ids(connection, 2 * len(guests))
    drafts = [
        await _draft(guest, site, at, mail_id=mail_id, message_id=message_id)
        for guest, mail_id, message_id in zip(guests, ids[::2], ids[1::2], strict=True)
    ]
    written = await messages.write_drafts(connection, drafts, default_cap=default_cap)
    return sum(not isinstance(one, CoreError) for one in written)


async def _guests(connection: Connection, rows: Sequence[asyncpg.Record]) -> list[_Guest]:
    audiences = {
        row["id"]: _Host(_audience(row), frozenset(row["tags"]))
        for row in await _sql.fetch(connection, "greeting_audiences", list({row["audience_id"] for row in rows}))
    }
    template_ids = list({row["template_id"] for row in rows} - {None})
    templates = {
        row["id"]: Texts(row["subject"], row["html"] or None, row["text"])
        for row in (await _sql.fetch(connection, "greeting_templates", template_ids) if template_ids else [])
    }
    guests = []
    for row in rows:
        if row["sender_id"] is None:
            logger.warning("audience %s cannot write: its account has no approved sender", row["audience_id"])
            continue
        try:
            recipient = parse_mailbox(row["recipient"]).address
        except InvalidAddress:
            logger.warning("audience %s has a contact address that is none", row["audience_id"])
            continue
        person = Person(row["contact_id"], row["address"], _parsed(row["fields"]))
        own = templates.get(row["template_id"])
        host, wish = audiences[row["audience_id"]], Wish(row["wish"])
        if wish is Wish.RECONFIRMATION:
            wish = Wish.CONFIRMATION  # from here on the same mail
        guests.append(
            _Guest(wish, row["account_id"], host, person, recipient, row["sender_id"], row["sender_email"], own)
        )
    return guests


def _audience(row: asyncpg.Record) -> Audience:
    return Audience(
        id=row["id"],
        name=row["name"],
        from_name=row["from_name"],
        from_email=row["from_email"],
        contact_information=_parsed(row["contact_information"]),
    )


def _parsed(value: Any) -> dict[str, Any]:
    """Return a JSON object; a bare connection of the driver gives it as text."""
    parsed: dict[str, Any] = orjson.loads(value) if isinstance(value, str) else value
    return parsed


async def _draft(guest: _Guest, site: Site, at: datetime, *, mail_id: int, message_id: int) -> Draft:
    accepted_at = second(at)
    audience = guest.host.audience
    values = values_of(site, audience, guest.person, message_id=message_id, accepted_at=accepted_at)
    texts = await _texts(guest, values)
    headers = (
        ("From", Mailbox(audience.from_name or "", guest.sender_email).header_text()),
        ("To", guest.recipient),
        ("Subject", texts.subject),
        # Nobody's vacation answers this (RFC 3834, 5).
        ("Auto-Submitted", "auto-generated"),
        *dynosend_headers(site, guest.person, message_id=message_id, accepted_at=accepted_at),
    )
    return Draft(
        caller=OnBehalf(guest.account_id),
        sender_id=guest.sender_id,
        from_address=guest.sender_email,
        kind=Kind.SYSTEM,
        lane=Lane.NORMAL,
        headers=headers,
        text=texts.text,
        html=texts.html,
        recipients=(guest.recipient,),
        x_headers=None,
        issues=(),
        received_at=at,
        contact_id=guest.person.contact_id if guest.wish is not Wish.NOTICE else None,
        ids=(mail_id, message_id),
    )


async def _texts(guest: _Guest, values: Mapping[str, str]) -> Texts:
    """Return what the mail says: the audience's own template, or the built-in text where that cannot be used."""
    own, built_in = guest.own, BUILT_IN[guest.wish]
    if own is not None and (own.html or own.text):
        wanted = Texts(own.subject if own.subject.strip() else built_in.subject, own.html, own.text)
        try:
            texts = await rendered(wanted, values, tags=guest.host.tags)
        except Unrenderable as error:
            logger.warning("a template of audience %s cannot be used: %s", guest.host.audience.id, error)
        else:
            link = values[_LINK]
            if guest.wish is not Wish.CONFIRMATION or link in (texts.html or "") or link in (texts.text or ""):
                return texts
            logger.warning("the confirmation of audience %s lacks {%s}", guest.host.audience.id, _LINK)
    return await rendered(built_in, values, tags=guest.host.tags)
