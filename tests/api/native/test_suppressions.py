"""`/api/trireme/v1/suppressions`, over HTTP."""

from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import contacts
from app.core.suppressions import NewEntry, Reason
from app.db.engine import driver_connection
from app.db.unit_of_work import unit_of_work
from tests.factories import Factories, MadeAccount

PATH = "/api/trireme/v1/suppressions"


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account(senders=["news@example.com"])


async def ask(
    client: httpx2.AsyncClient, key: str, method: str, path: str = "", expect: int = 200, **body: Any
) -> dict[str, Any]:
    given_ = {"json": body} if method == "POST" else {"params": body}
    headers = {"Authorization": f"Bearer {key}"}
    answer = await client.request(method, PATH + path, headers=headers, **given_)  # type: ignore[arg-type]
    assert answer.status_code == expect, answer.text
    found: dict[str, Any] = answer.json() if answer.content else {}
    return found


async def test_addresses_are_put_on_the_list_and_taken_off(
    client: httpx2.AsyncClient, make: Factories, account: MadeAccount
) -> None:
    contact = await make.contact(await make.audience(account), "jo@example.org")
    body: dict[str, Any] = {
        "emails": ["Jo@Example.org", "jo@example.org", "new@bücher.example", "nobody", ""],
        "reason": "complaint",
    }
    assert await ask(client, account.key, "POST", **body) == {"added": 2, "existing": 0, "invalid": ["nobody", ""]}
    assert await ask(client, account.key, "POST", emails=["JO@example.org", "x@example.org"]) == {
        "added": 1,
        "existing": 1,
        "invalid": [],
    }
    entry = await ask(client, account.key, "GET", "/JO@example.org")
    assert entry == {
        "email": "jo@example.org",
        "reason": "complaint",
        "number": entry["number"],
        "detail": "",
        "source_email_id": None,
        "created_at": entry["created_at"],
    }
    assert (await ask(client, account.key, "GET", "/x@example.org"))["reason"] == "manual"
    async with driver_connection(make.engine) as connection:
        status = "SELECT status FROM contacts WHERE id = $1"
        assert await connection.fetchval(status, contact.id) == "blacklisted"
        await ask(client, account.key, "DELETE", "/jo@example.org", expect=204)
        assert await connection.fetchval(status, contact.id) == "subscribed"
        marks = "SELECT count(*) FROM recipient_marks WHERE address = 'jo@example.org'"
        assert await connection.fetchval(marks) == 1
        await ask(client, account.key, "DELETE", "/jo@example.org", expect=404)
        await ask(client, account.key, "DELETE", "/jo@example.org", expect=204, clear_mark="true")
        assert await connection.fetchval(marks) == 0
    await ask(client, account.key, "GET", "/jo@example.org", expect=404)


async def test_an_entry_names_the_mail_that_caused_it(
    client: httpx2.AsyncClient, make: Factories, engine: AsyncEngine, account: MadeAccount
) -> None:
    at = datetime(2026, 11, 5, 9, tzinfo=UTC)
    async with unit_of_work(engine) as write:
        await contacts.suppress(write, account.id, ["jo@example.org"], Reason.HARDBOUNCE, detail="550", source=(7, at))
    entry = await ask(client, account.key, "GET", "/jo@example.org")
    assert (entry["source_email_id"], entry["detail"]) == ("20261105090000.000000000007@mail-1", "550")


