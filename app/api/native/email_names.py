"""What messages and events have in common: email ids and the values of their filters. May import core front doors."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import HTTPException, Query

from app.core import messages
from app.core.suppressions import key_of
from app.kit.uids import Noun, number_of, uuid
from app.settings import Settings

MAX_ADDRESS = 320
MAX_EMAIL_ID = 300
MAX_NUMBER = (1 << 63) - 1
Recipient = Annotated[str | None, Query(max_length=MAX_ADDRESS, description="Address, ignoring case.")]
SenderId = Annotated[int | None, Query(ge=1, le=MAX_NUMBER, description="`sender_id` of a sender.")]
CampaignId = Annotated[str | None, Query(max_length=64, description="`id` or `uid` of a campaign.")]


def shown_email_id(settings: Settings, message_id: int, second: datetime, foreign_id: str | None) -> str:
    """Return the email id of a copy: what another system called it, or our own."""
    return foreign_id or messages.email_id(second, message_id, settings.node_name)


def shown_uuid(noun: Noun, number: int | None) -> UUID | None:
    """Return the UUID of what a number names; None for None."""
    return None if number is None else uuid(noun, number)


def campaign_of(text: str | None) -> int | None:
    """Return the number of the campaign that a filter names; None without one.

    Raises:
        HTTPException: 400, it is neither UUID nor uid.
    """
    if text is None:
        return None
    try:
        which: UUID | str = UUID(text)
    except ValueError:
        which = text
    number = number_of(Noun.CAMPAIGN, which)
    if number is None and isinstance(which, str):
        raise HTTPException(400, "campaign_id is not the id of a campaign")
    return number or MAX_NUMBER  # a UUID of something else: there is no such campaign


def recipient_of(text: str | None) -> str | None:
    """Return an address as it is compared; None without one.

    Raises:
        HTTPException: 400, it holds what no address does.
    """
    if text is None:
        return None
    if "\0" in text:
        raise HTTPException(400, "recipient is not an address")
    return key_of(text)
