"""The SQL of filters and definitions says what the plain evaluator says, of contacts of all kinds."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import segments
from app.core.audiences import FieldSet
from app.core.segments import OPERATORS, Condition, ContactFilter, Definition, Kind, definition_of
from app.db.engine import driver_connection
from app.db.unit_of_work import reading
from app.models.contact import Contact, ContactStatus
from tests.core.segments.evaluator import Known, meets
from tests.factories import Factories

TYPES = {"CITY": "text", "NOTE": "textarea", "AGE": "number", "DAY": "date", "SEEN": "datetime", "AT": "time"}
FIELDS = FieldSet(types=TYPES, defaults={}, required=())
VALUES: dict[str, list[str]] = {
    "CITY": ["Hue", "hue", "HÀ NỘI", "50% off_", "a\\b", "Hu", "", "x" * 500],
    "NOTE": ["hello world", "World", "ä'\"; DROP", "%"],
    "AGE": ["7", "7.0", "-3", "0", "0.5", "100", "1" + "0" * 900],
    "DAY": ["2024-02-29", "2025-01-01", "1999-12-31"],
    "SEEN": [
        "2024-05-01T10:00:00Z",
        "2024-05-01 12:00+02:00",
        "2024-05-01T10:00",
        "2023-01-01 00:00:01",
        "2024-05-01T10:00+0530",
    ],
    "AT": ["10:00", "23:59:59"],
}
MALFORMED = [
    "",
    "x",
    "2024-02-31",
    "2024-05-01T25:00",
    "9" * 2000,
    "1e5",
    "NaN",
    "infinity",
    "now",
    " 7",
    "--1",
    "2024-13-01T00:00Z",
]
TAGS = ["new", "vip", "it's", "New"]
SOURCES = ["api", "imported", "web", None]
EVENTS = ["bought", "seen"]


def text_of(rng: random.Random, tag: str) -> str:
    whole = rng.choice([value for value in VALUES[tag] if value])
    start = rng.randrange(len(whole))
    part = whole[start : start + rng.randint(1, 4)].strip() or "e"
    return rng.choice([whole, part, part.upper(), part.swapcase()])


def random_condition(rng: random.Random, now: datetime, tag: str) -> dict[str, Any]:
    kind = rng.choice(
        ["status", "tag", "field", "field", "field", "email", "source", "created_at", "subscribed_at", "event"]
    )
    if kind == "status":
        return {"type": kind, "op": rng.choice(OPERATORS[Kind.STATUS]), "value": str(rng.choice(list(ContactStatus)))}
    if kind == "tag":
        return {"type": kind, "op": rng.choice(OPERATORS[Kind.TAG]), "value": rng.choice(TAGS)}
    if kind == "event":
        days = {"within_days": rng.randint(1, 20)} if rng.random() < 0.5 else {}
        return {"type": kind, "op": rng.choice(OPERATORS[Kind.EVENT]), "name": rng.choice(EVENTS), **days}
    if kind in {"created_at", "subscribed_at"}:
        op = rng.choice(OPERATORS[Kind.MOMENT])
        value = rng.randint(1, 40) if op.endswith("days") else (now - timedelta(days=rng.randint(1, 40))).isoformat()
        return {"type": kind, "op": op, "value": value}
    members: dict[str, Any] = {"type": "field", "field": tag} if kind == "field" else {"type": kind}
    ordered = kind == "field" and TYPES[tag] in {"number", "date", "datetime"}
    op = members["op"] = rng.choice(OPERATORS[Kind(TYPES[tag])] if ordered else OPERATORS[Kind.TEXT])
    if op == "between":
        members["value"] = [rng.choice(VALUES[tag]), rng.choice(VALUES[tag])]
    elif op not in {"is_set", "is_not_set"}:
        member = {"email": "person1@", "source": "IMPORT"}.get(kind) or text_of(rng, tag)
        members["value"] = rng.choice(VALUES[tag]) if ordered else member
    return members


def random_definition(rng: random.Random, now: datetime) -> Definition:
    # As often as not several conditions are about one field.
    tags = list(TYPES) if rng.random() < 0.5 else [rng.choice(list(TYPES))]
    conditions = [random_condition(rng, now, rng.choice(tags)) for _ in range(rng.randint(1, 4))]
    return definition_of(FIELDS, rng.choice(["all", "any"]), conditions)


async def lay(make: Factories, engine: AsyncEngine, rng: random.Random) -> tuple[int, int, list[Known]]:
    """Write contacts of all kinds past the verbs, malformed values among them; return them with what they did."""
    account = await make.account()
    audience = await make.audience(account, fields=TYPES)
    known: list[Known] = []
    async with driver_connection(engine) as connection:
        now = (await connection.fetchval("SELECT now()")).astimezone(UTC)
        for number in range(150):
            fields = {
                tag: rng.choice(VALUES[tag] if rng.random() < 0.8 else MALFORMED) for tag in TYPES if rng.random() < 0.7
            }
            contact = Contact(
                account_id=account.id,
                audience_id=audience.id,
                address=f"person{number}@x.example",
                status=rng.choice(list(ContactStatus)),
                source=rng.choice(SOURCES),
                tags=rng.sample(TAGS, rng.randint(0, 3)),
                fields=fields,
                created_at=now - timedelta(days=rng.uniform(0.01, 40)),
                subscribed_at=now - timedelta(days=rng.uniform(0.01, 40)) if rng.random() < 0.7 else None,
            )
            contact.id = await connection.fetchval(
                "INSERT INTO contacts (account_id, audience_id, address, status, source, tags, fields, created_at,"
                " subscribed_at) VALUES ($1, $2, $3, $4, $5, $6, $7::text::jsonb, $8, $9) RETURNING id",
                account.id, audience.id, contact.address, str(contact.status), contact.source, contact.tags,
                orjson.dumps(fields).decode(), contact.created_at, contact.subscribed_at,
            )  # fmt: skip
            events = tuple(
                (rng.choice(EVENTS), now - timedelta(days=rng.uniform(0.01, 30))) for _ in range(rng.randint(0, 2))
            )
            for name, at in events:
                await connection.execute(
                    "INSERT INTO contact_events (account_id, audience_id, contact_id, name, occurred_at)"
                    " VALUES ($1, $2, $3, $4, $5)", account.id, audience.id, contact.id, name, at,
                )  # fmt: skip
            known.append(Known(contact, events, now))
    return account.id, audience.id, known


async def test_the_sql_agrees_with_the_evaluator(make: Factories, engine: AsyncEngine) -> None:
    rng = random.Random(7)
    account_id, audience_id, known = await lay(make, engine, rng)
    other = await make.audience(account_id)
    await make.contact(other)
    hits = 0
    async with reading(engine) as read:
        for _ in range(150):
            definition = random_definition(rng, known[0].now)
            expected = [one.contact.id for one in known if meets(one, definition)]
            hits += bool(expected) and len(expected) < len(known)
            wanted = ContactFilter(segment=definition)
            found = await segments.select_page(read, account_id, audience_id, wanted, limit=1000)
            assert sorted(one.id for one in found) == expected, definition
            previewed = await segments.preview(read, account_id, audience_id, definition)
            assert previewed.count == len(expected)
            assert [one.id for one in previewed.sample] == expected[:10]
    assert hits > 75  # most say yes to some and no to others


async def test_what_is_stored_is_what_was_meant() -> None:
    rng = random.Random(8)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for _ in range(300):
        definition = random_definition(rng, now)
        assert Definition.of_stored(orjson.loads(orjson.dumps(definition.stored()))) == definition
        written = segments.conditions_out(definition)
        assert definition_of(FIELDS, definition.match, written) == definition


@pytest.mark.parametrize("value", ["'; DROP TABLE contacts; --", "$1", "%", "\\", "{}", "/*filter*/ true"])
def test_no_value_is_in_the_text_of_a_statement(value: str) -> None:
    conditions = [
        {"type": "field", "field": "CITY", "op": "contains", "value": value},
        {"type": "tag", "op": "has", "value": value},
        {"type": "event", "op": "happened", "name": value},
        {"type": "source", "op": "equals", "value": value},
    ]
    wanted = ContactFilter(
        tag=value, q=value, email=value, source=value, segment=definition_of(FIELDS, "any", conditions)
    )
    plain = ContactFilter(tag="x", q="x", email="x", source="x", segment=definition_of(FIELDS, "any", [
        {**one, **({"name": "x"} if one["type"] == "event" else {"value": "x"})} for one in conditions
    ]))  # fmt: skip
    made = segments.compiled(wanted, 3, account_id=1)
    assert made.sql == segments.compiled(plain, 3, account_id=1).sql
    assert value in made.args


def test_a_tag_of_a_field_is_a_parameter_too() -> None:
    condition = Condition("field", "is_set", Kind.TEXT, name="X') OR true --")
    made = segments.compiled(ContactFilter(segment=Definition(segments.Match.ALL, (condition,))), 1, account_id=1)
    assert "OR true" not in made.sql
    assert made.args == ["X') OR true --"]
