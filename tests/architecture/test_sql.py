"""Every statement in a file is valid on the migrated schema, and its header tells the truth about it."""

import re
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import driver_connection
from app.db.sql import statement

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


def whole(name: str) -> str:
    """Return a statement as it is run, with the parts it includes."""
    [file] = [file for file in APP.rglob("sql/*.sql") if f"{file.parent.parent.name}/{file.stem}" == name]
    package = ".".join(["app", *file.parent.parent.relative_to(APP).parts])
    return statement(package, file.stem)


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
        prepared = await connection.prepare(whole(name))
    parameters = [plain(parameter.name) for parameter in prepared.get_parameters()]
    attributes = [(attribute.name, plain(attribute.type.name)) for attribute in prepared.get_attributes()]
    assert [int(number) for number, _, _ in given] == list(range(1, len(given) + 1))
    assert [plain(kind) for _, _, kind in given] == parameters
    assert [(name, plain(kind)) for name, kind in columns] == attributes


def test_a_part_is_included_more_than_once() -> None:
    parts = sorted(APP.rglob("sql/parts/*.sql"))
    assert parts
    for part in parts:
        line = f"-- include {part.stem}"
        places = [
            file for file in part.parent.parent.glob("*.sql") for one in file.read_text().splitlines() if one == line
        ]
        assert len(places) > 1, f"{part} is included by {places}"
        assert "-- include" not in part.read_text()
