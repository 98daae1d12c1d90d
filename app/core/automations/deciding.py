"""Steps that change nothing but where a run stands: waits and conditions. Uses segments' front door.

Conditions are looked at for all runs that stand at the same one together.

Source: docs/contract/native.md, 14 and 8.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

from app.core import campaigns
from app.core.automations import repository
from app.core.automations.going import Going
from app.core.automations.runs import Reason
from app.core.automations.values import Choice, Wait
from app.core.segments import Condition, ContactFilter, Definition, Match, compiled
from app.db.sql import Connection, statement

_FILTER = "/*filter*/ true"
_MINUTE = 60


async def decide(connection: Connection, runs: Sequence[Going]) -> None:
    """Move runs on until each has ended, waits, or stands at a step that does something.

    Args:
        connection: Of the driver, in a transaction.
        runs: Held ones.
    """
    waiting = list(runs)
    while waiting:
        for run in waiting:
            _pass_waits(run)
        waiting = [run for run in waiting if not run.is_done and isinstance(run.step, Choice)]
        groups: defaultdict[tuple[int, int], list[Going]] = defaultdict(list)
        for run in waiting:
            groups[run.plan.id, run.position].append(run)
        for group in groups.values():
            await _choose(connection, group)


def moment_of(wait: Wait, now: datetime) -> datetime:
    """Return until when a wait lasts that begins now.

    Args:
        wait: The step.
        now: Aware.
    """
    if wait.minutes is not None:
        return now + timedelta(seconds=wait.minutes * _MINUTE)
    if "T" in wait.time.upper() or " " in wait.time:
        return campaigns.parse_start(wait.time, wait.time_zone).at
    zone = campaigns.parse_zone(wait.time_zone)
    today = now.astimezone(zone).date()
    # A time that daylight saving skips moves forward, of one that occurs twice the first counts (PEP 495).
    at = time.fromisoformat(wait.time)
    moment = datetime.combine(today, at, zone).astimezone(UTC)
    return moment if moment >= now else datetime.combine(today + timedelta(days=1), at, zone).astimezone(UTC)


def _pass_waits(run: Going) -> None:
    while not run.is_done:
        step = run.step
        if step is None:
            run.finish()
        elif isinstance(step, Wait):
            until = moment_of(step, run.now)
            run.go_on()
            if until > run.now:
                run.sleep_until(until)
        else:
            return


async def _choose(connection: Connection, runs: Sequence[Going]) -> None:
    """Move runs on that stand at the same condition."""
    choice = runs[0].step
    if not isinstance(choice, Choice):
        return
    if choice.segment is not None:
        met = await _members(connection, runs, choice.segment)
        holds = {run.id for run in runs if run.who is not None and run.who.id in met}
    else:
        holds = await _engaged(connection, runs, choice)
    for run in runs:
        if run.id in holds:
            run.go_on()
        elif choice.else_stop:
            run.stop(Reason.CONDITION)
        else:
            run.go_on(2)


async def _members(connection: Connection, runs: Sequence[Going], condition: Condition) -> set[int]:
    account_id = runs[0].plan.account_id
    wanted = ContactFilter(segment=Definition(Match.ALL, (condition,)))
    expression = compiled(wanted, 3, account_id=account_id)
    text = statement(repository.PACKAGE, "meeting").replace(_FILTER, expression.sql)
    contact_ids = [run.who.id for run in runs if run.who is not None]
    rows = await connection.fetch(text, account_id, contact_ids, *expression.args)
    return {row["id"] for row in rows}


async def _engaged(connection: Connection, runs: Sequence[Going], choice: Choice) -> set[int]:
    copies = {run.id: copy for run in runs if (copy := run.copy_of(choice.step)) is not None}
    if not copies:
        return set()
    ids, moments = zip(*copies.values(), strict=True)
    rows = await repository.sql.fetch(connection, "engaged", list(ids), list(moments))
    engaged = {row["id"] for row in rows if row[choice.engaged]}
    return {run_id for run_id, (message_id, _) in copies.items() if message_id in engaged}
