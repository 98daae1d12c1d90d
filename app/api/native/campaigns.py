"""`/campaigns`: what is sent to audiences and segments. Source: docs/contract/native.md, 10."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated

from fastapi import Query, Request, Response

from app.api.native.auth import Reader, SendCaller, Writer
from app.api.native.campaign_bodies import (
    CampaignChange,
    CampaignIn,
    CampaignTestIn,
    ScheduleIn,
    changes_of,
    starting,
    timed,
)
from app.api.native.campaign_views import (
    CampaignOut,
    HourOut,
    InsightsOut,
    LinkOut,
    ProgressOut,
    RecipientOut,
    campaign_out,
    insights_out,
    progress_out,
)
from app.api.native.ids import Id, which
from app.api.native.paging import (
    DEFAULT_LIMIT,
    Counted,
    Cursor,
    Limit,
    Order,
    Page,
    cursor_after,
    cursor_of,
    key_of,
    numbers_of,
    page_of,
    sorting,
)
from app.api.native.routing import native_router
from app.api.native.trying import TestSendOut, as_texts, named, tested
from app.core import campaigns, transactional
from app.core.accounts import Caller
from app.core.campaigns import After, Campaign, Recipient, Run, RunState, State, View
from app.core.messages import email_id
from app.core.transactional import Trial, Wording
from app.db.unit_of_work import ReadSession, WriteSession
from app.dependencies import Read, RuntimeDep, Write
from app.kit.uids import Noun, number_of, uuid

router = native_router("/campaigns", "Campaigns")
_READY = frozenset({RunState.DRAFT, RunState.SCHEDULED, RunState.PAUSED, RunState.FAILED})
"""States from which something may lack before it goes on."""


@router.get("")
async def list_campaigns(
    caller: Reader,
    read: Read,
    order: Annotated[Order, sorting("created_at")],
    *,
    status: RunState | None = None,
    audience_id: Annotated[str, Query(max_length=64, description="UUID or uid of an audience.")] = "",
    q: Annotated[str, Query(max_length=255, description="Part of the name, ignoring case.")] = "",
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
    count: Counted = False,
) -> Page[CampaignOut]:
    """List the campaigns by creation."""
    account_id, text = caller.account_id, q or None
    audience = number_of(Noun.AUDIENCE, named(audience_id) or "") or 0 if audience_id else None
    rows = await campaigns.list_page(
        read,
        account_id,
        state=status,
        audience_id=audience,
        text=text,
        after_id=key_of(cursor) or 0,
        descending=order.descending,
        limit=limit + 1,
    )
    total = None
    if count:
        total = await campaigns.count(read, account_id, state=status, audience_id=audience, text=text)
    shown = {row.campaign.id: await _shown(read, row) for row in rows[:limit]}
    page = page_of(rows, limit, lambda row: cursor_after(row.campaign.id), lambda row: shown[row.campaign.id], total)
    return Page[CampaignOut].model_validate(page)


@router.post("", status_code=201)
async def create_campaign(
    body: CampaignIn, caller: Writer, write: Write, runtime: RuntimeDep, response: Response
) -> CampaignOut:
    """Make a campaign, a draft; what a start lacks stands in `missing` and may be given later."""
    changes = changes_of(body)
    if body.send_at is not None:
        start = starting(body.send_at, body.time_zone or "UTC", runtime.clock.now())
        changes |= {"start_at": start.at, "local_start": start.local, "time_zone": start.time_zone}
    campaign = await campaigns.create(write, caller.account_id, **changes)
    return await _created(write, caller, campaign, response)


@router.get("/{id}")
async def show_campaign(id: Id, caller: Reader, read: Read) -> CampaignOut:
    """Show a campaign."""
    return await _found(read, caller, id)


@router.patch("/{id}")
async def change_campaign(
    id: Id,
    body: CampaignChange,
    caller: Writer,
    write: Write,
    runtime: RuntimeDep,
) -> CampaignOut:
    """Change what is given, in `draft`, `scheduled` and `paused`; recipients still to come get the new content."""
    account_id, key = caller.account_id, which(id)
    changes = changes_of(body)
    view = await campaigns.get(write, account_id, key)
    start = timed(body, view, runtime.clock.now())
    if start is not None or ("send_at" in body.model_fields_set and view.state is RunState.DRAFT):
        at, local = (start.at, start.local) if start is not None else (None, None)
        changes |= {"start_at": at, "local_start": local}
        if start is not None:
            changes["time_zone"] = start.time_zone
    await campaigns.change(write, account_id, key, **changes)
    if start is not None and view.state is RunState.SCHEDULED:
        cap = runtime.settings.quota.default_monthly
        await campaigns.schedule(write, account_id, key, at=start, default_cap=cap)
    return await _found(write, caller, id)


@router.delete("/{id}", status_code=204)
async def delete_campaign(id: Id, caller: Writer, write: Write) -> None:
    """Delete a campaign in `draft`, `stopped`, `done` or `failed`; what was sent stays."""
    await campaigns.delete(write, caller.account_id, which(id))


@router.post("/{id}/schedule")
async def schedule(
    id: Id,
    body: ScheduleIn,
    caller: Writer,
    write: Write,
    runtime: RuntimeDep,
) -> CampaignOut:
    """Let it start at a local time, from `draft` or `scheduled`; a time in the past is refused."""
    start = starting(body.send_at, body.time_zone, runtime.clock.now())
    cap = runtime.settings.quota.default_monthly
    await campaigns.schedule(write, caller.account_id, which(id), at=start, default_cap=cap)
    return await _found(write, caller, id)


@router.post("/{id}/unschedule")
async def unschedule(id: Id, caller: Writer, write: Write) -> CampaignOut:
    """Make a scheduled campaign a draft again."""
    return await _done(campaigns.cancel_schedule, id, caller, write)


@router.post("/{id}/start")
async def start(id: Id, caller: Writer, write: Write, runtime: RuntimeDep) -> CampaignOut:
    """Start it from `draft`, now or at the time it carries; from `scheduled` at once."""
    cap = runtime.settings.quota.default_monthly
    await campaigns.start(write, caller.account_id, which(id), default_cap=cap)
    return await _found(write, caller, id)


@router.post("/{id}/pause")
async def pause(id: Id, caller: Writer, write: Write) -> CampaignOut:
    """Pause it: when the answer leaves, nothing of it begins any more."""
    return await _done(campaigns.pause, id, caller, write)


@router.post("/{id}/resume")
async def resume(id: Id, caller: Writer, write: Write, runtime: RuntimeDep) -> CampaignOut:
    """Go on from `paused` or `failed` with those who have no final outcome yet."""
    cap = runtime.settings.quota.default_monthly
    await campaigns.resume(write, caller.account_id, which(id), default_cap=cap)
    return await _found(write, caller, id)


@router.post("/{id}/stop")
async def stop(id: Id, caller: Writer, write: Write) -> CampaignOut:
    """Stop it for good."""
    return await _done(campaigns.stop, id, caller, write)


@router.post("/{id}/duplicate", status_code=201)
async def duplicate(id: Id, caller: Writer, write: Write, response: Response) -> CampaignOut:
    """Make a draft that says and addresses the same, without a time."""
    campaign = await campaigns.duplicate(write, caller.account_id, which(id))
    return await _created(write, caller, campaign, response)


@router.post("/{id}/test-send", status_code=202)
async def test_send(
    id: Id,
    *,
    body: CampaignTestIn,
    request: Request,
    caller: SendCaller,
    write: Write,
    runtime: RuntimeDep,
) -> TestSendOut:
    """Send it as a test: untracked, in no insights, counted against the quota; it is durable with the answer."""
    campaign = (await campaigns.get(write, caller.account_id, which(id))).campaign
    said = await campaigns.said(write, campaign)
    values = {**said.constants, **as_texts(body.values)}
    audience_id = campaign.audience_ids[0] if campaign.audience_ids else None
    trial = Trial(
        Wording(said.subject, said.preheader, said.html, said.text),
        (body.from_email or said.from_email).strip(),
        body.recipients,
        from_name=said.from_name,
        reply_to=said.reply_to,
        reader=transactional.Reader(named(body.contact_id), values, audience_id),
    )
    return await tested(request, write, runtime, caller, trial)


@router.get("/{id}/progress")
async def progress(id: Id, caller: Reader, read: Read, runtime: RuntimeDep) -> ProgressOut:
    """Tell how far its latest run is."""
    view = await campaigns.get(read, caller.account_id, which(id))
    if view.run is None or view.state is RunState.DRAFT:
        return progress_out(view.state, None, None)
    found = await campaigns.progress(read, caller.account_id, view.run.id)
    finish_at = found.finished_at
    if view.state is RunState.SENDING and found.per_minute > 0:
        left = found.remaining + found.waiting + found.under_way
        finish_at = runtime.clock.now() + timedelta(minutes=min(left / found.per_minute, 1e6))
    return progress_out(view.state, found, finish_at)


@router.get("/{id}/insights")
async def insights(id: Id, caller: Reader, read: Read) -> InsightsOut:
    """Tell what its recipients did, in its latest run; hours without an open or a click are left out."""
    view = await campaigns.get(read, caller.account_id, which(id))
    hours = await campaigns.by_hour(read, view)
    shown = [HourOut(time=hour.start, opens=hour.opens, clicks=hour.clicks) for hour in hours]
    return insights_out(await campaigns.insights(read, view), shown)


@router.get("/{id}/links")
async def links(
    id: Id,
    caller: Reader,
    read: Read,
    *,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
    count: Counted = False,
) -> Page[LinkOut]:
    """List the tracked links of its latest run in the order of the content, those nobody clicked too."""
    view = await campaigns.get(read, caller.account_id, which(id))
    found = await campaigns.links(read, view)
    first = key_of(cursor) or 0
    rows = list(enumerate(found, 1))[first : first + limit + 1]
    page = page_of(
        rows,
        limit,
        lambda row: cursor_after(row[0]),
        lambda row: LinkOut(url=row[1].url, clicks=row[1].clicks, unique_clicks=row[1].copies),
        len(found) if count else None,
    )
    return Page[LinkOut].model_validate(page)


@router.get("/{id}/recipients")
async def recipients(
    id: Id,
    caller: Reader,
    read: Read,
    runtime: RuntimeDep,
    *,
    status: State | None = None,
    opened: bool | None = None,
    clicked: bool | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Page[RecipientOut]:
    """List the recipients of its latest run in the order of sending, those it has not reached yet at the end."""
    view = await campaigns.get(read, caller.account_id, which(id))
    rows = await campaigns.recipients(
        read, view, state=status, opened=opened, clicked=clicked, after=_after(cursor), limit=limit + 1
    )
    node = runtime.settings.node_name

    def shown(row: Recipient) -> RecipientOut:
        return RecipientOut(
            contact_id=uuid(Noun.CONTACT, row.contact_id) if row.contact_id is not None else None,
            email=row.address,
            email_id=email_id(row.accepted_at, row.message_id, node) if row.accepted_at and row.message_id else None,
            status=row.state,
            opened_at=row.opened_at,
            clicked_at=row.clicked_at,
        )

    page = page_of(rows, limit, lambda row: cursor_of([row.after.message_id, row.after.seq]), shown)
    return Page[RecipientOut].model_validate(page)


def _after(cursor: str) -> After | None:
    """Return where a list of recipients goes on.

    Raises:
        HTTPException: 400, the cursor is none of this list.
    """
    values = numbers_of(cursor, (1 << 63, 1 << 63))
    return After(*values) if values else None


async def _done(
    verb: Callable[..., Awaitable[Run | None]], key: str, caller: Caller, write: WriteSession
) -> CampaignOut:
    await verb(write, caller.account_id, which(key))
    return await _found(write, caller, key)


async def _created(write: WriteSession, caller: Caller, campaign: Campaign, response: Response) -> CampaignOut:
    response.headers["Location"] = f"/api/trireme/v1/campaigns/{uuid(Noun.CAMPAIGN, campaign.id)}"
    return await _shown(write, await campaigns.get(write, caller.account_id, campaign.id))


async def _found(read: ReadSession, caller: Caller, key: str) -> CampaignOut:
    return await _shown(read, await campaigns.get(read, caller.account_id, which(key)))


async def _shown(read: ReadSession, view: View) -> CampaignOut:
    missing = []
    if view.state in _READY:
        missing = list(dict.fromkeys(fault.field for fault in await campaigns.missing(read, view.campaign)))
    return campaign_out(view, missing)
