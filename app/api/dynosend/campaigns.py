"""Dynosend: `/campaigns`. Imports the front doors of the core and the modules of this family.

Source: docs/contract/dynosend.md, 9.
"""

from collections.abc import AsyncIterator
from typing import NoReturn

from starlette.responses import Response

from app.api.dynosend.auth import Call
from app.api.dynosend.envelope import done, json_answer, moment, rate
from app.api.dynosend.errors import Refused
from app.core import campaigns
from app.core.accounts import Scope
from app.core.campaigns import Family, Insights, RunState, View
from app.core.errors import Conflict, FieldFault, Invalid
from app.db.unit_of_work import ReadSession
from app.kit.uids import Noun, uid

PAGE = 500
"""Campaigns read at a time."""
NOT_READY = "The campaign is not ready: {}"
NOT_STARTED = "Only a ready campaign can be started"
NOT_PAUSED = "Only a sending campaign can be paused"
NOT_RESUMED = "Only a paused campaign can be resumed"

_STATUS = {RunState.STOPPED: "done", RunState.FAILED: "error"}
"""States that are called otherwise; a draft is `new` or `ready`."""


async def show(call: Call) -> Response:
    """List all campaigns by creation; with `campaign_uid` one, with its insights.

    Raises:
        NotFound: No such campaign.
        Forbidden: The key may not read.
    """
    if call.input.given("campaign_uid") is None:
        async with call.reading() as read:
            call.require(Scope.READ)
            return json_answer([await _campaign(read, view) async for view in _all(read, call.account_id)])
    checks = call.checks()
    which = checks.uid("campaign_uid")
    checks.done()
    async with call.reading() as read:
        view = await campaigns.get(read, call.account_id, which)
        call.require(Scope.READ)
        numbers = await campaigns.insights(read, view)
        return json_answer({"campaign": await _campaign(read, view), "insights": _insights(numbers)})


async def start(call: Call) -> Response:
    """Start a ready campaign, now or at the time it carries.

    Raises:
        Refused: It is not ready.
        QuotaExceeded: The monthly limit is used up.
    """
    which = _which(call)
    cap = call.runtime.settings.quota.default_monthly
    async with call.writing() as write:
        await _allowed(call, write, which)
        try:
            await campaigns.start(write, call.account_id, which, family=Family.DYNOSEND, default_cap=cap)
        except Conflict:
            raise Refused(400, NOT_STARTED) from None
        except Invalid as error:
            _refuse_incomplete(error.faults)
    return done("Campaign started")


async def pause(call: Call) -> Response:
    """Pause a campaign: when the answer leaves nothing of it begins any more.

    Raises:
        Refused: It is in no state to be paused.
    """
    which = _which(call)
    async with call.writing() as write:
        await _allowed(call, write, which)
        try:
            await campaigns.pause(write, call.account_id, which, family=Family.DYNOSEND)
        except Conflict:
            raise Refused(400, NOT_PAUSED) from None
    return done("Campaign paused")


async def resume(call: Call) -> Response:
    """Go on with a paused campaign, or one that could not go on.

    Raises:
        Refused: It is in no state to be resumed, or incomplete by now.
        QuotaExceeded: The monthly limit is used up.
    """
    which = _which(call)
    cap = call.runtime.settings.quota.default_monthly
    async with call.writing() as write:
        await _allowed(call, write, which)
        try:
            await campaigns.resume(write, call.account_id, which, family=Family.DYNOSEND, default_cap=cap)
        except Conflict:
            raise Refused(400, NOT_RESUMED) from None
        except Invalid as error:
            _refuse_incomplete(error.faults)
    return done("Campaign resumed")


def _which(call: Call) -> str:
    """Return the campaign that is named.

    Raises:
        Invalid: None is.
    """
    checks = call.checks()
    which = checks.uid("campaign_uid")
    checks.done()
    return which


async def _allowed(call: Call, read: ReadSession, which: str) -> None:
    """Go on only when the campaign is there and the key may do things with it.

    Raises:
        NotFound: No such campaign.
        Forbidden: The key lacks `write`.
    """
    await campaigns.get(read, call.account_id, which)
    call.require(Scope.WRITE)


def _refuse_incomplete(faults: tuple[FieldFault, ...]) -> NoReturn:
    """Say what a campaign lacks.

    Raises:
        Refused: Always.
    """
    names = dict.fromkeys(fault.field for fault in faults)
    raise Refused(400, NOT_READY.format(", ".join(names)))


async def _all(read: ReadSession, account_id: int) -> AsyncIterator[View]:
    after = 0
    while True:
        page = await campaigns.list_page(read, account_id, after_id=after, limit=PAGE)
        for view in page:
            yield view
        if len(page) < PAGE:
            return
        after = page[-1].campaign.id


async def _campaign(read: ReadSession, view: View) -> dict[str, object]:
    campaign, run = view.campaign, view.run
    status = _STATUS.get(view.state, view.state.value)
    if view.state is RunState.DRAFT:
        status = "new" if await campaigns.missing(read, campaign) else "ready"
    changes = [campaign.created_at, campaign.updated_at]
    if run is not None:
        changes += [run.created_at, run.updated_at, run.started_at, run.finished_at]
    return {
        "uid": uid(Noun.CAMPAIGN, campaign.id),
        "name": campaign.name,
        "type": campaign.type,
        "subject": campaign.subject or None,
        "from_email": campaign.from_email or None,
        "from_name": campaign.from_name or None,
        "reply_to": campaign.reply_to or campaign.from_email or None,
        "status": status,
        "delivered_at": moment(run.started_at if run is not None else None),
        "created_at": moment(campaign.created_at),
        "updated_at": moment(max(at for at in changes if at is not None)),
    }


def _insights(numbers: Insights) -> dict[str, object]:
    delivered = numbers.delivered
    return {
        "recipients": numbers.recipients,
        "delivery_rate": rate(delivered, numbers.recipients),
        "open_count": numbers.opens,
        "unique_open_count": numbers.opened,
        "unique_open_rate": rate(numbers.opened, delivered),
        "click_count": numbers.clicks,
        "unique_click_count": numbers.clicked,
        "click_rate": rate(numbers.clicked, delivered),
        "click_per_unique_open": rate(numbers.clicked, numbers.opened),
        "spam_report_count": numbers.complaints,
        "spam_report_rate": rate(numbers.complaints, delivered),
        "bounce_count": numbers.bounces,
        "bounce_rate": rate(numbers.bounces, delivered),
        "unsubscribed_count": numbers.unsubscribes,
        "unsubscribed_rate": rate(numbers.unsubscribes, delivered),
    }