async def test_the_list_is_filtered_sorted_and_paged(
    client: httpx2.AsyncClient, engine: AsyncEngine, account: MadeAccount
) -> None:
    reasons = [Reason.MANUAL, Reason.HARDBOUNCE, Reason.COMPLAINT]
    entries = [
        NewEntry(
            f"a{number}@{'x' if number % 2 else 'y'}.example",
            reasons[number % 3],
            "",
            datetime(2026, 1, 1 + number // 2, tzinfo=UTC),
        )
        for number in range(9)
    ]
    async with unit_of_work(engine) as write:
        await contacts.suppress_many(write, account.id, entries)
    addresses = [entry.address for entry in entries]
    expected: list[tuple[dict[str, Any], list[str]]] = [
        ({}, addresses),
        ({"sort": "-created_at"}, addresses[::-1]),
        ({"q": "X.EXAMPLE"}, addresses[1::2]),
        ({"q": "_"}, []),
        ({"reason": "hardbounce"}, addresses[1::3]),
        ({"created_after": "2026-01-02T00:00:00Z", "created_before": "2026-01-04T01:00:00+01:00"}, addresses[2:6]),
        ({"created_after": "0001-01-01T00:00:00Z", "created_before": "9999-12-31T23:59:59Z"}, addresses),
    ]
    for query, found in expected:
        walked, cursor, more = [], "", True
        while more:
            page = await ask(client, account.key, "GET", limit=2, cursor=cursor, count="true", **query)
            walked += [one["email"] for one in page["data"]]
            assert page["total"] == len(found)
            more, cursor = page["has_more"], page["next_cursor"]
        assert walked == found, query


async def test_paging_shows_every_entry_once_while_the_list_changes(
    client: httpx2.AsyncClient, make: Factories, account: MadeAccount
) -> None:
    await make.suppression(account.id, *(f"old{number}@example.org" for number in range(6)))
    page = await ask(client, account.key, "GET", limit=3)
    await ask(client, account.key, "DELETE", "/" + page["data"][2]["email"], expect=204)
    await make.suppression(account.id, "new@example.org")
    rest = await ask(client, account.key, "GET", cursor=page["next_cursor"])
    shown = [one["email"] for one in page["data"] + rest["data"]]
    assert sorted(shown) == ["new@example.org", *(f"old{number}@example.org" for number in range(6))]


async def test_another_accounts_list_is_not_there(
    client: httpx2.AsyncClient, make: Factories, account: MadeAccount
) -> None:
    await make.suppression(account.id, "jo@example.org")
    stranger = await make.account()
    assert (await ask(client, stranger.key, "GET"))["data"] == []
    await ask(client, stranger.key, "GET", "/jo@example.org", expect=404)
    await ask(client, stranger.key, "DELETE", "/jo@example.org", expect=404)
    assert (await ask(client, stranger.key, "POST", emails=["jo@example.org"]))["added"] == 1
    await ask(client, stranger.key, "DELETE", "/jo@example.org", expect=204)
    await ask(client, account.key, "GET", "/jo@example.org")


async def test_bad_values_are_refused(client: httpx2.AsyncClient, make: Factories, account: MadeAccount) -> None:
    for query in ({"cursor": "x"}, {"cursor": "WzFd"}, {"sort": "email"}, {"reason": "x"}, {"q": "\0"}):
        await ask(client, account.key, "GET", expect=400, **query)
    bodies: list[dict[str, Any]] = [
        {}, {"emails": []}, {"emails": ["a@b.example"] * 1001}, {"emails": "a@b.example"}, {"emails": [1]},
    ]  # fmt: skip
    for body in bodies:
        await ask(client, account.key, "POST", expect=422, **body)
    await ask(client, account.key, "POST", expect=422, emails=["a@b.example"], reason="boredom")
    await ask(client, await make.api_key(account.id, "read"), "POST", expect=403, emails=["a@b.example"])
    await ask(client, await make.api_key(account.id, "read"), "DELETE", "/a@b.example", expect=403)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(max_size=40), min_size=1, max_size=5))
async def test_every_address_is_added_or_told_to_be_none(
    client: httpx2.AsyncClient, account: MadeAccount, emails: list[str]
) -> None:
    headers = {"Authorization": f"Bearer {account.key}"}
    answer = await client.post(PATH, json={"emails": emails}, headers=headers)
    assert answer.status_code in {200, 422}
    if answer.status_code == 200:
        assert set(answer.json()["invalid"]) <= set(emails)
