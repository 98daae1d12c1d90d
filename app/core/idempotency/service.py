"""The verbs on keys of repeated requests. Imports db and kit.

A key is held by an advisory lock from `claim` to the end of the transaction, and the answer is written in that
transaction: either effect and answer are both there, or neither is and a repetition begins anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import orjson
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import driver_connection
from app.db.sql import Sql
from app.db.unit_of_work import WriteSession
from app.kit.secrets import SecretUnreadable, Vault

KEPT_HOURS = 24.0
"""How long an answer is given again."""
MAX_KEY_LENGTH = 255
"""Longest key, in characters."""
BATCH = 5000
"""Rows deleted at a time."""
MAX_BATCHES = 200
"""Batches of one run; the next goes on."""

sql = Sql(__package__)


@dataclass(frozen=True, slots=True)
class Claim:
    """A request that wants to happen once.

    Attributes:
        account_id: Whose keys they are.
        key: As the client chose it.
        digest: Of everything that makes the request what it is.
    """

    account_id: int
    key: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered.

    Attributes:
        status: Of HTTP.
        headers: Those that belong to the answer itself.
        body: As text.
    """

    status: int
    headers: Mapping[str, str]
    body: str


class Standing(StrEnum):
    """What is to be said of a key for which no answer can be given again."""

    OURS = "ours"
    """Nobody has used it: this transaction holds it now."""
    BUSY = "busy"
    """Another transaction holds it."""
    OTHER = "other"
    """It was used for another request."""


async def claim(write: WriteSession, vault: Vault, wanted: Claim) -> Answer | Standing:
    """Take a key for this transaction, or return the answer that was given before.

    Args:
        write: The transaction, which holds the key until its end.
        vault: Opens the kept answer.
        wanted: The request.
    """
    (lock,) = await sql.rows(write, "try_lock", wanted.account_id, wanted.key)
    if not lock.locked:
        return Standing.BUSY
    rows = await sql.rows(write, "find", wanted.account_id, wanted.key, KEPT_HOURS)
    if not rows:
        return Standing.OURS
    row = rows[0]
    if row.digest != wanted.digest:
        return Standing.OTHER
    try:
        body = vault.open(row.sealed)
    except SecretUnreadable:  # its secret key is gone; to do the work again would be worse than to say no
        return Standing.OTHER
    headers = row.headers if isinstance(row.headers, dict) else orjson.loads(row.headers)
    return Answer(row.status, headers, body)


async def keep(write: WriteSession, vault: Vault, held: Claim, answer: Answer) -> None:
    """Note the answer to a request whose key this transaction holds.

    Args:
        write: The transaction that has the effect.
        vault: Seals the body.
        held: The request.
        answer: To be given again.
    """
    headers = orjson.dumps(dict(answer.headers)).decode()
    await sql.rows(
        write, "keep", held.account_id, held.key, held.digest, answer.status, headers, vault.seal(answer.body)
    )


async def forget(engine: AsyncEngine, *, now: datetime) -> int:
    """Delete answers that are too old; return how many. Run twice at once, each deletes its own.

    Args:
        engine: Of `make_engine`.
        now: The time.

    Raises:
        OSError, asyncpg.PostgresError, TimeoutError: The database is away; the next run goes on.
    """
    total = 0
    async with driver_connection(engine) as connection:
        for _ in range(MAX_BATCHES):
            rows = await sql.fetch(connection, "old", now - timedelta(hours=KEPT_HOURS), BATCH)
            total += rows[0]["deleted"]
            if rows[0]["deleted"] < BATCH:
                break
    return total
