"""The compiler and a plain evaluator agree on random objects and filters, order and pages included."""

import json
import random
from collections.abc import Mapping
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.audiences import fold_tallies
from app.db.engine import driver_connection
from tests.api.dyno.conftest import Dyno
from tests.api.dyno.evaluator import NUMBERS, meets, sorting

LETTERS = [
    "",
    "a",
    "A",
    "b",
    "é",
    "É",
    "ab",
    "%",
    "_",
    "\\",
    "a%b",
    "5",
    "10",
    "50%",
    "a_b",
    "a\nb",
    "🐝",
    "\ufffd",
    "ba",
]
TEXTS = st.one_of(st.sampled_from(LETTERS), st.text("aAbB%_\\5é", max_size=4))
PATTERNS = st.sampled_from(["a", "^a", "b$", "[ab]+", "(?i)A", "a.b", r"\d", "^$", "é|É", "(a|b)*c", "."])
NUMERIC = st.one_of(st.sampled_from([0, 1, 5, 10, 1.5, -1, "5", "1.5", " 7 ", "1e1", 1_500_000_000, 2**63, 1e30]))
NAMES = {
    "templates": ["id", "user_id", "name", "subject", "content", "preview_message"],
    "lists": ["id", "user_id", "name", "description"],
    "campaigns": ["id", "user_id", "name", "template_id", "list_id", "subject", "from_name", "from_email",
                  "preview_message", "email_content", "status", "campaign_process_id", "iso_start_time",
                  "time_zone"],
}  # fmt: skip
EXTRAS = ["colour", "weight"]
OBJECTS = 60


async def lay(engine: AsyncEngine, account_id: int, other_id: int) -> None:
    """Lay down random objects of every noun, past the verbs: any text, any state."""
    chance = random.Random(7)

    def extra() -> str | None:
        values = [*LETTERS, 5, 1.5, -1, 10, True, False, None, [1], {"a": 1}]
        members = {name: chance.choice(values) for name in EXTRAS if chance.random() < 0.6}
        return json.dumps(members) if members else None

    def texts(count: int) -> list[str]:
        return [chance.choice(LETTERS) for _ in range(count)]

    def times() -> list[Any]:
        made = 1_500_000_000 + chance.choice([0, 0.25, 1, 2, 3.75])
        return [made, made + 5 if chance.random() < 0.5 else None, made + 9 if chance.random() < 0.3 else None]

    async with driver_connection(engine) as db:
        for account in [account_id] * OBJECTS + [other_id] * 5:
            template = await db.fetchval(
                "INSERT INTO templates (account_id, name, subject, html, preheader, extra, created_at, updated_at,"
                " deleted_at) VALUES ($1, $2, $3, $4, $5, $6, to_timestamp($7), to_timestamp($8), to_timestamp($9)) RETURNING id",
                account, *texts(4), extra(), *times())  # fmt: skip
            audience = await db.fetchval(
                "INSERT INTO audiences (account_id, name, description, extra, created_at, updated_at, deleted_at)"
                " VALUES ($1, $2, $3, $4, to_timestamp($5), to_timestamp($6), to_timestamp($7)) RETURNING id",
                account, *texts(2), extra(), *times())  # fmt: skip
            for number in range(chance.choice([0, 0, 1, 5])):
                await db.execute(
                    "INSERT INTO contacts (account_id, audience_id, address, status) VALUES ($1, $2, $3, $4)",
                    account, audience, f"{number}@x.example", chance.choice(["subscribed", "unsubscribed"]))  # fmt: skip
            lists = [audience, audience + 1][: chance.choice([0, 1, 2])]
            campaign = await db.fetchval(
                "INSERT INTO campaigns (account_id, name, subject, from_name, from_email, preheader, html, local_start,"
                " audience_ids, template_id, extra, created_at, updated_at, deleted_at)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, to_timestamp($12), to_timestamp($13), to_timestamp($14))"
                " RETURNING id",
                account, *texts(6), chance.choice([None, "2027-01-20T09:00:00"]), lists,
                chance.choice([None, template]), extra(), *times())  # fmt: skip
            if chance.random() < 0.8:
                state = chance.choice("draft scheduled queued sending paused stopped done failed".split())  # noqa: SIM905
                await db.execute(
                    "WITH run AS (INSERT INTO runs (campaign_id, account_id, sender_id, state) VALUES ($1, $2, 1, $3)"
                    " RETURNING id) UPDATE campaigns SET latest_run_id = run.id FROM run WHERE campaigns.id = $1",
                    campaign, account, state)  # fmt: skip
    await fold_tallies(engine)  # so that some lists have totals, some have changes since, and some both
    async with driver_connection(engine) as db:
        await db.execute(
            "INSERT INTO contacts (account_id, audience_id, address, status)"
            " SELECT account_id, id, 'late@x.example', 'subscribed'"
            " FROM audiences WHERE id % 3 = 0"
        )
        await db.execute("UPDATE contacts SET status = 'unsubscribed' WHERE audience_id % 5 = 0 AND address LIKE '0%'")


