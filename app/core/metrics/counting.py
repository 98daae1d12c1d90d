"""Counts and series of any measure: what the counters know, and what is counted in the ledger because they do not.

Imports this package's modules and db.
"""

from collections.abc import Mapping

from app.core.accounts import Caller
from app.core.metrics import buckets
from app.core.metrics.buckets import Block, Bucket
from app.core.metrics.counters import told
from app.core.metrics.edges import edges
from app.core.metrics.questions import Question, What
from app.core.metrics.scopes import look_up, rows
from app.core.metrics.series import Piece, joined
from app.core.metrics.values import RollUp, Series
from app.core.metrics.windows import Cuts, Step, check_buckets
from app.db.unit_of_work import ReadSession


async def totals(read: ReadSession, caller: Caller, asked: Question) -> dict[int, tuple[int, ...]]:
    """Return three numbers for each sender or account, by id; who has nothing is not there."""
    target = await look_up(read, caller, asked.scope, counting=True)
    if target is None:
        return {}
    cuts = asked.window.cuts()
    known = await told(read, target, cuts, asked, step=Step.DAY, numbers=3)
    whole = [block.total(wanted) for block in known.blocks for wanted in _meant(block, cuts)]
    numbers = buckets.totals([*whole, *known.buckets, *await edges(read, target, cuts, asked, known.late)])
    return {key: numbers[key] for key in sorted(numbers) if any(numbers[key])}


async def series(read: ReadSession, caller: Caller, step: Step, asked: Question) -> Series:
    """Return the series of each sender or account, by id; who has nothing has none.

    Raises:
        Invalid: More than 20000 buckets per series, or a million in all; the field is `timeseries`.
    """
    check_buckets(asked.window, step)
    numbers = 2 if asked.what is What.BOUNCES else 1
    pieces, found = list[Piece](), list[Bucket]()
    target = await look_up(read, caller, asked.scope, counting=True)
    if target is not None:
        cuts = asked.window.cuts(use_days=step is Step.DAY)
        known = await told(read, target, cuts, asked, step=step, numbers=numbers)
        found = [*known.buckets, *await edges(read, target, cuts, asked, known.late)]
        for block in known.blocks:
            for wanted in _meant(block, cuts):
                if block.step is step:
                    pieces.append((block, wanted))
                else:
                    found.append(block.total(wanted))
    return joined(asked.window, step, numbers, pieces, found)


async def addresses(read: ReadSession, by: RollUp, keys: Mapping[int, object]) -> dict[int, str]:
    """Return the addresses of senders, none of accounts."""
    if by is RollUp.USER or not keys:
        return {}
    return {row["id"]: row["email"] for row in await rows(read, "addresses", list(keys))}


def _meant(block: Block, cuts: Cuts) -> list[range]:
    """Return those of a block's hours or days that lie in a range."""
    found = [block.inside(piece.counted(block.step)) for piece in cuts.pieces(block.step)]
    return [hours_or_days for hours_or_days in found if hours_or_days]
