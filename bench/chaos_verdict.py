"""Joins what the SMTP server has taken with what the ledger says."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import driver_connection
from app.models.message import State
from bench.chaos_pauses import MARKS
from bench.record import Taken

EXPLAINED = frozenset({State.BOUNCED, State.BLOCKED, State.FAILED, State.CANCELLED})
"""Final states of copies nobody got."""
EXAMPLES = 10


@dataclass
class Verdict:
    """What was found; texts name examples.

    Attributes:
        lost: Neither delivered nor in a final state that tells why.
        doubled: Recipients who got their mail more than once.
        extra: Mails beyond the first of each recipient.
        flagged: Of the doubled those the ledger calls possible duplicates.
        flags: All copies the ledger calls possible duplicates.
        strangers: Mails for people who were not meant, and copies that are in the ledger twice.
        other_content: Mails that do not say what the version of their copy says, or carry another Message-ID.
        left: Rows in the queue and in leases.
        faults: Examples.
    """

    lost: int = 0
    doubled: int = 0
    extra: int = 0
    flagged: int = 0
    flags: int = 0
    strangers: int = 0
    other_content: int = 0
    left: int = 0
    faults: list[str] = field(default_factory=list)

    def note(self, what: str, address: str) -> None:
        """Keep an example."""
        if len(self.faults) < EXAMPLES:
            self.faults.append(f"{what}: {address}")


@dataclass(frozen=True, slots=True)
class Expected:
    """Who was to get something.

    Attributes:
        certain: In any case.
        possible: Perhaps.
        unreached: How many of the certain ones need not be in the ledger, because the run was stopped before.
        prefix: What their addresses begin with; others are not looked at.
    """

    certain: frozenset[str]
    possible: frozenset[str] = frozenset()
    unreached: int = 0
    prefix: str = ""


LEDGER = """
SELECT recipient, state, possible_duplicate, content_version, run_id
  FROM messages WHERE run_id IS NOT DISTINCT FROM $1::bigint AND kind = ANY($2::text[])
"""
CONTENTS = "SELECT version, subject, html FROM run_contents WHERE run_id = $1"
LEFT = """
SELECT (SELECT count(*) FROM delivery_queue WHERE run_id IS NOT DISTINCT FROM $1::bigint)
     + (SELECT count(*) FROM delivery_leases WHERE run_id IS NOT DISTINCT FROM $1::bigint)
"""


async def join(expected: Expected, mails: Iterable[Taken], run_id: int | None, engine: AsyncEngine) -> Verdict:
    """Compare.

    Args:
        expected: Recipients of the campaign, or of the single mails.
        mails: What the server has taken.
        run_id: The campaign's run; None for single mails.
        engine: Of the database.
    """
    async with driver_connection(engine) as connection:
        kinds = ["campaign"] if run_id else ["send"]
        rows = [dict(row) for row in await connection.fetch(LEDGER, run_id, kinds)]
        said = {row["version"]: _marks(dict(row)) for row in await connection.fetch(CONTENTS, run_id or 0)}
        left = await connection.fetchval(LEFT, run_id)
    verdict = compare(expected, mails, rows, said)
    verdict.left = left
    return verdict


def compare(
    expected: Expected, mails: Iterable[Taken], rows: Sequence[Mapping[str, Any]], said: Mapping[int, tuple[str, ...]]
) -> Verdict:
    """Compare mails with rows of the ledger.

    Args:
        expected: Recipients.
        mails: What the server has taken.
        rows: Recipient, state, possible_duplicate and content_version of each copy.
        said: The marks of each version.
    """
    taken: defaultdict[str, list[Taken]] = defaultdict(list)
    for mail in mails:
        if mail.recipient in expected.certain or mail.recipient in expected.possible:
            taken[mail.recipient].append(mail)
    rows = [row for row in rows if row["recipient"].startswith(expected.prefix)]
    verdict = Verdict()
    _people(verdict, expected, taken, rows)
    for row in rows:
        _copy(verdict, row, taken[row["recipient"]], said)
    return verdict


def _people(
    verdict: Verdict, expected: Expected, taken: dict[str, list[Taken]], rows: Sequence[Mapping[str, Any]]
) -> None:
    known = Counter(row["recipient"] for row in rows)
    absent = sorted(expected.certain - known.keys())
    if len(absent) != expected.unreached:
        verdict.lost += max(len(absent) - expected.unreached, 1)
        verdict.note(f"{len(absent)} not in the ledger, {expected.unreached} unreached", absent[0] if absent else "-")
    for address, copies in known.items():
        if copies > 1 or not (address in expected.certain or address in expected.possible):
            verdict.strangers += 1
            verdict.note("a stranger, or twice in the ledger", address)
    for address in taken.keys() - known.keys():
        verdict.strangers += 1
        verdict.note("taken and not in the ledger", address)


def _copy(
    verdict: Verdict, row: Mapping[str, Any], mails: Sequence[Taken], said: Mapping[int, tuple[str, ...]]
) -> None:
    address, state = row["recipient"], row["state"]
    verdict.flags += row["possible_duplicate"]
    if mails:
        # Taken, and the ledger says otherwise: only a copy whose outcome nobody could know may say so.
        if state != State.DELIVERED:
            verdict.strangers += 1
            verdict.note(f"taken, but {state}", address)
    elif state not in EXPLAINED:
        verdict.lost += 1
        verdict.note(f"lost, {state}", address)
    if len(mails) > 1:
        verdict.doubled += 1
        verdict.extra += len(mails) - 1
        verdict.flagged += row["possible_duplicate"]
        if not row["possible_duplicate"]:
            verdict.note("doubled and not flagged", address)
    wanted = said.get(row["content_version"], ())
    if len({mail.message_id for mail in mails}) > 1 or any(mail.marks[: len(wanted)] != wanted for mail in mails):
        verdict.other_content += 1
        seen = sorted({(*mail.marks, mail.message_id) for mail in mails})
        verdict.note(f"version {row['content_version']} says {wanted}, it said {seen}", address)


def _marks(row: Mapping[str, Any]) -> tuple[str, ...]:
    text = f"{row['subject']}\n{row['html']}"
    found = [re.search(rf"{mark}(\S+)", text) for mark in MARKS]
    return tuple(one[1] if one else "" for one in found)
