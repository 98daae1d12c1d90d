"""Parts of hours at both ends of a range, of accounts whose hour is not closed: counted in the ledger.

Imports this package's modules and db.
"""

from collections.abc import Mapping, Sequence

from app.core.metrics.buckets import KEY, Bucket, unpacked
from app.core.metrics.questions import Question, What, stored
from app.core.metrics.scopes import Target, rows
from app.core.metrics.values import RollUp
from app.core.metrics.windows import FIRST, Cuts, Step
from app.db.unit_of_work import ReadSession

_STATEMENTS = {What.ACCEPTED: "email_edge", What.BOUNCES: "bounce_edge", What.BLOCKED: "blocked_edge"}


async def edges(
    read: ReadSession, target: Target, cuts: Cuts, asked: Question, late: Mapping[int, Sequence[int]]
) -> list[Bucket]:
    """Return what the counters do not tell of the parts of hours with which a range begins and ends.

    Args:
        read: The transaction.
        target: Whose.
        cuts: The range.
        asked: What.
        late: Accounts that are meant, by hour, counted from 1970.
    """
    more = (stored(asked.reason),) if asked.what is What.BLOCKED else ()
    found: list[Bucket] = []
    for part in cuts.edges:
        hour = (part.hour - FIRST) // Step.HOUR.width
        if hour in late:
            whose = list(late[hour]), target.sender_ids, part.start, part.end, asked.by is RollUp.USER
            [(octets, *columns)] = await rows(read, _STATEMENTS[asked.what], *whose, *more)
            keys = unpacked(octets, KEY)
            known = ((column, numbers) for column, numbers in enumerate(columns) if numbers is not None)
            found += [Bucket(column, hour, keys, unpacked(numbers)) for column, numbers in known]
    return found
