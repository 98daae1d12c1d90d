"""Runs as a family sees them that calls them processes: found by either id, ruled by local time, shown with numbers.

Uses the verbs beside it; the table of moves stays in `state`.

Source: docs/contract/dyno.md, 8.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.core.campaigns import contents, repository, runs, starting
from app.core.campaigns.holding import hold
from app.core.campaigns.service import text_faults
from app.core.campaigns.state import Family, Stay, Verb, cell, column_of
from app.core.campaigns.times import Start, parse_start, parse_zone
from app.core.campaigns.values import Overrides
from app.core.errors import Conflict, Invalid, NotFound
from app.db.unit_of_work import ReadSession, WriteSession
from app.kit.uids import Noun, number_of
from app.models.campaign import Campaign
from app.models.run import Run, RunState
from app.models.run_counts import RunCounts

_PLAIN: dict[Verb, Callable[..., Awaitable[Run | None]]] = {
    Verb.CANCEL_SCHEDULE: starting.cancel_schedule,
    Verb.PAUSE: runs.pause,
    Verb.STOP: runs.stop,
}
_TIMED: dict[Verb, Callable[..., Awaitable[Run]]] = {Verb.START: starting.start, Verb.SCHEDULE: starting.schedule}
_NO_OVERRIDES = Overrides()
_WAITING = frozenset({RunState.DRAFT, RunState.SCHEDULED})


@dataclass(frozen=True, slots=True)
class Order:
    """What comes with a verb.

    Attributes:
        local: When it is to start, as given; None: not said.
        time_zone: Where that is; None: not said.
        overrides: What the run says instead of its campaign.
    """

    local: str | None = None
    time_zone: str | None = None
    overrides: Overrides = _NO_OVERRIDES


@dataclass(frozen=True, slots=True)
class Named:
    """A campaign that was named, locked.

    Attributes:
        campaign: The campaign.
        run: The latest run, or the earlier one that was named; None when there never was one.
    """

    campaign: Campaign
    run: Run | None

    @property
    def is_earlier(self) -> bool:
        """Whether a run was named that is not the latest: it has ended, and nothing changes it any more."""
        return self.run is not None and self.run.id != self.campaign.latest_run_id


@dataclass(frozen=True, slots=True)
class Process:
    """A run as it is shown.

    Attributes:
        run: The run.
        subject: What it says, its overrides and the template's texts included; the next three alike.
        counts: What became of its copies; None before sending.
    """

    run: Run
    subject: str
    from_name: str
    from_email: str
    preheader: str
    counts: RunCounts | None


def check_order(order: Order) -> None:
    """Look at what can be looked at before the campaign is known.

    Raises:
        Invalid: `iso_start_time` or `time_zone` cannot be read, or an override cannot be accepted.
    """
    if order.local is not None:
        parse_start(order.local, "UTC")
    if order.time_zone is not None:
        parse_zone(order.time_zone)
    given: dict[str, Any] = dict(order.overrides.given())
    if faults := list(text_faults(given)):
        raise Invalid(faults)


async def named(write: WriteSession, account_id: int, which: UUID) -> Named:
    """Return what an id names, locked: a campaign, or a run with its campaign.

    Raises:
        NotFound: The account has neither.
    """
    number = number_of(Noun.CAMPAIGN, which)
    if number is not None:
        held = await hold(write, account_id, number)
        return Named(held.campaign, held.run)
    run = await runs.run_of(write, account_id, which)
    held = await hold(write, account_id, run.campaign_id)
    if held.run is not None and held.run.id == run.id:
        run = held.run
    return Named(held.campaign, run)


async def command(write: WriteSession, one: Named, verb: Verb, order: Order, *, default_cap: int) -> Run | None:
    """Do what was asked of a campaign; return its run, None for a draft without one.

    Of an earlier run only a further start can be asked, and what is so already.

    Args:
        write: The transaction of `named`.
        one: Of `named`.
        verb: What to do.
        order: What came with it.
        default_cap: Monthly limit of masters without one of their own; 0 = none.

    Raises:
        Conflict: The state does not allow it; carries the state.
        Invalid: What is missing or malformed.
        NotFound: The verb is none of a process.
        QuotaExceeded: The monthly limit is used up.
    """
    if one.is_earlier and one.run is not None and verb is not Verb.START:
        if cell(Family.DYNO, verb, column_of(RunState(one.run.state), ahead=False)) is not Stay.UNCHANGED:
            raise Conflict("the run has ended", state=one.run.state)
        return one.run
    account_id, number = one.campaign.account_id, one.campaign.id
    if verb in _TIMED:
        return await _set_time(write, one, verb, order, default_cap)
    if verb in _PLAIN:
        return await _PLAIN[verb](write, account_id, number, family=Family.DYNO)
    if verb is Verb.RESUME:
        return await runs.resume(write, account_id, number, family=Family.DYNO, default_cap=default_cap)
    if verb is not Verb.UPDATE_AND_RESUME:
        raise NotFound("no such verb")
    return await runs.update_and_resume(
        write, account_id, number, overrides=order.overrides, family=Family.DYNO, default_cap=default_cap
    )


async def show(read: ReadSession, campaign: Campaign, run: Run) -> Process:
    """Return a run of a campaign as it is shown.

    What it says is what was fixed when it began, or what it would say now.
    """
    fixed = await repository.content(read, run.id, run.content_version) if run.content_version else None
    if fixed is not None:
        said = {name: getattr(fixed, name) for name in ("subject", "from_name", "from_email", "preheader")}
    else:
        said = (await contents.resolve(read, campaign, contents.overrides_of(run))).values
    counts = await read.get(RunCounts, run.id, populate_existing=True)
    return Process(run, said["subject"], said["from_name"], said["from_email"], said["preheader"], counts)


async def _set_time(write: WriteSession, one: Named, verb: Verb, order: Order, default_cap: int) -> Run:
    """Start or schedule.

    Raises:
        Conflict, Invalid, QuotaExceeded: As `command`.
    """
    campaign = one.campaign
    run = await _TIMED[verb](
        write,
        campaign.account_id,
        campaign.id,
        at=_start_of(one, verb, order),
        overrides=order.overrides,
        family=Family.DYNO,
        default_cap=default_cap,
    )
    if run.start_at is None and order.time_zone is not None:
        run.time_zone = order.time_zone.strip()  # there is nothing to read in it, but it is shown
        await write.flush()
    return run


def _start_of(one: Named, verb: Verb, order: Order) -> Start | None:
    """Return when it is to start; None: as the campaign says, or now.

    Raises:
        Invalid: The time cannot be read in its zone.
    """
    campaign, run = one.campaign, one.run
    local, zone = order.local, order.time_zone or campaign.time_zone
    if verb is Verb.SCHEDULE:
        if order.time_zone is None and run is not None and run.state in _WAITING:
            zone = run.time_zone
    elif local is None and order.time_zone is not None:
        local = campaign.local_start
    return None if local is None else parse_start(local, zone)