def operands(values: st.SearchStrategy[Any], *, strings: bool) -> st.SearchStrategy[dict[str, Any]]:
    """Return filters of one field, as objects of operators."""
    lists = st.lists(st.one_of(values, st.none()), max_size=3)
    texts = (
        st.lists(TEXTS.map(lambda one: one.replace("\n", "")), max_size=3).map(",".join) if strings else st.just("5, 7")
    )
    kinds: dict[str, st.SearchStrategy[Any]] = {
        **dict.fromkeys(("eq", "ne", "neq", "not_eq"), st.one_of(values, st.none())),
        **dict.fromkeys(("gt", "gte", "lt", "lte"), values),
        **dict.fromkeys(("in", "not_in"), st.one_of(lists, texts)),
        "between": st.lists(values, min_size=2, max_size=2),
        "is_null": st.sampled_from([True, False, "true", "FALSE"]),
    }
    if strings:
        kinds |= dict.fromkeys(("like", "not_like", "like_ignore_case", "not_like_ignore_case"), TEXTS)
        kinds |= dict.fromkeys(("like_regex", "not_like_regex"), PATTERNS)
    return st.fixed_dictionaries({}, optional=kinds).filter(lambda one: 0 < len(one) < 3)


@st.composite
def questions(draw: st.DrawFn, noun: str, known: Mapping[str, list[Any]]) -> dict[str, Any]:
    """Draw a question about some fields, with values that occur more often than by chance."""
    numbers = sorted(NUMBERS - ({"subscriber_count"} if noun != "lists" else set()))
    fields = draw(st.lists(st.sampled_from([*NAMES[noun], *numbers, *EXTRAS]), max_size=3, unique=True))
    question: dict[str, Any] = {}
    for field in fields:
        seen = st.sampled_from(known[field] or ["a"])
        if field in numbers:
            values, strings = st.one_of(seen, NUMERIC), False
        elif field in EXTRAS:
            values, strings = st.one_of(TEXTS, NUMERIC), True
        else:
            values, strings = st.one_of(seen, TEXTS), True
        bare = st.one_of(values, st.none(), st.booleans()) if field in EXTRAS else st.one_of(values, st.none())
        question[field] = draw(st.one_of(operands(values, strings=strings), bare))
    return question


@pytest.mark.parametrize("noun", ["templates", "lists", "campaigns"])
async def test_the_service_finds_what_the_evaluator_finds(
    dyno: Dyno, stranger: Dyno, engine: AsyncEngine, noun: str
) -> None:
    await lay(engine, dyno.account.id, stranger.account.id)
    every = (await dyno.done("POST", f"/{noun}/find", {"deleted": {"gte": 0}}))[noun]
    assert len(every) == OBJECTS
    known: dict[str, list[Any]] = {
        field: sorted({one[field] for one in every if one.get(field) not in (None, "")})
        for field in [*NAMES[noun], *NUMBERS]
        if field in every[0]
    } | {field: [] for field in EXTRAS}
    orders = st.sampled_from([*NAMES[noun], "created", "updated", "deleted", *EXTRAS])

    async def agree(question: dict[str, Any], by: str, direction: str, offset: int) -> None:
        expected = sorted(
            (one for one in every if meets(one, question)),
            key=lambda one: sorting(one, by, descending=direction == "desc"),
        )
        controls = {"application_fields": ["id"], "application_order_by": by, "application_order_direction": direction,
                    "application_offset": offset}  # fmt: skip
        found = await dyno.done("POST", f"/{noun}/find", {**question, **controls})
        assert found["total"] == len(expected)
        assert [one["id"] for one in found[noun]] == [one["id"] for one in expected][offset:]
        assert (await dyno.done("POST", f"/{noun}/count", question))["count"] == len(expected)

    asked: list[tuple[dict[str, Any], str, str, int]] = []

    @hypothesis.settings(max_examples=150, suppress_health_check=list(HealthCheck), database=None)
    @hypothesis.given(questions(noun, known), orders, st.sampled_from(["asc", "desc"]), st.sampled_from([0, 0, 3]))
    def draw(question: dict[str, Any], by: str, direction: str, offset: int) -> None:
        asked.append((question, by, direction, offset))

    draw()
    assert len(asked) >= 100
    for one in asked:
        try:
            await agree(*one)
        except AssertionError as error:
            raise AssertionError(f"{one}") from error
