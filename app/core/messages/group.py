"""One group of submissions, written in one transaction.

Nothing here happens per request but the building of arrays: a group of any size costs the same few statements.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.core.errors import CoreError, QuotaExceeded, StaleCaller
from app.core.messages.draft import Accepted, Draft, IssueDraft, Refusal
from app.core.messages.quota import Standing, over_quota, standings
from app.db.sql import Connection, Sql, sparse
from app.kit.clock import second
from app.models.issue import IssueType
from app.models.message import Kind

sql = Sql(__package__)

LIMIT_REACHED = "452 4.3.1 Error: sending limit reached"
"""What a client is told whose quota is spent (docs/contract/dyn-email.md, 7)."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """A draft with the ids it will have: known before the insert, so that a lost commit can be looked up.

    Attributes:
        draft: What to write.
        accepted: Its ids and second.
    """

    draft: Draft
    accepted: Accepted


Entry = Numbered | Refusal


def number(draft: Draft, ids: Sequence[int]) -> Numbered:
    """Return the draft with its ids; `ids` holds one for the mail and one for each recipient."""
    return Numbered(draft, Accepted(ids[0], second(draft.received_at), tuple(ids[1:])))


async def write_group(connection: Connection, entries: Sequence[Entry], *, default_cap: int) -> list[CoreError | None]:
    """Write a group inside the caller's transaction.

    Args:
        connection: With a transaction begun.
        entries: Drafts with ids, and refusals.
        default_cap: Monthly quota of masters without one of their own; 0 = none.

    Returns:
        For each entry None when it was written, or why it was left out: `StaleCaller`, or `QuotaExceeded` (which is
        recorded as an issue).

    Raises:
        asyncpg.PostgresError: The group as a whole was refused.
    """
    owners = {(entry.draft if isinstance(entry, Numbered) else entry).caller.account_id for entry in entries}
    accounts = await standings(connection, list(owners), default_cap=default_cap)
    verdicts = await _verdicts(connection, entries, accounts)
    drafts = [
        entry
        for entry, verdict in zip(entries, verdicts, strict=True)
        if verdict is None and isinstance(entry, Numbered)
    ]
    await _insert_issues(connection, entries, verdicts)
    if drafts:
        # Last, because it locks the counters' rows, which every other group wants as well.
        copies = _copies(drafts)
        written = await sql.fetch(connection, "accept", *copies, *_contents(drafts), _contacts(drafts), _raws(drafts))
        if written[0]["bounced"] or any(standing.told for standing in accounts.values()):
            ids, _, accepted_ats, *_ = copies  # all of the group: which of them are told of stands in the ledger
            await sql.execute(connection, "tell_of_accepted", ids, accepted_ats)
    return verdicts


async def _verdicts(
    connection: Connection, entries: Sequence[Entry], accounts: Mapping[int, Standing]
) -> list[CoreError | None]:
    callers = [entry.draft.caller if isinstance(entry, Numbered) else entry.caller for entry in entries]
    verdicts: list[CoreError | None] = []
    for caller in callers:
        standing = accounts.get(caller.account_id)
        current = standing is not None and caller.revision in {None, standing.revision}
        verdicts.append(None if current else StaleCaller("the account has changed"))
    candidates = {
        position: entry.draft
        for position, entry in enumerate(entries)
        if verdicts[position] is None and isinstance(entry, Numbered) and entry.draft.kind is not Kind.SYSTEM
    }
    for position in await over_quota(connection, candidates, accounts):
        verdicts[position] = QuotaExceeded(LIMIT_REACHED)
    return verdicts


def _contents(drafts: Sequence[Numbered]) -> list[Sequence[object]]:
    return [
        [entry.accepted.mail_id for entry in drafts],
        [entry.accepted.accepted_at for entry in drafts],
        [entry.draft.caller.account_id for entry in drafts],
        [json.dumps(entry.draft.headers) for entry in drafts],
        sparse([entry.draft.text for entry in drafts]),
        sparse([entry.draft.html for entry in drafts]),
        [entry.draft.tracking for entry in drafts],
        sparse([json.dumps(entry.draft.links) if entry.draft.links else None for entry in drafts]),
    ]


def _contacts(drafts: Sequence[Numbered]) -> Sequence[object]:
    return sparse([entry.draft.contact_id for entry in drafts for _ in entry.draft.recipients])


def _raws(drafts: Sequence[Numbered]) -> Sequence[object]:
    return sparse([entry.draft.raw for entry in drafts])


def _copies(drafts: Sequence[Numbered]) -> list[Sequence[object]]:
    rows: list[tuple[object, ...]] = []
    for entry in drafts:
        draft, accepted = entry.draft, entry.accepted
        milliseconds = draft.received_at.microsecond // 1000
        x_headers = json.dumps(draft.x_headers) if draft.x_headers else None
        account_id, kind, lane, size = draft.caller.account_id, draft.kind.value, int(draft.lane), draft.size
        rows.extend(
            (
                message_id, accepted.mail_id, accepted.accepted_at, milliseconds, account_id, draft.sender_id, kind,
                lane, recipient, recipient.lower(), x_headers, size,
            )
            for message_id, recipient in zip(accepted.message_ids, draft.recipients, strict=True)
        )  # fmt: skip
    return [sparse(column) for column in zip(*rows, strict=True)]


async def _insert_issues(
    connection: Connection, entries: Sequence[Entry], verdicts: Sequence[CoreError | None]
) -> None:
    rows = [
        row
        for entry, verdict in zip(entries, verdicts, strict=True)
        if not isinstance(verdict, StaleCaller)
        for row in _issue_rows(entry, limit_reached=verdict is not None)
    ]
    if rows:
        await sql.execute(connection, "insert_issues", *map(list, zip(*rows, strict=True)))


def _issue_rows(entry: Entry, *, limit_reached: bool) -> list[tuple[object, ...]]:
    if isinstance(entry, Numbered):
        draft = entry.draft
        caller, sender, x_headers, at = draft.caller, draft.from_address, draft.x_headers, draft.received_at
        issues = draft.issues
        if limit_reached:
            issues = (IssueDraft(IssueType.LIMIT_REACHED, draft.recipients[0], LIMIT_REACHED),)
    else:
        caller, sender, x_headers, at = entry.caller, entry.sender, entry.x_headers, entry.received_at
        issues = entry.issues
    remembered = json.dumps(x_headers) if x_headers else None
    return [
        (caller.account_id, at, issue.issue_type.value, issue.address, sender, issue.description, remembered)
        for issue in issues
    ]
