"""Joins the reports a mail server has brought with what the database and the customer's server say of them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.db.sql import Connection

BOUNCES = "SELECT message_id, recipient FROM bounces"
EVENTS = "SELECT type, message_id, address FROM domain_events WHERE type IN ('email.bounced', 'suppression.added')"
COUNTS = """
SELECT (SELECT coalesce(sum(hard_bounces), 0) FROM hourly_counts) AS hours,
    (SELECT coalesce(sum(hard_bounces), 0) FROM daily_counts) AS days,
    (SELECT count(*) FROM suppressions) AS suppressions
"""


@dataclass(frozen=True, slots=True)
class Told:
    """One webhook as it came.

    Attributes:
        id: Its `webhook-id`.
        recipient: Whose mail it says has bounced.
    """

    id: str
    recipient: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the reports; everything but `again` and `most` has to be 0.

    Attributes:
        lost: Copies without a bounce, without one of its events, or whose webhook never came.
        doubled: Bounces and events beyond one of a copy.
        miscounted: How far counters and suppressions are from one of each copy, whichever is farthest.
        unstable: Recipients told of under several ids, and ids that speak of several recipients.
        again: Webhooks that came again under their id.
        most: How often the one came that came most often.
    """

    lost: int
    doubled: int
    miscounted: int
    unstable: int
    again: int
    most: int

    @property
    def ok(self) -> bool:
        """Whether nothing was lost, doubled, counted twice or told under another id."""
        return not (self.lost or self.doubled or self.miscounted or self.unstable)

    def line(self) -> str:
        """Return all of it in one line."""
        return (
            f"lost {self.lost}, doubled {self.doubled}, counted twice {self.miscounted}, unstable ids {self.unstable}, "
            f"told again {self.again} (one of them {self.most} times)"
        )


async def join(copies: Mapping[int, str], told: Sequence[Told], connection: Connection) -> Verdict:
    """Compare.

    Args:
        copies: On which there were reports: id to recipient.
        told: What the customer's server has taken.
        connection: To the database, in which there is nothing else.
    """
    rows = [("bounce", row["message_id"], row["recipient"]) for row in await connection.fetch(BOUNCES)]
    rows += [(row["type"], row["message_id"], row["address"]) for row in await connection.fetch(EVENTS)]
    counted = await connection.fetchrow(COUNTS)
    assert counted is not None
    return compare(copies, told, rows, [int(number) for number in counted.values()])


def compare(
    copies: Mapping[int, str],
    told: Sequence[Told],
    rows: Iterable[tuple[str, int | None, str | None]],
    counted: Sequence[int],
) -> Verdict:
    """Compare.

    Args:
        copies: On which there were reports: id to recipient.
        told: What the customer's server has taken.
        rows: Of bounces and events: kind, copy, recipient. A suppression names its address.
        counted: What each counter says.
    """
    numbers = {recipient: number for number, recipient in copies.items()}
    found: defaultdict[str, Counter[int | None]] = defaultdict(Counter)
    for kind, number, address in rows:
        found[kind][numbers.get(address or "") if kind == "suppression.added" else number] += 1
    kinds = [found[kind] for kind in ("bounce", "email.bounced", "suppression.added")]
    ids, people = defaultdict(set), defaultdict(set)
    for one in told:
        ids[one.recipient].add(one.id)
        people[one.id].add(one.recipient)
    complete = [number for number, who in copies.items() if who in ids and all(kind[number] for kind in kinds)]
    times = Counter(one.id for one in told)
    return Verdict(
        lost=len(copies) - len(complete),
        doubled=sum(kind.total() - len(copies.keys() & kind.keys()) for kind in kinds),
        miscounted=max(abs(number - len(copies)) for number in counted),
        unstable=sum(len(group) > 1 for group in (*ids.values(), *people.values())),
        again=len(told) - len(times),
        most=max(times.values(), default=0),
    )
