"""`/api/trireme/v1/metrics`, over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from app.kit.uids import Noun, uid, uuid
from tests.api.native.calling import Native
from tests.factories import Factories, MadeAccount
from tests.factories.history import BounceSpec

SENDER = "news@example.com"
AT = datetime(2016, 11, 6, 4, 30, tzinfo=UTC)  # 00:30 in New York, on the day with 25 hours
DAY = {"start": "2016-11-06T00:00:00Z", "end": "2016-11-08T00:00:00Z"}
METRICS = [
    "accepted",
    "delivered",
    "deferred",
    "hard_bounces",
    "soft_bounces",
    "blocked",
    "refused",
    "opens",
    "unique_opens",
    "clicks",
    "unique_clicks",
    "complaints",
    "unsubscribes",
    "subscribed",
    "unsubscribed",
]


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account(senders=[SENDER])


async def lay(make: Factories, account: MadeAccount) -> None:
    """Deliver four mails a day apart in hours, open two, bounce one, block one."""
    sender = account.senders[SENDER]
    copies = [
        await make.delivered(account.id, sender, AT + timedelta(hours=12 * number), f"r@{'ab'[number % 2]}.example")
        for number in range(4)
    ]
    await make.opened(copies[0], AT)
    await make.opened(copies[0], AT + timedelta(hours=24, minutes=31))
    await make.clicked(copies[1], AT + timedelta(hours=13), "https://shop.example/")
    await make.bounced(copies[3], BounceSpec(AT + timedelta(hours=37), "soft", "quota-issues"))
    await make.blocked(account.id, sender, AT, "r@a.example")


async def found(native: Native, path: str, **query: Any) -> dict[str, Any]:
    answer = await native("GET", path, **{**DAY, **query})
    assert answer.status_code == 200, answer.text
    whole: dict[str, Any] = answer.json()
    return whole


async def test_the_summary_has_all_metrics_and_rates(
    client: httpx2.AsyncClient, make: Factories, account: MadeAccount
) -> None:
    await lay(make, account)
    native = Native(client, account.key)
    counts = {"accepted": 5, "delivered": 4, "soft_bounces": 1, "blocked": 1, "opens": 2, "unique_opens": 1}
    assert await found(native, "/metrics/summary") == {
        "start": "2016-11-06T00:00:00.000Z",
        "end": "2016-11-08T00:00:00.000Z",
        "totals": dict.fromkeys(METRICS, 0) | counts | {"clicks": 1, "unique_clicks": 1},
        "rates": {"delivery": 1.0, "bounce": 0.25, "open": 0.25, "click": 0.25, "complaint": 0.0, "unsubscribe": 0.0},
    }
    totals = (await found(native, "/metrics/summary", domain="A.example"))["totals"]
    assert (totals["accepted"], totals["opens"], totals["clicks"]) == (3, 2, 0)


async def test_a_series_has_a_point_for_each_day_of_a_zone(
    client: httpx2.AsyncClient, make: Factories, account: MadeAccount
) -> None:
    await lay(make, account)
    native = Native(client, account.key)
    given = {"metrics": "delivered,opens", "interval": "day", "time_zone": "America/New_York", "group_by": "sender"}
    answer = await found(native, "/metrics/timeseries", **given)
    assert answer == {
        "interval": "day",
        "time_zone": "America/New_York",
        "metrics": ["delivered", "opens"],
        "series": [
            {
                "key": {"sender_id": account.senders[SENDER], "sender": SENDER},
                "points": [
                    {"time": "2016-11-05T04:00:00.000Z", "delivered": 0, "opens": 0},
                    {"time": "2016-11-06T04:00:00.000Z", "delivered": 3, "opens": 1},
                    {"time": "2016-11-07T05:00:00.000Z", "delivered": 1, "opens": 1},
                ],
            }
        ],
    }


async def test_one_series_has_no_key_and_others_have_names(
    client: httpx2.AsyncClient, make: Factories, account: MadeAccount
) -> None:
    await lay(make, account)
    campaign = await make.campaign(account, from_email=SENDER)
    run = await make.run(await make.campaign(account, [await make.audience(account)], from_email=SENDER))
    extra: dict[str, object] = {"run_id": run.id, "kind": "campaign"}
    await make.delivered(account.id, account.senders[SENDER], AT, "r@c.example", extra=extra)
    native = Native(client, account.key)
    keys = {
        "none": [None],
        "account": [{"account_id": str(account.public_id), "account": account.username}],
        "campaign": [{"campaign_id": str(uuid(Noun.CAMPAIGN, run.campaign_id)), "campaign": "Campaign 2"}],
        "domain": [{"domain": "a.example"}, {"domain": "b.example"}, {"domain": "c.example"}],
    }
    for group_by, expected in keys.items():
        answer = await found(native, "/metrics/timeseries", metrics="delivered", interval="week", group_by=group_by)
        assert [line["key"] for line in answer["series"]] == expected
        assert [point["time"] for point in answer["series"][0]["points"]] == [
            "2016-10-31T00:00:00.000Z",
            "2016-11-07T00:00:00.000Z",
        ]
    nothing = uid(Noun.CAMPAIGN, campaign.id)
    answer = await found(native, "/metrics/timeseries", metrics="delivered", interval="month", campaign_id=nothing)
    points = [{"time": "2016-11-01T00:00:00.000Z", "delivered": 0}]
    assert answer["series"] == [{"key": None, "points": points}]


async def test_the_largest_come_first(client: httpx2.AsyncClient, make: Factories, account: MadeAccount) -> None:
    await lay(make, account)
    native = Native(client, account.key)
    for metric, by, expected in (
        ("accepted", "domain", [{"key": "a.example", "value": 3}, {"key": "b.example", "value": 2}]),
        ("accepted", "sender", [{"key": SENDER, "value": 5, "sender_id": account.senders[SENDER]}]),
        ("accepted", "campaign", []),
        ("soft_bounces", "category", [{"key": "quota-issues", "value": 1}]),
        ("hard_bounces", "category", []),
        ("unique_clicks", "link", [{"key": "https://shop.example/", "value": 1}]),
    ):
        assert (await found(native, "/metrics/top", metric=metric, by=by))["data"] == expected
    assert (await found(native, "/metrics/top", metric="accepted", by="domain", limit=1))["data"] == [
        {"key": "a.example", "value": 3}
    ]


async def test_a_master_sees_its_subs_and_one_of_them_when_asked(
    client: httpx2.AsyncClient, make: Factories, account: MadeAccount
) -> None:
    sub = await make.account(parent=account, senders=[SENDER])
    await lay(make, sub)
    stranger = await make.account()
    for key, query, expected in (
        (account.key, {}, 5),
        (account.key, {"account_id": str(sub.public_id)}, 5),
        (account.key, {"account_id": str(sub.id)}, 5),
        (account.key, {"account_id": str(account.public_id)}, 0),
        (account.key, {"account_id": str(stranger.public_id)}, 0),
        (sub.key, {}, 5),
        (sub.key, {"account_id": str(account.public_id)}, 0),
        (stranger.key, {"account_id": str(sub.public_id)}, 0),
        (stranger.key, {"sender_id": sub.senders[SENDER]}, 0),
        (stranger.key, {}, 0),
    ):
        answer = await found(Native(client, key), "/metrics/summary", **query)
        assert answer["totals"]["accepted"] == expected, query


BAD: list[dict[str, str]] = [
    {"start": ""},
    {"start": "2016-11-06"},
    {"end": "2016-11-06T00:00:00Z"},
    {"metrics": ""},
    {"metrics": "delivered,bounced"},
    {"interval": "minute"},
    {"interval": "hour", "end": "2017-06-06T00:00:00Z"},
    {"time_zone": "Mars/Olympus"},
    {"time_zone": "../etc/passwd"},
    {"group_by": "link"},
    {"kind": "post"},
    {"sender_id": "x"},
    {"campaign_id": "x"},
    {"audience_id": "x"},
    {"account_id": "x"},
    {"domain": "\0"},
]


async def test_bad_values_are_400(client: httpx2.AsyncClient, account: MadeAccount) -> None:
    native = Native(client, account.key)
    for query in BAD:
        given: dict[str, Any] = {**DAY, "metrics": "delivered", "interval": "day", **query}
        answer = await native("GET", "/metrics/timeseries", **given)
        assert answer.status_code == 400, (query, answer.text)
        assert answer.json()["type"] == "/problems/malformed"


async def test_bad_questions_about_the_largest_are_400(client: httpx2.AsyncClient, account: MadeAccount) -> None:
    native = Native(client, account.key)
    good: dict[str, Any] = {"metric": "opens", "by": "domain", **DAY}
    for query in ({"by": "category"}, {"by": "link"}, {"by": "none"}, {"metric": "x"}, {"limit": 0}, {"limit": 201}):
        answer = await native("GET", "/metrics/top", **good | query)
        assert answer.status_code == 400, answer.text
    assert (await native("GET", "/metrics/summary")).status_code == 400


async def test_a_plus_that_was_not_escaped_is_one(client: httpx2.AsyncClient, account: MadeAccount) -> None:
    native = Native(client, account.key)
    for zone in ("UTC+05:30", "UTC 05:30", "Asia/Kolkata"):
        answer = await found(native, "/metrics/timeseries", metrics="opens", time_zone=zone)
        assert [point["time"] for point in answer["series"][0]["points"]] == [
            "2016-11-05T18:30:00.000Z",
            "2016-11-06T18:30:00.000Z",
            "2016-11-07T18:30:00.000Z",
        ]
