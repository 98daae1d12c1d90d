"""The verbs on a run that has begun: pause, resume, stop. Uses `holding`, `state` and `contents`.

Each locks the campaign, then its latest run, and lets `state` decide; so two people who press two buttons get the
answers of one after the other. What is so already is a success without a change.

Source: docs/contract/native.md, section 10; docs/contract/dyno.md, section 8; docs/contract/dynosend.md, section 9.
"""

from functools import partial

from sqlalchemy import func

from app.core.campaigns import contents, repository
from app.core.campaigns.holding import Held, check_quota, enter, hold, notify
from app.core.campaigns.obedience import obeyed, obeyed_and_cancelled
from app.core.campaigns.state import Family, Move, Verb
from app.core.campaigns.telling import tell
from app.core.campaigns.values import Overrides, Which
from app.core.errors import NotFound
from app.core.events import EventType
from app.core.jobs import DrainQueue, SnapshotTargets
from app.db.unit_of_work import ReadSession, WriteSession
from app.kit.uids import Noun, number_of
from app.models.run import Run, RunState


async def pause(write: WriteSession, account_id: int, campaign_id: Which, *, family: Family = Family.NATIVE) -> Run:
    """Pause a campaign: once `write` is left, nothing of it leaves but what an SMTP transaction has begun.

    Raises:
        NotFound: The account has no such campaign.
        Conflict: Its state does not allow it; carries the state.
    """
    held = await hold(write, account_id, campaign_id)
    move, run = held.move(family, Verb.PAUSE), held.known_run
    if move is not None:
        run.epoch += 1
        await enter(write, run, RunState.PAUSED)
        await tell(write, run, EventType.CAMPAIGN_PAUSED)
        await notify(write, run)
    # Also for one who only repeats it: the answer promises the same.
    write.after_commit(partial(obeyed, run_id=run.id, epoch=run.epoch))
    return run


async def resume(
    write: WriteSession,
    account_id: int,
    campaign_id: Which,
    *,
    family: Family = Family.NATIVE,
    default_cap: int = 0,
) -> Run:
    """Go on with a paused or failed run; copies that were not tried yet say what the campaign says now.

    Raises:
        NotFound: The account has no such campaign.
        Conflict: Its state does not allow it; carries the state.
        Invalid: What the campaign says now is incomplete or malformed.
        QuotaExceeded: The monthly limit is used up.
    """
    held = await hold(write, account_id, campaign_id)
    move = held.move(family, Verb.RESUME)
    return held.known_run if move is None else await _go_on(write, held, move, default_cap)


async def update_and_resume(
    write: WriteSession,
    account_id: int,
    campaign_id: Which,
    *,
    overrides: Overrides,
    family: Family = Family.NATIVE,
    default_cap: int = 0,
) -> Run:
    """Change what a paused run says to those who have no copy yet, in the campaign too, and go on.

    Raises:
        NotFound: The account has no such campaign.
        Conflict: It is not paused; carries the state.
        Invalid: What it says is incomplete or malformed.
        QuotaExceeded: The monthly limit is used up.
    """
    held = await hold(write, account_id, campaign_id)
    move = held.move(family, Verb.UPDATE_AND_RESUME)
    if move is None:
        return held.known_run
    for name, value in overrides.given().items():
        setattr(held.known_run, name, value)
        setattr(held.campaign, name, value)
    if write.is_modified(held.campaign):
        held.campaign.updated_at = func.now()
    return await _go_on(write, held, move, default_cap)


async def stop(write: WriteSession, account_id: int, campaign_id: Which, *, family: Family = Family.NATIVE) -> Run:
    """Stop a run for good: whom it has not reached stands in `unreached`, copies that wait become `cancelled`.

    Raises:
        NotFound: The account has no such campaign.
        Conflict: Its state does not allow it; carries the state.
    """
    held = await hold(write, account_id, campaign_id)
    if held.move(family, Verb.STOP) is not None:
        return await end(write, held)
    run = held.known_run
    write.after_commit(partial(obeyed_and_cancelled, run_id=run.id, epoch=run.epoch))
    return run


async def end(write: WriteSession, held: Held) -> Run:
    """Stop the run of a campaign that `hold` returned."""
    run = held.known_run
    run.epoch += 1
    if run.total is not None:
        rows = await repository.sql.rows(write, "count_unreached", run.id, run.next_seq)
        run.unreached = rows[0].targets
    run.finished_at = held.now
    await enter(write, run, RunState.STOPPED)
    await tell(write, run, EventType.CAMPAIGN_STOPPED)
    await notify(write, run)
    write.after_commit(partial(obeyed_and_cancelled, run_id=run.id, epoch=run.epoch))
    return run


async def run_of(read: ReadSession, account_id: int, run_id: Which) -> Run:
    """Return a run of the account.

    Raises:
        NotFound: The account has no such run.
    """
    number = number_of(Noun.RUN, run_id)
    run = await repository.run(read, account_id, number) if number else None
    if run is None:
        raise NotFound("no such run")
    return run


async def _go_on(write: WriteSession, held: Held, move: Move, default_cap: int) -> Run:
    run = held.known_run
    checked = await contents.check(write, held.campaign, contents.overrides_of(run))
    await check_quota(write, held, default_cap)
    run.epoch += 1
    run.error, run.finished_at = None, None
    await tell(write, run, EventType.CAMPAIGN_RESUMED)
    if move.to is RunState.SCHEDULED:
        run.sender_id = checked.sender_id
        return await enter(write, run, RunState.SCHEDULED)
    await contents.keep(write, run, checked)
    if run.total is None:
        write.enqueue(SnapshotTargets(run.id))
        return await enter(write, run, RunState.QUEUED)
    write.enqueue(DrainQueue())
    await enter(write, run, RunState.SENDING)
    await notify(write, run)
    return run
