"""A copy of a campaign, to be edited and sent anew. Uses `service` and the repository."""

from app.core.campaigns import service
from app.core.campaigns.values import Which
from app.db.unit_of_work import WriteSession
from app.models.campaign import Campaign

SUFFIX = " (copy)"
_COPIED = (
    "type", "audience_ids", "segment_id", "template_id", "subject", "preheader", "from_email", "from_name", "reply_to",
    "html", "text", "track_opens", "track_clicks", "per_hour", "time_zone", "extra",
)  # fmt: skip
"""Columns; the time it starts at is not one of them."""


async def duplicate(write: WriteSession, account_id: int, campaign_id: Which) -> Campaign:
    """Make a draft that says and addresses what a campaign does, without its time and its runs.

    Raises:
        NotFound: The account has no such campaign.

    Source:
        docs/contract/native.md, 10.
    """
    campaign = (await service.get(write, account_id, campaign_id)).campaign
    name = f"{campaign.name[: service.MAX_TEXT - len(SUFFIX)]}{SUFFIX}"
    copy = Campaign(account_id=account_id, name=name, **{column: getattr(campaign, column) for column in _COPIED})
    write.add(copy)
    await write.flush()
    await write.refresh(copy)
    return copy
