"""Statements from files: `core/<noun>/sql/<verb>.sql`, one statement each, loaded once.

Each file begins with a comment: its purpose in the first line; one line for each parameter and result column, in order,
types by PostgreSQL's names; its locks, and the index it needs, in any words.

    -- Copies of an account that wait.
    -- $1 account_id bigint: whose copies
    -- $2 until timestamp with time zone: due before this instant
    -- -> waiting bigint: how many
    -- Locks: none. Index: ix_delivery_queue_due.

What several statements of a package say alike stands once, in `core/<noun>/sql/parts/<name>.sql`; a line of its own,
`-- include <name>`, puts it in its place. A part has no includes.

`tests/architecture/test_sql.py` prepares every statement against the migrated schema and compares.
"""

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, TypeAlias

import asyncpg
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
"""The driver's connection, for the hot paths."""
_INCLUDE = re.compile(r"^-- include (\w+)$", re.MULTILINE)


@cache
def statement(package: str, name: str) -> str:
    """Return the text of `<package>/sql/<name>.sql`, with the parts it includes.

    Args:
        package: Dotted name of the package that owns the statement.
        name: File name without its ending.

    Raises:
        FileNotFoundError: There is no such file, or a part is missing.
    """
    folder = files(package).joinpath("sql")
    text = folder.joinpath(f"{name}.sql").read_text(encoding="utf-8")
    return _INCLUDE.sub(lambda found: folder.joinpath("parts", f"{found[1]}.sql").read_text(encoding="utf-8"), text)


def sparse(column: Sequence[object]) -> Sequence[object]:
    """Return nothing for a column without a value: `unnest` fills it with nulls, and nobody encodes them one by one.

    Args:
        column: One of several parallel arrays of a statement, of which another has a value in each place.
    """
    return () if not column or (column[0] is None and column.count(None) == len(column)) else column


def single(column: Sequence[object]) -> Sequence[object]:
    """Return a column of one value throughout as that value once: the statement repeats it.

    Args:
        column: One of several parallel arrays, as for `sparse`; has no null, which is how the statement sees what is
            left out: `coalesce(value, ($1::text[])[1])`.
    """
    return column[:1] if column.count(column[0]) == len(column) else column


class Sql:
    """The statements of one package.

    sql = Sql(__package__)
    rows = await sql.fetch(connection, "claim_due", lane, limit)
    """

    def __init__(self, package: str) -> None:
        """Name the owner.

        Args:
            package: `__package__` of the owner.
        """
        self._package = package

    async def fetch(self, connection: Connection, name: str, *args: object) -> list[asyncpg.Record]:
        """Run a statement on the driver's connection and return its rows."""
        return await connection.fetch(statement(self._package, name), *args)

    async def execute(self, connection: Connection, name: str, *args: object) -> str:
        """Run a statement on the driver's connection and return its status line."""
        return await connection.execute(statement(self._package, name), *args)

    async def rows(self, session: AsyncSession, name: str, *args: object) -> Sequence[Row[Any]]:
        """Run a statement inside a session's transaction and return its rows."""
        connection = await session.connection()
        result = await connection.exec_driver_sql(statement(self._package, name), tuple(args))
        return result.all() if result.returns_rows else []
