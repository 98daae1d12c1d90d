"""How far a run is. Uses the repository."""

from app.core.campaigns import repository
from app.core.campaigns.runs import run_of
from app.core.campaigns.values import Progress, Which
from app.db.unit_of_work import ReadSession
from app.models.run import RunState


async def progress(read: ReadSession, account_id: int, run_id: Which) -> Progress:
    """Return how far a run of the account is.

    Raises:
        NotFound: The account has no such run.
    """
    run = await run_of(read, account_id, run_id)
    rows = await repository.sql.rows(read, "progress", run.id)
    numbers = dict(rows[0]._mapping) if rows else {}  # noqa: SLF001 SQLAlchemy's public name for a row's mapping
    seconds = numbers.get("seconds") or 0.0
    reached = numbers.get("claimed", 0)
    ended = run.state in {RunState.STOPPED, RunState.DONE}
    return Progress(
        state=RunState(run.state),
        total=run.total,
        reached=reached,
        remaining=0 if ended or run.total is None else max(0, run.total - run.next_seq + 1),
        unreached=run.unreached,
        delivered=numbers.get("delivered", 0),
        hard_bounces=numbers.get("hard_bounces", 0),
        soft_bounces=numbers.get("soft_bounces", 0),
        blocked=numbers.get("blocked", 0),
        failed=numbers.get("failed", 0),
        cancelled=numbers.get("cancelled", 0),
        waiting=numbers.get("waiting", 0),
        under_way=numbers.get("under_way", 0),
        deferrals=numbers.get("deferrals", 0),
        per_minute=reached / seconds * 60 if seconds else 0.0,
        started_at=run.started_at,
        finished_at=run.finished_at,
        error=run.error,
    )
