"""Every statement in a file is valid on the migrated schema, and its header tells the truth about it."""

import re
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import driver_connection

APP = Path(__file__).resolve().parents[2] / "app"
FILES = {f"{file.parent.parent.name}/{file.stem}": file.read_text() for file in sorted(APP.rglob("sql/*.sql"))}
PARAMETER = re.compile(r"-- \$(\d+) (\w+) ([^:]+): \S")
COLUMN = re.compile(r"-- -> (\w+) ([^:]+): \S")
SYNONYMS = {
    "bool": "boolean",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float8": "double precision",
    "timestamptz": "timestamp with time zone",
}
MAX_LINES = 80
LONG = {"accept", "claim_chunk", "record_outcomes", "record_events"}
"""The hot statements: each does a whole transaction in one round trip, which is worth its length."""


def header_of(text: str) -> list[str]:
    """Return the comment lines a file begins with."""
    lines = text.splitlines()
    length = next((number for number, line in enumerate(lines) if not line.startswith("--")), len(lines))
    return lines[:length]


def plain(kind: str) -> str:
    """Return a type by one name, whichever of its names is used."""
    base, brackets, _ = kind.partition("[]")
    return SYNONYMS.get(base, base) + brackets


def test_there_are_statements() -> None:
    assert FILES


@pytest.mark.parametrize("name", FILES)
async def test_the_header_of_a_statement_is_true(name: str, schema_engine: AsyncEngine) -> None:
    text = FILES[name]
    header = header_of(text)
    assert header, "no header"
    assert len(header[0]) > len("-- Purpose."), "the first line states the purpose"
    assert any("Locks:" in line for line in header), "the header states the locks"
    assert len(text.splitlines()) - len(header) <= MAX_LINES * (2 if name.rpartition("/")[2] in LONG else 1)
    given = [match.groups() for line in header if (match := PARAMETER.match(line))]
    columns = [match.groups() for line in header if (match := COLUMN.match(line))]
    async with driver_connection(schema_engine) as connection:
        statement = await connection.prepare(text)
    parameters = [plain(parameter.name) for parameter in statement.get_parameters()]
    attributes = [(attribute.name, plain(attribute.type.name)) for attribute in statement.get_attributes()]
    assert [int(number) for number, _, _ in given] == list(range(1, len(given) + 1))
    assert [plain(kind) for _, _, kind in given] == parameters
    assert [(name, plain(kind)) for name, kind in columns] == attributes
