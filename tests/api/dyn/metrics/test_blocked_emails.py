"""`/blocked-emails`, `/blocked-email/counts` and `/blocked-email/reasons` over HTTP (docs/contract/dyn-metrics.md, 7)."""

import json
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from app.core.messages import email_id
from tests.factories import Factories, MadeAccount
from tests.factories.copies import CopySpec

MIDNIGHT = datetime(2016, 11, 22, tzinfo=UTC)
RANGE = "start_time=1479772800&end_time=1479859200"
FIELDS = ["processing_time", "resp_time", "data", "api_host", "recv_time"]


@pytest.fixture
async def made(make: Factories) -> MadeAccount:
    """An account with a blocked copy for each reason, one second after the other, and one that was delivered."""
    account = await make.account(x_headers=["X-Campaign"], senders=["sender1@example.com"])
    sender = account.senders["sender1@example.com"]
    reasons = ("unsubscribe", "complaint", "hardbounce", "softbounce", "manual", "deleted")
    for number, reason in enumerate(reasons):
        await make.blocked(
            account.id,
            sender,
            MIDNIGHT + timedelta(seconds=number),
            f"R{number}@example.{'com' if number else 'org'}",
            reason=reason,
            x_headers={"X-Campaign": "spring"} if number else None,
            postback_at=MIDNIGHT + timedelta(minutes=1) if reason == "hardbounce" else None,
            # Blocked at its second attempt, on the next day: it is one of the day of its acceptance.
            finished_at=MIDNIGHT + timedelta(days=1) if reason == "manual" else None,
        )
    await make.delivered(account.id, sender, MIDNIGHT)
    return account


async def get(client: httpx2.AsyncClient, path: str, key: str, **headers: str) -> httpx2.Response:
    return await client.get(path, headers={"authorization": f"apikey={key}", **headers})


async def test_the_list_has_five_fields_and_ten_keys(client: httpx2.AsyncClient, made: MadeAccount) -> None:
    body = (await get(client, f"/blocked-emails?{RANGE}", made.key)).json()
    assert list(body) == FIELDS
    first = body["data"][0]
    assert json.dumps(first) == json.dumps(
        {
            "email_address": "R0@example.org",
            "postback_time": 0,
            "user_id": made.id,
            "xheaders": None,
            "domain": "example.org",
            "email_id": email_id(MIDNIGHT, int(first["email_id"][15:27], 16), "mail-1"),
            "process_time": 1479772800,
            "sender_id": made.senders["sender1@example.com"],
            "blocked_reason": "unsubscribe",
            "local": "R0",
        }
    )
    reasons = [row["blocked_reason"] for row in body["data"]]
    assert reasons == ["unsubscribe", "complaint", "hardbounce", "softbounce", "manual", "manual"]
    assert [row["postback_time"] for row in body["data"]] == [0, 0, 1479772860, 0, 0, 0]
    assert [row["process_time"] - 1479772800 for row in body["data"]] == list(range(6))


async def test_filters(client: httpx2.AsyncClient, made: MadeAccount, subtests: pytest.Subtests) -> None:
    cases: list[tuple[str, int]] = [
        ("blocked_reason=manual", 2),
        ("blocked_reason=softbounce", 1),
        ("domain=EXAMPLE.com", 5),
        ("local=r3", 1),
        ("recipient=r3%40example.com", 1),
        ("X-Campaign=spring", 5),
        ("xheaders=X-Campaign%3Dspring&blocked_reason=unsubscribe", 0),
        ("sender=SENDER1@example.com", 6),
        ("sender_id=1000000", 0),
        ("user_id=0", 0),
        ("offset=4", 2),
        ("offset=6", 0),
        ("envelope=always", 6),
        ("end_time=1479772802", 2),
    ]
    for query, expected in cases:
        with subtests.test(query):
            response = await get(client, f"/blocked-emails?{RANGE}&{query}", made.key)
            assert response.status_code == 200, response.text
            assert len(response.json()["data"]) == expected


async def test_counts_by_sender_by_user_and_over_time(client: httpx2.AsyncClient, made: MadeAccount) -> None:
    sender = made.senders["sender1@example.com"]

    def row(soft: int, hard: int, blocked: int) -> dict[str, object]:
        return {
            "bounce_count": soft + hard,
            "sender_id": sender,
            "sender": "sender1@example.com",
            "soft_bounce_count": soft,
            "hard_bounce_count": hard,
            "blocked_email_count": blocked,
        }

    point = {"timestamp": 1479772800, "blocked_email_count": 6}
    cases: list[tuple[str, object]] = [
        ("", [row(1, 1, 6)]),
        ("&blocked_reason=hardbounce", [row(0, 1, 1)]),
        ("&blocked_reason=manual", [row(0, 0, 2)]),
        ("&rollup_to=user", [{"user_id": made.id, "blocked_email_count": 6}]),
        ("&timeseries=day", {str(sender): [point]}),
        ("&timeseries=day&rollup_to=user", {str(made.id): [point]}),
        ("&timeseries=day&blocked_reason=manual", {str(sender): [point | {"blocked_email_count": 2}]}),
        ("&user_id=999", []),
        ("&user_id=999&timeseries=hour", {}),
    ]
    for query, expected in cases:
        for path in ("/blocked-email/counts", "/blocked-emails/counts", "/blocked-email/counts/"):
            body = (await get(client, f"{path}?{RANGE}{query}", made.key)).json()
            assert list(body) == FIELDS
            assert json.dumps(body["data"]) == json.dumps(expected), query


