"""What follows from mail that came to us. Imports its siblings, the front doors of messages and tracking, mail and db.

The address decides which copy is touched, never the content, except at `fbl@`, where the signed token of the returned
mail does. Each verb changes a copy once, so the same mail may come any number of times.
"""

from datetime import datetime

from app.core import messages, tracking
from app.core.intake.addresses import Destination, Keys, Purpose, copy_of
from app.core.intake.bounces import NO_FAILURE, failure_of, is_of_bounce, result_of
from app.core.intake.results import Outcome, Result, Understood, why
from app.core.messages import SuppressionRules
from app.core.tracking import Means
from app.db.sql import Sql
from app.db.unit_of_work import WriteSession
from app.mail import inbound
from app.mail.inbound import DeliveryReport, FeedbackReport, Nothing, Report

_sql = Sql(__package__)


def understand(raw: bytes, sender: str | None) -> Understood:
    """Read a message; bounded in time, and never raises on foreign input.

    Args:
        raw: As it came; its beginning is enough.
        sender: The envelope sender; "" is the null sender, None unknown.
    """
    report = inbound.read(raw, sender=sender)
    # Only these two are kept.
    content = inbound.content(raw) if isinstance(report, DeliveryReport | FeedbackReport) else ""
    return Understood(report, content, sender)


async def apply(
    write: WriteSession, where: Destination, message: Understood, *, keys: Keys, rules: SuppressionRules
) -> Result:
    """Do what follows from a message that came to an address of ours.

    Args:
        write: A transaction of its own: it locks one copy and what belongs to it.
        where: The address.
        message: What came.
        keys: Of the installation.
        rules: What bounces lead to.
    """
    report = message.report
    if where.purpose is Purpose.UNSUBSCRIBE:
        return await _unsubscribe(write, where, report)
    if isinstance(report, FeedbackReport):
        return await _complain(write, where, message, report, keys)
    if is_of_bounce(where, message):
        return await _bounce(write, where, message, rules)
    return Result(Outcome.IGNORED, why(report))


async def _bounce(write: WriteSession, where: Destination, message: Understood, rules: SuppressionRules) -> Result:
    if where.accepted_at is None or (recipient := await _recipient(write, where.message_id, where.accepted_at)) is None:
        return Result(Outcome.NO_COPY)
    failure = failure_of(where, message, recipient)
    if failure is None:
        return NO_FAILURE
    return result_of(failure, await messages.report_bounces(write, [failure], rules=rules))


async def _complain(
    write: WriteSession, where: Destination, message: Understood, report: FeedbackReport, keys: Keys
) -> Result:
    if not report.is_complaint:
        return Result(Outcome.IGNORED, why(report))
    named = copy_of(keys, report.token)
    copy = _own(where) or named
    if copy is None or (named is not None and named != copy):
        return Result(Outcome.FORGED)
    if await _recipient(write, *copy) is None:
        return Result(Outcome.NO_COPY)
    source = (message.sender or "").rpartition("@")[2] or "report"
    recorded = await tracking.complain(write, *copy, source=source, full_content=message.content)
    return Result(Outcome.COMPLAINED if recorded else Outcome.KNOWN)


async def _unsubscribe(write: WriteSession, where: Destination, report: Report) -> Result:
    # Whatever a person writes unsubscribes; what machines report or reply does not.
    if not isinstance(report, Nothing):
        return Result(Outcome.IGNORED, why(report))
    if where.accepted_at is None or await _recipient(write, where.message_id, where.accepted_at) is None:
        return Result(Outcome.NO_COPY)
    recorded = await tracking.unsubscribe(write, where.message_id, where.accepted_at, means=Means.MAIL)
    return Result(Outcome.UNSUBSCRIBED if recorded else Outcome.KNOWN)


def _own(where: Destination) -> tuple[int, datetime] | None:
    return None if where.accepted_at is None else (where.message_id, where.accepted_at)


async def _recipient(write: WriteSession, message_id: int, accepted_at: datetime) -> str | None:
    """Return whom a copy was for; None when it, or its account, is gone."""
    rows = await _sql.rows(write, "reported_copy", message_id, accepted_at)
    return str(rows[0].recipient) if rows else None
