"""The verbs that give a run its time: start, schedule, cancel_schedule. Uses `holding`, `state` and `contents`.

Source: docs/contract/native.md, section 10; docs/contract/dyno.md, section 8; docs/contract/dynosend.md, section 9.3.
"""

from app.core.campaigns import contents
from app.core.campaigns.holding import Held, check_quota, enter, hold
from app.core.campaigns.state import Family, Move, Verb
from app.core.campaigns.telling import tell_scheduled
from app.core.campaigns.times import Start
from app.core.campaigns.values import Overrides, Which
from app.core.errors import Fault, FieldFault, Invalid
from app.core.jobs import SnapshotTargets
from app.db.unit_of_work import WriteSession
from app.models.campaign import Campaign
from app.models.run import Run, RunState

_NONE = Overrides()


async def start(
    write: WriteSession,
    account_id: int,
    campaign_id: Which,
    *,
    at: Start | None = None,
    overrides: Overrides = _NONE,
    family: Family = Family.NATIVE,
    default_cap: int = 0,
) -> Run:
    """Start a campaign, now or at its time; each start from `draft` is a run of its own.

    Args:
        write: The transaction.
        account_id: Whose.
        campaign_id: Which.
        at: When, if that lies ahead; None: the time the campaign carries.
        overrides: What this run says instead of the campaign.
        family: In whose words it was asked for.
        default_cap: Monthly limit of masters without one of their own (`quota.default_monthly`); 0 = none.

    Returns:
        The run: `queued`, or `scheduled` when its time lies ahead.

    Raises:
        NotFound: The account has no such campaign.
        Conflict: Its state does not allow it; carries the state.
        Invalid: What is missing or malformed, in the contract's order.
        QuotaExceeded: The monthly limit is used up.
    """
    held = await hold(write, account_id, campaign_id)
    move = held.move(family, Verb.START)
    if move is None:
        return held.known_run
    if not move.new_run:
        return await _set_time(write, held, held.known_run, move, at=None, default_cap=default_cap)
    run, at = _new_run(held, overrides), at or _time_of(held.campaign)
    return await _set_time(write, held, run, move, at=at, default_cap=default_cap)


async def schedule(
    write: WriteSession,
    account_id: int,
    campaign_id: Which,
    *,
    at: Start | None,
    overrides: Overrides = _NONE,
    family: Family = Family.NATIVE,
    default_cap: int = 0,
) -> Run:
    """Set when a campaign starts; a dormant run is revived.

    Args:
        write: The transaction.
        account_id: Whose.
        campaign_id: Which.
        at: When. Dyno: None or a time that is past means now.
        overrides: What this run says instead of the campaign.
        family: In whose words it was asked for.
        default_cap: As for `start`.

    Raises:
        NotFound: The account has no such campaign.
        Conflict: Its state does not allow it; carries the state.
        Invalid: What is missing or malformed; `send_at` is past.
        QuotaExceeded: It would start now, and the monthly limit is used up.
    """
    held = await hold(write, account_id, campaign_id)
    move = held.move(family, Verb.SCHEDULE)
    if move is None:
        return held.known_run
    if family is not Family.DYNO and (at is None or at.at <= held.now):
        raise Invalid([FieldFault("send_at", Fault.INVALID, "is not in the future")])
    run = held.run
    if run is None or run.state not in {RunState.DRAFT, RunState.SCHEDULED}:
        run = _new_run(held, overrides)
    for name, value in overrides.given().items():
        setattr(run, name, value)
    return await _set_time(write, held, run, move, at=at, default_cap=default_cap)


async def cancel_schedule(
    write: WriteSession, account_id: int, campaign_id: Which, *, family: Family = Family.NATIVE
) -> Run | None:
    """Make a scheduled campaign a draft again; its run stays dormant. None for a draft that never had one.

    Raises:
        NotFound: The account has no such campaign.
        Conflict: Its state does not allow it; carries the state.
    """
    held = await hold(write, account_id, campaign_id)
    if held.move(family, Verb.CANCEL_SCHEDULE) is None or held.run is None:
        return held.run
    return await enter(write, held.run, RunState.DRAFT)


def _time_of(campaign: Campaign) -> Start | None:
    if campaign.start_at is None:
        return None
    local = campaign.local_start or campaign.start_at.replace(tzinfo=None).isoformat(timespec="seconds")
    return Start(campaign.start_at, local, campaign.time_zone)


def _new_run(held: Held, overrides: Overrides) -> Run:
    campaign = held.campaign
    return Run(
        campaign_id=campaign.id,
        account_id=campaign.account_id,
        time_zone=campaign.time_zone,
        per_hour=campaign.per_hour,
        content_version=0,
        **overrides.given(),
    )


async def _set_time(
    write: WriteSession, held: Held, run: Run, move: Move, *, at: Start | None, default_cap: int
) -> Run:
    """Let a run start at that time, or now; it may be a new one.

    A run that waits takes its content when its time has come, so here it is only checked.
    """
    ahead = at is not None and at.at > held.now
    checked = await contents.check(write, held.campaign, contents.overrides_of(run))
    state = move.target(ahead=ahead)
    await check_quota(write, held, default_cap)
    run.sender_id = checked.sender_id
    run.start_at, run.local_start = (at.at, at.local) if at else (None, None)
    if at is not None:
        run.time_zone = at.time_zone
    run.state = state
    if run.id is None:
        write.add(run)
        await write.flush()
        held.campaign.latest_run_id = run.id
    if state is RunState.QUEUED:
        await contents.keep(write, run, checked)
        write.enqueue(SnapshotTargets(run.id))
    await enter(write, run, state)
    if state is RunState.SCHEDULED and at is not None:
        await tell_scheduled(write, run, at.at)
    return run
