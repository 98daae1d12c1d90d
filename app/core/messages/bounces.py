"""Bounces: what is known of one, what follows from it, and failures that are reported after the attempt.

Imports the front door of contacts, models and db.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core import contacts
from app.db.engine import driver_of
from app.db.sql import Connection, Sql
from app.db.unit_of_work import WriteSession
from app.models.bounce import BounceType

MAX_DIAGNOSTIC = 2_000
"""Characters of the other server's words that are kept."""
MAX_REPORT = 256 * 1024
"""Characters of a report that are kept."""
sql = Sql(__package__)


@dataclass(frozen=True, slots=True)
class BounceFacts:
    """Three facts that are stored independently, and the rule that decided.

    Attributes:
        bounce_type: Hard or soft.
        category: One of the 18.
        code: Enhanced status code.
        regex_name: Which rule decided.
    """

    bounce_type: BounceType
    category: str
    code: str
    regex_name: str


@dataclass(frozen=True, slots=True)
class SuppressionRules:
    """When soft bounces put a recipient on the suppression list (docs/contract/dyn-email.md, 16).

    Attributes:
        soft_bounces: So many with the same code for the same recipient.
        soft_bounce_hours: Within so many hours.
    """

    soft_bounces: int
    soft_bounce_hours: float


@dataclass(frozen=True, slots=True)
class ReportedBounce:
    """A failure that was reported after the attempt.

    Attributes:
        message_id: The copy.
        accepted_at: Its partition.
        facts: What the report was judged to mean.
        diagnostic: What the other server said; cut at `MAX_DIAGNOSTIC` characters.
        full_content: The whole report; cut at `MAX_REPORT` characters.
    """

    message_id: int
    accepted_at: datetime
    facts: BounceFacts
    diagnostic: str
    full_content: str


async def report_bounces(
    write: WriteSession,
    reported: Sequence[ReportedBounce],
    *,
    rules: SuppressionRules,
    bounced_at: datetime | None = None,
) -> frozenset[int]:
    """Record failure reports that came in after the attempts, with all that follows from bounces.

    The copies become bounced, whatever they were; when a server took them is kept. They count in the hour of the
    report.

    Args:
        write: The transaction. Other transactions hold several copies in any order: whoever reports more than one holds
            them already, or may meet a deadlock.
        reported: The failures, at most one of each copy.
        rules: What bounces lead to.
        bounced_at: When the reports came in, now by default.

    Returns:
        The copies whose bounces were recorded. Of a copy that does not exist, or has bounced already, nothing is
        changed.

    Source:
        docs/contract/dyn-email.md, 15; docs/contract/native.md, 12.
    """
    if not reported:
        return frozenset()
    accepted_ats = {one.message_id: one.accepted_at for one in reported}
    rows = await sql.rows(
        write,
        "report_bounces",
        list(accepted_ats),
        list(accepted_ats.values()),
        bounced_at,
        [one.facts.bounce_type.value for one in reported],
        [one.facts.category for one in reported],
        [one.facts.code for one in reported],
        [one.facts.regex_name for one in reported],
        [_storable(one.diagnostic, MAX_DIAGNOSTIC) for one in reported],
        [_storable(one.full_content, MAX_REPORT) for one in reported],
    )
    bounced = sorted(row.message_id for row in rows)
    if bounced:
        connection = await driver_of(await write.connection())
        await follow_up(connection, accepted_ats, bounced=bounced, blocked=[], rules=rules)
    return frozenset(bounced)


async def follow_up(
    connection: Connection,
    accepted_ats: Mapping[int, datetime],
    *,
    bounced: Sequence[int],
    blocked: Sequence[int],
    rules: SuppressionRules,
) -> None:
    """Tell of copies that were just recorded as bounced or blocked, and draw the consequences of the bounces.

    Args:
        connection: Inside the transaction that recorded them.
        accepted_ats: Partitions of at least these copies.
        bounced: Copies.
        blocked: Copies, for whatever reason.
        rules: What bounces lead to.
    """
    told = [*bounced, *blocked]
    if told:
        await sql.execute(connection, "tell_outcomes", told, [accepted_ats[message_id] for message_id in told])
    if bounced:
        await contacts.suppress_bounced(
            connection,
            bounced,
            [accepted_ats[message_id] for message_id in bounced],
            soft_bounces=rules.soft_bounces,
            soft_bounce_hours=rules.soft_bounce_hours,
        )


def _storable(text: str, limit: int) -> str:
    return text[:limit].replace("\0", "")
