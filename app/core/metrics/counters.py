"""What the counters know of the whole days and hours of a range.

Imports this package's modules and db.
"""

from app.core.metrics.buckets import KEY, Block, Bucket, unpacked
from app.core.metrics.questions import Question, columns
from app.core.metrics.scopes import Target, rows
from app.core.metrics.values import RollUp
from app.core.metrics.windows import Cuts, Step, Window
from app.db.unit_of_work import ReadSession

SPAN = 8
"""Days that are packed together."""


async def told(
    read: ReadSession, target: Target, cuts: Cuts, asked: Question, *, step: Step, numbers: int
) -> tuple[list[Block], list[Bucket]]:
    """Return what the counters know: blocks of closed hours, which have more than is asked for, and other hours.

    Args:
        read: The transaction.
        target: Whose.
        cuts: The range.
        asked: What.
        step: By day, blocks are of days, and of the hours beside them; else of hours alone.
        numbers: How many numbers are wanted.
    """
    whole = Window(cuts.hours_start, cuts.hours_end).counted(Step.HOUR)
    if not whole:
        return [], []
    wanted = columns(asked, numbers)
    spans = whole.start // 24 // SPAN, (whole.stop - 1) // 24 // SPAN
    whose = target.account_ids, target.sender_ids, asked.by is RollUp.USER
    ends = [piece.counted(Step.HOUR).start // 24 for piece in cuts.pieces(Step.HOUR)]
    when = step is Step.DAY, *spans, ends, cuts.hours_start, cuts.hours_end
    parts: dict[tuple[str, Step, int], list[tuple[bytes, bytes]]] = {}
    others: list[Bucket] = []
    for measure, hour, keys, days, hours, opened in await rows(read, "counters", *whose, list(wanted), *when):
        if days is not None:
            parts.setdefault((measure, Step.DAY, hour // 24), []).append((keys, days))
        elif hours is not None:
            parts.setdefault((measure, Step.HOUR, hour), []).append((keys, hours))
        else:
            others += [Bucket(column, hour, unpacked(keys, KEY), unpacked(opened)) for column in wanted[measure]]
    blocks = [
        Block(column, step, start, unpacked(b"".join(keys), KEY), b"".join(numbers))
        for (measure, step, start), found in parts.items()
        for keys, numbers in (zip(*found, strict=True),)
        for column in wanted[measure]
    ]
    return blocks, others