async def test_counts_of_a_cut_hour_are_the_rows_of_the_list(client: httpx2.AsyncClient, made: MadeAccount) -> None:
    for seconds in range(1, 7):
        asked = f"start_time=1479772799&end_time={1479772800 + seconds}"
        rows = (await get(client, f"/blocked-emails?{asked}", made.key)).json()["data"]
        counts = (await get(client, f"/blocked-email/counts?{asked}", made.key)).json()["data"]
        assert len(rows) == counts[0]["blocked_email_count"] == seconds


async def test_bad_parameters_are_named(
    client: httpx2.AsyncClient, made: MadeAccount, subtests: pytest.Subtests
) -> None:
    cases: list[tuple[str, str]] = [
        (f"/blocked-emails?{RANGE}&blocked_reason=deleted", "blocked_reason"),
        (f"/blocked-email/counts?{RANGE}&blocked_reason=x", "blocked_reason"),
        (f"/blocked-email/counts?{RANGE}&rollup_to=x", "rollup_to"),
        (f"/blocked-emails?{RANGE}&offset=x", "offset"),
        (f"/blocked-emails?{RANGE}&envelope=x", "envelope"),
        ("/blocked-email/reasons?envelope=x", "envelope"),
    ]
    for path, name in cases:
        with subtests.test(path):
            refused = await get(client, path, made.key)
            assert refused.status_code == 452
            assert refused.json()["error"]["details"] == [f"The {name} is not valid."]


async def test_reasons(client: httpx2.AsyncClient, made: MadeAccount) -> None:
    for path in ("/blocked-email/reasons", "/blocked-emails/reasons", "/blocked/reasons"):
        body = (await get(client, path, made.key)).json()
        assert body["data"] == ["complaint", "hardbounce", "manual", "softbounce", "unsubscribe"]
        assert (await client.get(path)).status_code == 451
        assert (await client.post(path)).headers["allow"] == "GET, HEAD"


async def test_xml_and_html(client: httpx2.AsyncClient, made: MadeAccount) -> None:
    xml = {"accept": "application/xml"}
    listed = (await get(client, f"/blocked-emails?{RANGE}", made.key, **xml)).text
    assert listed.count("<blocked-email><email_address>") == 6
    counted = (await get(client, f"/blocked-email/counts?{RANGE}", made.key, **xml)).text
    assert "<data><count><bounce_count>2</bounce_count>" in counted
    assert "<data><reason>complaint</reason>" in (await get(client, "/blocked/reasons", made.key, **xml)).text
    page = await get(client, f"/blocked-emails?{RANGE}", made.key, accept="text/html")
    assert page.headers["content-type"] == "text/html; charset=utf-8"


async def test_another_account_sees_nothing(client: httpx2.AsyncClient, made: MadeAccount, make: Factories) -> None:
    other = await make.account(senders=["o@x.example"])
    sender = made.senders["sender1@example.com"]
    queries = f"x= user_id={made.id} sender=sender1@example.com sender_id={sender} recipient=r0@example.org"
    for query in queries.split():
        assert (await get(client, f"/blocked-emails?{RANGE}&{query}", other.key)).json()["data"] == []
        assert (await get(client, f"/blocked-email/counts?{RANGE}&{query}", other.key)).json()["data"] == []
        series = await get(client, f"/blocked-email/counts?{RANGE}&{query}&timeseries=day", other.key)
        assert series.json()["data"] == {}


async def test_a_master_sees_its_subs_and_pages_hold_five_hundred(client: httpx2.AsyncClient, make: Factories) -> None:
    master = await make.account(senders=["m@x.example"])
    sub = await make.account(parent=master, senders=["s@x.example"])
    whose = [(one.id, next(iter(one.senders.values()))) for one in (master, sub)]
    await make.copies(
        CopySpec(*whose[number % 2], MIDNIGHT + timedelta(seconds=number), delivered=False, blocked_reason="complaint")
        for number in range(501)
    )
    pages = [
        (await get(client, f"/blocked-emails?{RANGE}&offset={offset}", master.key)).json()["data"]
        for offset in (0, 500, 501)
    ]
    assert [len(page) for page in pages] == [500, 1, 0]
    assert [row["process_time"] for page in pages for row in page] == list(range(1479772800, 1479773301))
    assert len((await get(client, f"/blocked-emails?{RANGE}", sub.key)).json()["data"]) == 250
