"""What `/metrics` is asked: filters, metrics and zone of a query. Source: docs/contract/native.md, 16."""

import re
from datetime import timedelta, tzinfo
from typing import Annotated
from uuid import UUID

from fastapi import HTTPException, Query

from app.api.native.email_names import MAX_NUMBER, CampaignId, SenderId, campaign_of
from app.api.native.times import Moment
from app.core import campaigns
from app.core.errors import Invalid
from app.core.measures import Filters, Metric, Question
from app.dependencies import RuntimeDep
from app.kit.uids import Noun, number_of
from app.models.message import Kind

_NUMBER = re.compile(r"\d{1,18}", re.ASCII)
_DAY = timedelta(days=1)
MAX_NAMES = 400
"""Characters of a list of metrics."""


async def asked_of(
    runtime: RuntimeDep,
    start: Annotated[Moment, Query(description="Inclusive; counted in whole seconds.")],
    end: Annotated[Moment, Query(description="Exclusive.")],
    *,
    sender_id: SenderId = None,
    campaign_id: CampaignId = None,
    audience_id: Annotated[str | None, Query(max_length=64, description="`id` or `uid` of an audience.")] = None,
    domain: Annotated[str | None, Query(max_length=255, description="Of the recipient, ignoring case.")] = None,
    kind: Annotated[Kind | None, Query(description="What made the copies.")] = None,
    account_id: Annotated[
        str | None, Query(max_length=64, description="`id` or `user_id` of an account: one's own, or one below.")
    ] = None,
) -> Question:
    """Return about which mail and time a request asks.

    Raises:
        HTTPException: 400, a value can't be read.
    """
    if domain is not None and "\0" in domain:
        raise HTTPException(400, "domain is not a domain")
    return Question(
        start,
        end,
        Filters(
            account=_account_of(account_id),
            sender_id=sender_id,
            campaign_id=campaign_of(campaign_id),
            audience_id=_audience_of(audience_id),
            domain=None if domain is None else domain.strip().lower().removeprefix("@"),
            kind=kind,
        ),
        late=timedelta(hours=runtime.settings.queue.lifetime_hours) + _DAY,
    )


def metrics_of(text: str) -> list[Metric]:
    """Return the metrics that a list by commas names, each once.

    Raises:
        HTTPException: 400, it names none, or what is none.
    """
    known = {str(metric): metric for metric in Metric}
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or not known.keys() >= set(names):
        raise HTTPException(400, f"metrics must be some of {', '.join(known)}")
    return [known[name] for name in dict.fromkeys(names)]


def zone_of(text: str) -> tzinfo:
    """Return the time zone of that name; a blank stands for a `+` that was not escaped.

    Raises:
        HTTPException: 400, there is none.
    """
    try:
        return campaigns.parse_zone(text.strip().replace(" ", "+"))
    except Invalid:
        raise HTTPException(400, "time_zone is not a time zone") from None


def _account_of(text: str | None) -> int | UUID | None:
    if text is None:
        return None
    if _NUMBER.fullmatch(text):
        return int(text)
    try:
        return UUID(text)
    except ValueError:
        raise HTTPException(400, "account_id is not the id of an account") from None


def _audience_of(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        which: UUID | str = UUID(text)
    except ValueError:
        which = text
    number = number_of(Noun.AUDIENCE, which)
    if number is None and isinstance(which, str):
        raise HTTPException(400, "audience_id is not the id of an audience")
    return number or MAX_NUMBER  # a UUID of something else: there is no such audience
