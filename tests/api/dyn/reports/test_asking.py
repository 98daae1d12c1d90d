"""What all reports have in common: range, filters, pages and errors (docs/contract/dyn-email.md, 11.1 and 3)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from app.api.dyn.reports.asking import month_before
from tests.factories import Factories, MadeAccount
from tests.factories.copies import CopySpec

LISTS = {
    "sent": "sent",
    "delivered": "delivered",
    "bounces": "bounces",
    "complaints": "complaints",
    "issues": "issue",
    "opens": "opens",
    "opens/unique": "opens",
    "clicks": "clicks",
    "clicks/unique": "clicks",
}
COUNTS = [
    *(f"{path}/count" for path in LISTS),
    "opens/count/unique",
    "clicks/count/unique",
]
START, END, INDEX = (f"The {thing} is not valid." for thing in ("start time", "end time", "start index"))
AT = datetime(2016, 11, 22, tzinfo=UTC)


async def ask(
    client: httpx2.AsyncClient, account: MadeAccount, path: str, given: dict[str, str] | None = None
) -> tuple[int, Any]:
    response = await client.get(f"/rest/json/reports/{path}", params={"apikey": account.key, **(given or {})})
    body = response.json()["response"]
    assert body["status"] == response.status_code
    return response.status_code, body["data"]


async def recipients(client: httpx2.AsyncClient, account: MadeAccount, **given: str) -> list[str]:
    status, data = await ask(client, account, "sent", given)
    assert status == 200, data
    return [one["emailaddress"].partition("@")[0] for one in data["sent"]]


async def lay(make: Factories, account: MadeAccount, *moments: datetime) -> None:
    """Make a copy for each moment, named by its number."""
    sender_id = next(iter(account.senders.values()))
    await make.copies(
        CopySpec(account.id, sender_id, at, f"r{number}@example.org") for number, at in enumerate(moments)
    )


async def test_what_is_not_valid_is_said_all_together(
    client: httpx2.AsyncClient, make: Factories, subtests: pytest.Subtests
) -> None:
    account = await make.account()
    for path, key in LISTS.items():
        with subtests.test(path):
            given = {"starttime": "soon", "endtime": "later", "startindex": "-1"}
            assert await ask(client, account, path, given) == (452, [START, END, INDEX])
            given = {"startdate": "2016-02-30", "enddate": "x", "startindex": "1.5"}
            assert await ask(client, account, path, given) == (452, [START, END, INDEX])
            given = {"startdate": "soon", "starttime": "2016-11-22", "startindex": "", "endtime": " "}
            assert await ask(client, account, path, given) == (200, {key: []})
            assert await ask(client, account, path, {"startindex": "9" * 5000}) == (200, {key: []})


async def test_counts_know_no_start_index(
    client: httpx2.AsyncClient, make: Factories, subtests: pytest.Subtests
) -> None:
    account = await make.account()
    for path in COUNTS:
        with subtests.test(path):
            assert await ask(client, account, path, {"startdate": "soon", "startindex": "x"}) == (452, [START])
            status, data = await ask(client, account, path, {"startindex": "x"})
            assert (status, next(iter(data)), set(data.values())) == (200, "count", {"0"})


async def test_bounces_have_two_parameters_more(client: httpx2.AsyncClient, make: Factories) -> None:
    account = await make.account()
    both = ["The bouncetype is not valid.", "The noheaders is not valid."]
    for path in ("bounces", "bounces/count"):
        given = {"bouncetype": "Hard", "noheaders": "2"}
        assert await ask(client, account, path, given) == (452, both)
        given = {"noheaders": "yes", "starttime": "soon"}
        assert await ask(client, account, path, given) == (452, [START, both[1]])
        given = {"bouncetype": " soft ", "noheaders": "1"}
        assert (await ask(client, account, path, given))[0] == 200


async def test_ranges(client: httpx2.AsyncClient, make: Factories) -> None:
    account = await make.account(senders=["a@example.com"])
    second = timedelta(seconds=1)
    now = datetime.now(UTC)
    await lay(make, account, AT - second, AT, AT + timedelta(days=1) - second, AT + timedelta(days=1), now)
    cases: list[tuple[dict[str, str], list[str]]] = [
        ({"startdate": "2016-11-22", "enddate": "2016-11-22"}, ["r1", "r2"]),
        ({"starttime": "1479772800", "endtime": "1479859200000"}, ["r1", "r2"]),
        ({"starttime": "2016-11-22T00:00:01", "endtime": "2016-11-23T00:00:01Z"}, ["r2", "r3"]),
        ({"starttime": "2016-11-21T23:59:59 00:00", "endtime": "2016-11-22T01:00:01+01:00"}, ["r0", "r1"]),
        ({"starttime": "2016-11-23", "endtime": "2016-11-21"}, []),
        ({"starttime": "2016-11-22", "startdate": "2016-11-23"}, ["r1", "r2", "r3", "r4"]),
        ({"enddate": "2016-12-21"}, ["r1", "r2", "r3"]),
        ({}, ["r4"]),
        ({"starttime": "0"}, ["r0", "r1", "r2", "r3", "r4"]),
        ({"starttime": "0001-01-01", "endtime": "9999-12-31"}, ["r0", "r1", "r2", "r3", "r4"]),
        ({"endtime": "0001-01-01"}, []),
        ({"endtime": "9999-12-31"}, []),
    ]
    for given, expected in cases:
        assert await recipients(client, account, **given) == expected, given


async def test_filters(client: httpx2.AsyncClient, make: Factories) -> None:
    account = await make.account(x_headers=["X-Campaign"], senders=["a@example.com", "b@example.com"])
    first, second = account.senders.values()
    await make.copies(
        [
            CopySpec(account.id, first, AT, "Ann@example.org", x_headers={"X-Campaign": "spring"}),
            CopySpec(account.id, second, AT, "bob@xn--bcher-kva.example", x_headers={"X-Campaign": "Spring"}),
            CopySpec(account.id, second, AT, "cy@example.org"),
        ]
    )
    cases: list[tuple[dict[str, str], list[str]]] = [
        ({"sender": "B@example.com"}, ["bob", "cy"]),
        ({"sender": "B <b@example.com>"}, ["bob", "cy"]),
        ({"sender": "nobody@example.com"}, []),
        ({"emailaddress": "ann@EXAMPLE.org"}, ["Ann"]),
        ({"recipient": "Ann <ann@example.org>, cy@example.org"}, ["Ann"]),
        ({"recipient": "ann@example.org", "emailaddress": "cy@example.org"}, ["cy"]),
        ({"emailaddress": "bob@bücher.example"}, ["bob"]),
        ({"domain": "EXAMPLE.org"}, ["Ann", "cy"]),
        ({"domain": "bücher.example"}, ["bob"]),
        ({"x-campaign": "spring"}, ["Ann"]),
        ({"X-CAMPAIGN": "spring", "domain": "example.org", "sender": "a@example.com"}, ["Ann"]),
        ({"X-Campaign": "spring", "sender": "b@example.com"}, []),
        ({"X-Other": "spring"}, ["Ann", "bob", "cy"]),
        ({"user_id": "1", "limit": "1", "start_index": "2"}, ["Ann", "bob", "cy"]),
    ]
    for given, expected in cases:
        day = {"startdate": "2016-11-22", "enddate": "2016-11-22"}
        assert await recipients(client, account, **day, **given) == expected, given
        count = await ask(client, account, "sent/count", {**day, **given})
        assert count == (200, {"count": str(len(expected))}), given


@pytest.mark.parametrize("spelled", ["n@bücher.example", "N@XN--BCHER-KVA.example", "N <n@bücher.example>"])
async def test_refusals_are_found_by_their_sender_as_the_client_spells_it(
    spelled: str, client: httpx2.AsyncClient, make: Factories
) -> None:
    account = await make.account()
    mail = {"apikey": account.key, "from": "n@bücher.example", "to": "a@example.org", "subject": "s", "bodytext": "t"}
    assert (await client.post("/rest/json/send", data=mail)).status_code == 200
    assert await ask(client, account, "issues/count", {"sender": spelled}) == (200, {"count": "1"})
    assert await ask(client, account, "issues/count", {"sender": "m@bücher.example"}) == (200, {"count": "0"})


async def test_pages_hold_500_and_a_post_does_the_same(client: httpx2.AsyncClient, make: Factories) -> None:
    account = await make.account(senders=["a@example.com"])
    await lay(make, account, *(AT + timedelta(seconds=number // 3) for number in range(501)))
    names = [f"r{number}" for number in range(501)]
    assert await recipients(client, account, starttime="2016-11-22") == names[:500]
    assert await recipients(client, account, starttime="2016-11-22", startindex="1") == names[1:]
    assert await recipients(client, account, starttime="2016-11-22", startindex="500") == names[500:]
    assert await recipients(client, account, starttime="2016-11-22", startindex="501") == []
    fields = {"apikey": account.key, "starttime": "2016-11-22", "startindex": "499"}
    posted = await client.post("/rest/json/reports/sent/", data=fields)
    assert [one["emailaddress"] for one in posted.json()["response"]["data"]["sent"]] == [
        "r499@example.org",
        "r500@example.org",
    ]
    head = await client.head("/rest/json/reports/sent", params=fields)
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize(
    ("moment", "before"),
    [
        ("2026-03-31T10:00:00.5", "2026-02-28T10:00:00.5"),
        ("2024-03-30T00:00:00", "2024-02-29T00:00:00"),
        ("2026-01-15T00:00:00", "2025-12-15T00:00:00"),
        ("0001-01-15T00:00:00", "0001-01-15T00:00:00"),
    ],
)
def test_a_month_before(moment: str, before: str) -> None:
    first, second = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (moment, before))
    assert month_before(first) == second
