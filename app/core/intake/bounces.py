"""Delivery reports, and many of them in one transaction. Imports its siblings, the front door of messages, mail, db.

After a campaign thousands of reports come at once, and all of them raise the same counters: each in a transaction of
its own would wait for the commit of the one before it.
"""

from collections.abc import Sequence

from app.core import messages
from app.core.intake.addresses import Destination, Purpose
from app.core.intake.results import Outcome, Result, Understood
from app.core.messages import BounceFacts, ReportedBounce, SuppressionRules
from app.db.sql import Sql
from app.db.unit_of_work import WriteSession
from app.mail import inbound
from app.mail.inbound import DeliveryReport
from app.models.bounce import BounceType

NO_FAILURE = Result(Outcome.IGNORED, "no failure")
_sql = Sql(__package__)


def is_of_bounce(where: Destination, message: Understood) -> bool:
    """Tell whether a message may be about a bounce, and so be one of a group for `apply_group`."""
    return where.purpose is Purpose.REPORT and isinstance(message.report, DeliveryReport)


def failure_of(where: Destination, message: Understood, recipient: str) -> ReportedBounce | None:
    """Return the failure of a copy that a message reports; None when it reports none.

    Args:
        where: The copy's return path.
        message: What came.
        recipient: Whom the copy was for.
    """
    if where.accepted_at is None or not isinstance(message.report, DeliveryReport):
        return None
    failure = inbound.failure_of(message.report, recipient=recipient)
    if failure is None:
        return None
    verdict = failure.verdict
    facts = BounceFacts(BounceType(verdict.bounce_type), verdict.category, verdict.code, verdict.regex_name)
    return ReportedBounce(where.message_id, where.accepted_at, facts, failure.diagnostic, message.content)


def result_of(failure: ReportedBounce, recorded: frozenset[int]) -> Result:
    """Return what a failure led to.

    Args:
        failure: That was reported.
        recorded: The copies whose bounces were recorded.
    """
    if failure.message_id not in recorded:
        return Result(Outcome.KNOWN)
    return Result(Outcome.BOUNCED, failure.facts.category, failure.facts.bounce_type.value)


async def apply_group(
    write: WriteSession, group: Sequence[tuple[Destination, Understood]], *, rules: SuppressionRules
) -> list[Result | None]:
    """Do what follows from delivery reports on several copies; nothing here waits for a copy that somebody else holds.

    Args:
        write: A transaction of its own.
        group: Addresses and what came there, for all of which `is_of_bounce` holds; each copy once.
        rules: What bounces lead to.

    Returns:
        What followed, for each; None when the copy is gone or held by somebody else: `apply` is to look.
    """
    ids, accepted_ats = [where.message_id for where, _ in group], [where.accepted_at for where, _ in group]
    rows = await _sql.rows(write, "hold_reported", ids, accepted_ats)
    recipients = {row.message_id: str(row.recipient) for row in rows}
    failures = {
        where.message_id: failure_of(where, message, recipients[where.message_id])
        for where, message in group
        if where.message_id in recipients
    }
    recorded = await messages.report_bounces(write, [one for one in failures.values() if one is not None], rules=rules)
    return [_result(where, failures, recorded) for where, _ in group]


def _result(where: Destination, failures: dict[int, ReportedBounce | None], recorded: frozenset[int]) -> Result | None:
    if where.message_id not in failures:
        return None
    failure = failures[where.message_id]
    return NO_FAILURE if failure is None else result_of(failure, recorded)
