"""What `/campaigns` shows. Source: docs/contract/native.md, 10."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from app.api.native.times import Time
from app.core.campaigns import Insights, Progress, RunState, View
from app.kit.uids import Noun, uid, uuid


class CampaignOut(BaseModel):
    """A campaign."""

    id: UUID
    uid: str
    name: str
    type: str
    status: str
    audience_ids: list[UUID]
    segment_id: UUID | None
    subject: str
    preheader: str
    from_email: str
    from_name: str
    reply_to: str | None
    template_id: UUID | None
    html: str | None
    text: str | None
    track_opens: bool
    track_clicks: bool
    send_at: Time | None
    time_zone: str
    missing: list[str]
    error: str | None
    started_at: Time | None
    finished_at: Time | None
    created_at: Time
    updated_at: Time


class ProgressOut(BaseModel):
    """How far the latest run is; `total` is null before its recipients are fixed."""

    status: str
    total: int | None
    processed: int
    sent: int
    delivered: int
    deferred: int
    bounced: int
    blocked: int
    failed: int
    remaining: int
    rate_per_minute: float
    started_at: Time | None
    estimated_finish_at: Time | None


class HourOut(BaseModel):
    """Opens and clicks of an hour."""

    time: Time
    opens: int
    clicks: int


class InsightsOut(BaseModel):
    """The numbers of the latest run; rates are fractions, not rounded, and 0 without a divisor."""

    recipients: int
    delivery_rate: float
    open_count: int
    unique_open_count: int
    unique_open_rate: float
    click_count: int
    unique_click_count: int
    click_rate: float
    click_per_unique_open: float
    spam_report_count: int
    spam_report_rate: float
    bounce_count: int
    bounce_rate: float
    unsubscribed_count: int
    unsubscribed_rate: float
    by_hour: list[HourOut]


class LinkOut(BaseModel):
    """A tracked link."""

    url: str
    clicks: int
    unique_clicks: int


class RecipientOut(BaseModel):
    """One recipient of the latest run; `email_id` is null until its copy is made."""

    contact_id: UUID | None
    email: str
    email_id: str | None
    status: str
    opened_at: Time | None
    clicked_at: Time | None


def campaign_out(view: View, missing: list[str]) -> CampaignOut:
    """Return a campaign as it is shown."""
    campaign, run = view.campaign, view.run if view.state is not RunState.DRAFT else None
    changes = [campaign.created_at, campaign.updated_at]
    if view.run is not None:
        changes += [view.run.created_at, view.run.updated_at, view.run.started_at, view.run.finished_at]
    segment_id, template_id = campaign.segment_id, campaign.template_id
    return CampaignOut(
        id=uuid(Noun.CAMPAIGN, campaign.id),
        uid=uid(Noun.CAMPAIGN, campaign.id),
        name=campaign.name,
        type=campaign.type,
        status=view.state.value,
        audience_ids=[uuid(Noun.AUDIENCE, number) for number in campaign.audience_ids],
        segment_id=uuid(Noun.SEGMENT, segment_id) if segment_id is not None else None,
        subject=campaign.subject,
        preheader=campaign.preheader,
        from_email=campaign.from_email,
        from_name=campaign.from_name,
        reply_to=campaign.reply_to or None,
        template_id=uuid(Noun.TEMPLATE, template_id) if template_id is not None else None,
        html=campaign.html or None,
        text=campaign.text,
        track_opens=campaign.track_opens,
        track_clicks=campaign.track_clicks,
        send_at=run.start_at if run is not None else campaign.start_at,
        time_zone=run.time_zone if run is not None else campaign.time_zone,
        missing=missing,
        error=run.error if run is not None else None,
        started_at=run.started_at if run is not None else None,
        finished_at=run.finished_at if run is not None else None,
        created_at=campaign.created_at,
        updated_at=max(at for at in changes if at is not None),
    )


def progress_out(status: str, progress: Progress | None, finish_at: datetime | None) -> ProgressOut:
    """Return how far a run is; without one everything is zero.

    `sent` are copies whose last word was said by a receiving server, `failed` those that failed on our side.
    """
    if progress is None:
        return ProgressOut(
            status=status, total=None, processed=0, sent=0, delivered=0, deferred=0, bounced=0, blocked=0, failed=0,
            remaining=0, rate_per_minute=0.0, started_at=None, estimated_finish_at=None,
        )  # fmt: skip
    not_sent = progress.blocked + progress.failed + progress.cancelled + progress.waiting + progress.under_way
    return ProgressOut(
        status=status,
        total=progress.total,
        processed=progress.reached,
        sent=max(progress.delivered, progress.reached - not_sent),
        delivered=progress.delivered,
        deferred=progress.waiting,
        bounced=progress.hard_bounces + progress.soft_bounces,
        blocked=progress.blocked,
        failed=progress.failed,
        remaining=progress.remaining,
        rate_per_minute=progress.per_minute,
        started_at=progress.started_at,
        estimated_finish_at=finish_at,
    )


def insights_out(numbers: Insights, hours: list[HourOut]) -> InsightsOut:
    """Return the numbers of a run with their rates."""
    delivered = numbers.delivered
    return InsightsOut(
        recipients=numbers.recipients,
        delivery_rate=_rate(delivered, numbers.recipients),
        open_count=numbers.opens,
        unique_open_count=numbers.opened,
        unique_open_rate=_rate(numbers.opened, delivered),
        click_count=numbers.clicks,
        unique_click_count=numbers.clicked,
        click_rate=_rate(numbers.clicked, delivered),
        click_per_unique_open=_rate(numbers.clicked, numbers.opened),
        spam_report_count=numbers.complaints,
        spam_report_rate=_rate(numbers.complaints, delivered),
        bounce_count=numbers.bounces,
        bounce_rate=_rate(numbers.bounces, delivered),
        unsubscribed_count=numbers.unsubscribes,
        unsubscribed_rate=_rate(numbers.unsubscribes, delivered),
        by_hour=hours,
    )


def _rate(count: int, of: int) -> float:
    return count / of if of else 0.0
