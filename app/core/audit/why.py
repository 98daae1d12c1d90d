"""What happened to an address. Imports models for their words, db, `app.mail.addresses`."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from app.core.audit import sentences
from app.core.audit.stories import CopyStory, ListEntry, Membership, RunStory, Why
from app.core.messages import Attempt, attempts_of
from app.db.sql import Sql
from app.db.unit_of_work import ReadSession
from app.mail.addresses import InvalidAddress, parse_mailbox
from app.models.contact import ContactStatus
from app.models.message import Kind, State
from app.models.run import RunState
from app.models.suppression import Reason

MOST_COPIES = 500
MOST_OTHERS = 100
"""Runs, suppression entries and contacts that are told."""
_sql = Sql(__package__)


async def why(
    read: ReadSession, account_id: int | None, address: str, campaign_id: int | None = None, limit: int = 50
) -> Why:
    """Tell what happened to an address: a matter of milliseconds, however large the ledger.

    Args:
        read: A session.
        account_id: Whose copies; None: of all accounts, for the operator.
        address: Foreign text; what is no address is compared as it is.
        campaign_id: Only of this campaign, and then also why a run of it has no copy.
        limit: Most copies, at most `MOST_COPIES`.
    """
    key = _key(address)
    limit = min(limit, MOST_COPIES)
    rows = await _sql.rows(read, "why_copies", key, account_id, campaign_id, limit + 1)
    attempts = await attempts_of(read, [(row.message_id, row.accepted_at) for row in rows[:limit]])
    bounces = await _bounces(read, rows[:limit])
    entries = tuple(
        ListEntry(row.account_id, Reason(row.reason), row.detail, row.created_at)
        for row in await _sql.rows(read, "why_suppressions", key, account_id, MOST_OTHERS)
    )
    contacts = tuple(
        Membership(**{**row._mapping, "status": ContactStatus(row.status)})  # noqa: SLF001 public in spite of its name
        for row in await _sql.rows(read, "why_contacts", key, account_id, MOST_OTHERS)
    )
    runs = await _sql.rows(read, "why_runs", key, account_id, campaign_id, MOST_OTHERS)
    return Why(
        address=key,
        copies=tuple(_copy(row, attempts.get(row.message_id, ()), bounces.get(row.message_id)) for row in rows[:limit]),
        has_more=len(rows) > limit,
        runs=tuple(_run(row, contacts, entries) for row in runs),
        suppressions=entries,
        contacts=contacts,
    )


def _key(address: str) -> str:
    """Return the form in which the ledger, the targets and the lists compare addresses."""
    try:
        return parse_mailbox(address).key
    except InvalidAddress:
        return address.strip().lower()


async def _bounces(read: ReadSession, rows: Sequence[Any]) -> dict[int, Any]:
    bounced = [row for row in rows if row.bounced_at]
    if not bounced:
        return {}
    return {row.message_id: row for row in await _sql.rows(read, "why_bounces", *_keys(bounced))}


def _keys(rows: Sequence[Any]) -> tuple[list[int], list[datetime]]:
    return [row.message_id for row in rows], [row.accepted_at for row in rows]


def _copy(row: Any, attempts: tuple[Attempt, ...], bounce: Any) -> CopyStory:
    return CopyStory(
        message_id=row.message_id,
        accepted_at=row.accepted_at + timedelta(milliseconds=row.accepted_ms),
        account_id=row.account_id,
        sender=row.sender or "",
        kind=Kind(row.kind),
        state=State(row.state),
        reason=sentences.of_copy(row, attempts, bounce),
        possible_duplicate=row.possible_duplicate,
        run_id=row.run_id,
        campaign_id=row.campaign_id,
        campaign_name=row.campaign_name,
        attempts=attempts,
    )


def _run(row: Any, contacts: tuple[Membership, ...], entries: tuple[ListEntry, ...]) -> RunStory:
    own = tuple(entry for entry in entries if entry.account_id == row.account_id)
    return RunStory(
        run_id=row.run_id,
        campaign_id=row.campaign_id,
        campaign_name=row.campaign_name,
        account_id=row.account_id,
        state=RunState(row.state),
        reason=sentences.of_run(row, contacts, own),
    )
