"""What the counters know of a range: of its whole days and hours, and of the parts of hours at its ends.

Imports this package's modules and db.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core.metrics.buckets import KEY, OCTETS, Block, Bucket, unpacked
from app.core.metrics.questions import Question, columns
from app.core.metrics.scopes import Target, rows
from app.core.metrics.values import RollUp
from app.core.metrics.windows import Cuts, Step, Window
from app.db.unit_of_work import ReadSession

_SPAN = {Step.DAY: 32, Step.HOUR: 8}
"""Days that are packed together, as days or as hours."""
_MEASURES = (
    "accepted",
    "hard_bounces",
    "soft_bounces",
    "blocked",
    "blocked_complaint",
    "blocked_hardbounce",
    "blocked_manual",
    "blocked_softbounce",
    "blocked_unsubscribe",
)
"""In the order of a row of `packed_hours`, 24 numbers of each."""
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Told:
    """What the counters know.

    Attributes:
        blocks: Closed hours or days, more than is asked for.
        buckets: Other hours, and parts of closed ones.
        late: Accounts of which something is not closed in an hour that the range cuts, by that hour, counted from 1970:
            what they have in the part is not told.
    """

    blocks: Sequence[Block]
    buckets: Sequence[Bucket]
    late: Mapping[int, Sequence[int]]


async def told(read: ReadSession, target: Target, cuts: Cuts, asked: Question, *, step: Step, numbers: int) -> Told:
    """Return what the counters know.

    Args:
        read: The transaction.
        target: Whose.
        cuts: The range.
        asked: What.
        step: By day, blocks are of days, and of the hours beside them; else of hours alone.
        numbers: How many numbers are wanted.
    """
    wanted = columns(asked, numbers)
    whole = Window(cuts.hours_start, cuts.hours_end).counted(Step.HOUR)
    # One without hours reaches into none of them: the last ones lie before the first.
    spans = whole.start // 24 // _SPAN[step], (whole.stop - 1) // 24 // _SPAN[step] if whole else -1
    whose = target.account_ids, target.sender_ids, asked.by is RollUp.USER
    ends = [piece.counted(Step.HOUR) for piece in cuts.pieces(Step.HOUR)]
    beside = [hours.start for hours in ends], [len(hours) for hours in ends]
    when = step is Step.DAY, *spans, *beside, cuts.hours_start, cuts.hours_end, *_parts(cuts)
    places = [1 + _MEASURES.index(measure) * 24 * OCTETS for measure in wanted]
    closed: dict[tuple[str, Step, int], list[tuple[bytes, bytes]]] = {}
    buckets: list[Bucket] = []
    late: dict[int, Sequence[int]] = {}
    for measure, hour, keys, days, hours, counted in await rows(read, "counters", *whose, list(wanted), *when, places):
        if measure is None:
            late[hour] = unpacked(keys, KEY)
        elif days is not None:
            closed.setdefault((measure, Step.DAY, hour // 24), []).append((keys, days))
        elif hours is not None:
            closed.setdefault((measure, Step.HOUR, hour), []).append((keys, hours))
        else:
            each, change = unpacked(keys, KEY), unpacked(counted)
            buckets += [Bucket(column, hour, each, change, changes=min(change) < 0) for column in wanted[measure]]
    blocks = [
        Block(column, step, start, unpacked(b"".join(keys), KEY), b"".join(numbers))
        for (measure, step, start), found in closed.items()
        for keys, numbers in (zip(*found, strict=True),)
        for column in wanted[measure]
    ]
    return Told(blocks, buckets, late)


def _parts(cuts: Cuts) -> tuple[list[datetime], list[int], list[int]]:
    """Return the hours that are cut, the second before the part of each, and the last one of it."""
    hours = [part.hour for part in cuts.edges]
    before = [(part.start - hour) // _SECOND - 1 for part, hour in zip(cuts.edges, hours, strict=True)]
    last = [(part.end - hour) // _SECOND - 1 for part, hour in zip(cuts.edges, hours, strict=True)]
    return hours, before, last
