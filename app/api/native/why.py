"""`/why`: what happened to an address. Source: docs/contract/native.md, 12; docs/audit.md."""

from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import HTTPException, Query
from pydantic import BaseModel

from app.api.native.auth import Reader
from app.api.native.email_names import MAX_ADDRESS, CampaignId, campaign_of, shown_email_id, shown_uuid
from app.api.native.messages import AttemptOut, attempt_out
from app.api.native.routing import native_router
from app.api.native.times import Time
from app.core import audit, reports
from app.core.audit import CopyStory
from app.core.contacts import ContactStatus
from app.core.suppressions import Reason
from app.dependencies import Read, RuntimeDep
from app.kit.uids import Noun
from app.models.message import Kind, State
from app.models.run import RunState
from app.settings import Settings

router = native_router("/why", "Messages and events")


class CopyOut(BaseModel):
    """One copy, and what became of it in a sentence."""

    email_id: str
    sender: str
    kind: Kind
    campaign_id: UUID | None
    campaign_name: str | None
    status: State
    reason: str
    possible_duplicate: bool
    accepted_at: Time
    attempts: list[AttemptOut]


class NotSentOut(BaseModel):
    """A campaign that has no copy for the address, and why in a sentence."""

    campaign_id: UUID
    campaign_name: str
    status: RunState
    reason: str


class ListedOut(BaseModel):
    """The address on the suppression list."""

    reason: Reason
    detail: str
    created_at: Time


class MembershipOut(BaseModel):
    """The address in an audience."""

    audience_id: UUID
    audience_name: str
    contact_id: UUID
    status: ContactStatus
    created_at: Time
    subscribed_at: Time | None
    unsubscribed_at: Time | None
    removed_at: Time | None


class WhyOut(BaseModel):
    """All that explains why an address got mail, or did not."""

    recipient: str
    messages: list[CopyOut]
    has_more: bool
    not_sent: list[NotSentOut]
    suppression: ListedOut | None
    contacts: list[MembershipOut]


@router.get("")
async def why(
    caller: Reader,
    read: Read,
    runtime: RuntimeDep,
    recipient: Annotated[str, Query(min_length=1, max_length=MAX_ADDRESS, description="The address.")],
    *,
    campaign_id: CampaignId = None,
    limit: Annotated[int, Query(ge=1, le=audit.MOST_COPIES, description="Most copies.")] = 50,
) -> WhyOut:
    """Tell what happened to an address, newest first: each copy, and why a campaign has none.

    Raises:
        HTTPException: 400, the address holds what none does.
    """
    if "\0" in recipient:
        raise HTTPException(400, "recipient is not an address")
    story = await audit.why(read, caller.account_id, recipient, campaign_of(campaign_id), limit)
    names = await reports.foreign_names(read, [copy.message_id for copy in story.copies])
    return WhyOut.model_validate(
        {
            "recipient": story.address,
            "messages": [_copy(runtime.settings, copy, names) for copy in story.copies],
            "has_more": story.has_more,
            "not_sent": [
                {
                    "campaign_id": shown_uuid(Noun.CAMPAIGN, run.campaign_id),
                    "campaign_name": run.campaign_name,
                    "status": run.state,
                    "reason": run.reason,
                }
                for run in story.runs
            ],
            "suppression": next(
                (
                    {"reason": entry.reason, "detail": entry.detail, "created_at": entry.created_at}
                    for entry in story.suppressions
                ),
                None,
            ),
            "contacts": [
                {
                    "audience_id": shown_uuid(Noun.AUDIENCE, one.audience_id),
                    "audience_name": one.audience_name,
                    "contact_id": shown_uuid(Noun.CONTACT, one.contact_id),
                    "status": one.status,
                    "created_at": one.created_at,
                    "subscribed_at": one.subscribed_at,
                    "unsubscribed_at": one.unsubscribed_at,
                    "removed_at": one.removed_at,
                }
                for one in story.contacts
            ],
        }
    )


def _copy(settings: Settings, copy: CopyStory, names: dict[int, str]) -> dict[str, Any]:
    second = copy.accepted_at - timedelta(microseconds=copy.accepted_at.microsecond)
    return {
        "email_id": shown_email_id(settings, copy.message_id, second, names.get(copy.message_id)),
        "sender": copy.sender,
        "kind": copy.kind,
        "campaign_id": shown_uuid(Noun.CAMPAIGN, copy.campaign_id),
        "campaign_name": copy.campaign_name,
        "status": copy.state,
        "reason": copy.reason,
        "possible_duplicate": copy.possible_duplicate,
        "accepted_at": copy.accepted_at,
        "attempts": [attempt_out(one) for one in copy.attempts],
    }
