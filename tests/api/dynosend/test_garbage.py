"""Whatever comes in, the answer is one of the documented ones: never a crash."""

import json
import random
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.dynosend.params import Checks, Input
from app.api.dynosend.router import TABLE
from app.core.errors import Invalid
from app.kit.uids import Noun, uid
from tests.api.dynosend.conftest import Ask
from tests.factories import Factories, MadeAccount

ALLOWED = {200, 204, 400, 401, 404, 405}
NAMES = sorted({name for line in TABLE for name in (*line.required, *line.optional)} | {
    "EMAIL", "tags", "AGE", "BORN", "SEEN", "WAKES", "_method", "api_token", "customTags", "customHeaders", "status",
})  # fmt: skip
VALUES: list[Any] = [
    None, "", " ", 0, 1, -1, 1.5, 1e308, 10**30, True, False, [], {}, [[]], [None], ["a"], [{"Name": "a"}], {"a": "b"},
    {"Name": 1, "Value": None}, "a@x.example", "A@X.EXAMPLE", "@", "a@b@c", "x" * 3000, "\0", "\u0000a@x.example",
    "\ud7ff\uffff", "\U0001f600", "a,b,,c", "'; DROP TABLE contacts; --", "{{ x }}", "{X", "\r\nX: y", "0" * 13,
    "2026-02-30", "2026-13-01T25:61", "24:00", "12e5", "NaN", "1_000", "٣", "text", "number", "PATCH", "%00", "../..",
]  # fmt: skip


async def test_garbage_is_answered(ask: Ask, make: Factories, account: MadeAccount) -> None:
    fields = {"AGE": "number", "BORN": "date", "SEEN": "datetime", "WAKES": "time"}
    audience = await make.audience(account, fields=fields)
    await make.contact(audience, "a@x.example")
    chance = random.Random(20261122)
    good = {"audience_uid": uid(Noun.AUDIENCE, audience.id), "email": "a@x.example", "EMAIL": "b@x.example"}
    for turn in range(700):
        line = chance.choice(TABLE)
        members = {chance.choice(NAMES): chance.choice(VALUES) for _ in range(chance.randrange(9))}
        members = {**members, **{name: value for name, value in good.items() if chance.random() < 0.8}}
        members.pop("api_token", None) if turn % 10 else None
        answer = await send(ask, chance, f"{line.method} {line.path}", members)
        assert answer.status_code in ALLOWED, (line, members, answer.text)
        assert not answer.content or json.loads(answer.content) is not None


async def send(ask: Ask, chance: random.Random, line: str, members: dict[str, Any]) -> httpx2.Response:
    """Send in one of the forms; those that have no types send texts."""
    flat = {name: str(value) for name, value in members.items() if isinstance(value, str | int | float)}
    match chance.randrange(5):
        case 0:
            return await ask(line, params={name: value.replace("\0", "") for name, value in flat.items()})
        case 1:
            return await ask(line, data=flat)
        case 2:
            body = json.dumps(members).encode()
            return await ask(line, content=body[: chance.randrange(len(body) + 1)], headers={"content-type": "a/json"})
        case _:
            return await ask(line, content=json.dumps(members).encode(), headers={"content-type": "application/json"})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["x", "contact_uid", "email", "EMAIL", "tag", "tags"]), json_values))
def test_checks_only_note_faults(members: dict[str, Any]) -> None:
    checks = Checks(Input({}, members))
    assert isinstance(checks.text("x"), str)
    assert isinstance(checks.uid("x", required=False), str)
    assert isinstance(checks.boolean("x", default=True), bool)
    assert isinstance(checks.contact(), str)
    assert isinstance(checks.address("EMAIL", "email"), str)
    assert all(tag and tag == tag.strip() and "," not in tag for tag in checks.tags(required=True))
    assert isinstance(checks.input.number("x", 7), int)
    if checks.faults:
        with pytest.raises(Invalid):
            checks.done()
