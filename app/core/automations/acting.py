"""Steps that change a contact, or tell somebody of it. Uses contacts' front door and this package's rows.

Contacts are held together, by id, before the first of them changes; whoever holds counters has taken them before.

Source: docs/contract/native.md, 14.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence

from app.core import contacts
from app.core.automations import repository
from app.core.automations.calls import put_in
from app.core.automations.going import Going
from app.core.automations.runs import Reason
from app.core.automations.values import AddTag, RemoveTag, SetField, Unsubscribe, Webhook
from app.core.errors import CoreError, NotFound
from app.db.engine import driver_of, is_disconnect
from app.db.unit_of_work import WriteSession

logger = logging.getLogger(__name__)


async def act(write: WriteSession, runs: Sequence[Going]) -> None:
    """Do the steps of runs that stand at one of these, and note in the runs what became of it.

    Args:
        write: The transaction.
        runs: Held ones.
    """
    if not runs:
        return
    connection = await driver_of(await write.connection())
    contact_ids = [run.who.id for run in runs if run.who is not None]
    there = {row["id"] for row in await repository.sql.fetch(connection, "hold_contacts", contact_ids)}
    groups: defaultdict[tuple[int, int], list[Going]] = defaultdict(list)
    for run in runs:
        if run.who is None or run.who.id not in there:
            run.stop(Reason.DELETED)
        else:
            groups[run.plan.id, run.position].append(run)
    for group in groups.values():
        await _attempt(write, group)


async def _attempt(write: WriteSession, runs: Sequence[Going]) -> None:
    """Do one step for all; where that fails for each alone."""
    attempt = await write.attempt()
    try:
        await _do(write, runs)
    except Exception as error:
        if is_disconnect(error):
            raise
        await attempt.undo()
        if len(runs) > 1:
            for run in runs:
                await _attempt(write, [run])
            return
        [run] = runs
        if isinstance(error, NotFound):  # the contact has gone
            run.stop(Reason.DELETED)
            return
        if not isinstance(error, CoreError):
            logger.exception("a step of automation %s could not be done", run.plan.id)
        run.fail(str(error) if isinstance(error, CoreError) else "the step could not be done")
        return
    await attempt.stand()
    for run in runs:
        run.go_on()
        run.rest()


async def _do(write: WriteSession, runs: Sequence[Going]) -> None:
    """Do one step for all.

    Raises:
        TypeError: It is none of these.
    """
    plan, step = runs[0].plan, runs[0].step
    account_id, audience_id = plan.account_id, plan.audience_id
    ids = [run.who.id for run in runs if run.who is not None]
    connection = await driver_of(await write.connection())
    match step:
        case AddTag():
            await contacts.tag_many(connection, account_id, audience_id, ids, [step.tag])
        case RemoveTag():
            await contacts.untag_many(connection, account_id, audience_id, ids, [step.tag])
        case SetField():
            for contact_id in sorted(ids):
                await contacts.change(write, account_id, audience_id, contact_id, fields={step.field: step.value})
        case Unsubscribe():
            await contacts.unsubscribe_many(connection, account_id, audience_id, ids)
            for run in runs:
                run.has_left = True
        case Webhook():
            await put_in(connection, runs, step.url)
        case _:
            raise TypeError(step)
