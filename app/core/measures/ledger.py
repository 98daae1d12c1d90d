"""Numbers counted from the ledger and its events, whatever the filters are. Imports this package's modules."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from app.core.measures.asking import Asking, Target
from app.core.measures.cells import Cells
from app.core.measures.cutting import Pieces
from app.core.measures.values import By, Metric


@dataclass(frozen=True, slots=True)
class Source:
    """A statement that counts.

    Attributes:
        name: Of the statement.
        metrics: What its first number is, and its second if it has one.
        late: Whether it is about something that comes after acceptance and is found by acceptance.
    """

    name: str
    metrics: tuple[Metric, ...]
    late: bool = False


@dataclass(frozen=True, slots=True)
class Grouping:
    """What keys are and which of them are wanted.

    Attributes:
        by: What a key stands for.
        keys: Only these; None: all.
        most: At most so many rows, the largest first; only for one piece of time.
    """

    by: By
    keys: list[str] | None = None
    most: int | None = None


SOURCES = (
    Source("accepted", (Metric.ACCEPTED, Metric.BLOCKED)),
    Source("delivered", (Metric.DELIVERED,), late=True),
    Source("deferred", (Metric.DEFERRED,), late=True),
    Source("bounces", (Metric.HARD_BOUNCES, Metric.SOFT_BOUNCES)),
    Source("opens", (Metric.OPENS,)),
    Source("unique_opens", (Metric.UNIQUE_OPENS,)),
    Source("clicks", (Metric.CLICKS,)),
    Source("unique_clicks", (Metric.UNIQUE_CLICKS,)),
    Source("complaints", (Metric.COMPLAINTS,)),
    Source("unsubscribes", (Metric.UNSUBSCRIBES,)),
    Source("refused", (Metric.REFUSED,)),
    Source("contacts", (Metric.SUBSCRIBED, Metric.UNSUBSCRIBED)),
)
OF_NO_COPY = frozenset({Metric.REFUSED, Metric.SUBSCRIBED, Metric.UNSUBSCRIBED})
"""What is not about a copy: no counter has it."""


async def count(asking: Asking, target: Target, pieces: Pieces, metrics: Iterable[Metric], grouping: Grouping) -> Cells:
    """Count the metrics in pieces of time.

    Raises:
        Overloaded: It takes too long.
    """
    cells = Cells()
    wanted = set(metrics)
    for source in SOURCES:
        asked = [metric for metric in source.metrics if metric in wanted]
        parameters = _whose(source, target, grouping.by)
        if not asked or not pieces.marks or parameters is None:
            continue
        before, after = parameters
        scans = pieces.scans(target.late if source.late else timedelta())
        largest = (grouping.keys, asked[0] is not source.metrics[0], grouping.most)
        for row in await asking.rows(source.name, *before, *scans, pieces.marks, *after, *largest):
            numbers = dict(zip(source.metrics, (row.first, row.second), strict=False))
            for metric in asked:
                cells.add(row.key, metric, pieces.bucket_at(row.mark), numbers[metric])
    return cells


def _whose(source: Source, target: Target, by: By) -> tuple[tuple[object, ...], tuple[object, ...]] | None:
    """Return the parameters of a statement before and after those of time; None when there is nothing to count."""
    of_mail = target.run_ids is not None or target.kind is not None
    match source.name:
        case "refused":
            if of_mail or target.audience_id is not None or by not in {By.NONE, By.ACCOUNT, By.SENDER, By.DOMAIN}:
                return None
            return (target.account_ids, target.sender_ids), (target.domain, by)
        case "contacts":
            if of_mail or target.sender_ids is not None or by not in {By.NONE, By.ACCOUNT, By.DOMAIN}:
                return None
            return (target.account_ids, target.audience_id), (target.domain, by)
        case _:
            more = (target.run_ids, target.audience_id, target.domain, target.kind, by)
            return (target.account_ids, target.sender_ids), more
