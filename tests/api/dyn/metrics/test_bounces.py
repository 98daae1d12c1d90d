"""`/bounces`, `/bounce/...`, `/bounce/counts` and `/bounce/categories` over HTTP (docs/contract/dyn-metrics.md, 5)."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import httpx2
import pytest

from app.core.messages import email_id
from tests.factories import Factories, MadeAccount
from tests.factories.copies import CopySpec
from tests.factories.history import BounceSpec, LaidCopy

MIDNIGHT = datetime(2016, 11, 22, tzinfo=UTC)
RANGE = "start_time=1479772800&end_time=1479859200"
FIELDS = ["processing_time", "resp_time", "data", "api_host", "recv_time"]
SOFT = BounceSpec(
    MIDNIGHT + timedelta(seconds=3, microseconds=700_000),
    "soft",
    "policy-related",
    "4.2.0",
    "policyrelated03",
    "450 4.2.0 policy rejected",
    "Return-Path: <>\n\n450 4.2.0 policy rejected",
    postback_at=MIDNIGHT + timedelta(seconds=9),
)


@dataclass(frozen=True)
class Made:
    """A master with a soft bounce, and a sub-account with a hard one an hour later."""

    master: MadeAccount
    sub: MadeAccount
    soft: LaidCopy
    hard: LaidCopy

    @property
    def sender(self) -> int:
        return self.master.senders["sender1@example.com"]

    def path(self, **parts: object) -> str:
        """Return the path of the soft bounce, some parts replaced."""
        given: dict[str, object] = {
            "user": self.master.id,
            "sender": self.sender,
            "time": 1479772803,
            "email": email_id(self.soft.accepted_at, self.soft.message_id, "mail-1"),
            **parts,
        }
        return "/bounce/" + "/".join(str(part) for part in given.values())


@pytest.fixture
async def made(make: Factories) -> Made:
    master = await make.account(x_headers=["X-Campaign"], senders=["sender1@example.com"])
    sub = await make.account(parent=master, senders=["s@x.example"])
    sender = master.senders["sender1@example.com"]
    soft = await make.sent(master.id, sender, MIDNIGHT, "Recipient1@example.com", x_headers={"X-Campaign": "spring"})
    hard = await make.delivered(sub.id, sub.senders["s@x.example"], MIDNIGHT - timedelta(days=1), "r2@example.org")
    await make.bounced(soft, SOFT)
    await make.bounced(hard, BounceSpec(MIDNIGHT + timedelta(hours=1)))
    await make.delivered(master.id, sender, MIDNIGHT, "fine@example.org")
    return Made(master, sub, soft, hard)


async def get(client: httpx2.AsyncClient, path: str, key: str, **headers: str) -> httpx2.Response:
    return await client.get(path, headers={"authorization": f"apikey={key}", **headers})


async def test_the_list_is_bare_and_has_thirteen_keys(client: httpx2.AsyncClient, made: Made) -> None:
    response = await get(client, f"/bounces?{RANGE}", made.master.key)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    first, second = response.json()
    assert json.dumps(first) == json.dumps(
        {
            "domain": "example.com",
            "bounce_category": "policy-related",
            "email_id": email_id(MIDNIGHT, made.soft.message_id, "mail-1"),
            "postback_time": 1479772809,
            "bounce_time": 1479772803,
            "sender_id": made.sender,
            "bounce_type": "soft",
            "email_address": "Recipient1@example.com",
            "user_id": made.master.id,
            "xheaders": {"X-Campaign": "spring"},
            "bounce_code": "4.2.0",
            "process_time": 1479772800,
            "local": "Recipient1",
        }
    )
    assert list(second) == list(first)
    assert (second["user_id"], second["postback_time"], second["xheaders"]) == (made.sub.id, 0, None)
    assert second["process_time"] == 1479772800 - 86_400, "listed by the time of the bounce"


async def test_the_five_fields_on_demand_and_by_setting(
    client: httpx2.AsyncClient, made: Made, subtests: pytest.Subtests
) -> None:
    for path in ("/bounces", "/bounce/counts", "/bounce/counts?timeseries=day&x=", "/bounces/counts"):
        with subtests.test(path):
            asked = f"{path}{'&' if '?' in path else '?'}{RANGE}&envelope=always"
            assert list((await get(client, asked, made.master.key)).json()) == FIELDS
    for path in (f"/bounces?{RANGE}&envelope=seed", "/bounce/categories?envelope=x", made.path() + "?envelope=x"):
        refused = await get(client, path, made.master.key)
        assert refused.status_code == 452
        assert refused.json()["error"]["details"] == ["The envelope is not valid."]


async def test_filters(client: httpx2.AsyncClient, made: Made, subtests: pytest.Subtests) -> None:
    cases: list[tuple[str, int]] = [
        ("", 2),
        ("bounce_type=hard", 1),
        ("bounce_type=soft", 1),
        ("bounce_category=policy-related", 1),
        ("bounce_category=blockedcontent", 0),
        ("bounce_category=content-related", 0),
        ("bounce_category=bad-mailbox&bounce_type=soft", 0),
        ("domain=EXAMPLE.com", 1),
        ("local=recipient1", 1),
        ("recipient=recipient1%40EXAMPLE.com", 1),
        ("recipient=recipient9%40example.com", 0),
        ("X-Campaign=spring", 1),
        ("X-Campaign=Spring", 0),
        ("xheaders=x-campaign%3Dspring", 1),
        ("X-Other=spring", 2),
        ("sender=SENDER1@example.com", 1),
        (f"sender_id={made.sender}", 1),
        (f"sender_id={made.sender}&sender=s@x.example", 0),
        (f"user_id={made.sub.id}", 1),
        ("offset=1", 1),
        ("offset=2", 0),
        ("offset=999999999999999999999", 0),
    ]
    for query, expected in cases:
        with subtests.test(query):
            response = await get(client, f"/bounces?{RANGE}&{query}", made.master.key)
            assert response.status_code == 200, response.text
            assert len(response.json()) == expected


async def test_the_range_is_cut_at_seconds_of_the_bounce(client: httpx2.AsyncClient, made: Made) -> None:
    for start, end, expected in ((3, 4, 1), (4, 5, 0), (2, 3, 0), (3, 3600, 1), (3, 3601, 2)):
        asked = f"start_time={1479772800 + start}&end_time={1479772800 + end}"
        assert len((await get(client, f"/bounces?{asked}", made.master.key)).json()) == expected
        counts = (await get(client, f"/bounce/counts?{asked}", made.master.key)).json()["data"]
        assert sum(row["bounce_count"] for row in counts) == expected


async def test_bounces_of_one_second_are_ordered_by_email_id(client: httpx2.AsyncClient, make: Factories) -> None:
    account = await make.account(senders=["a@x.example"])
    sender = account.senders["a@x.example"]
    specs = [CopySpec(account.id, sender, MIDNIGHT + timedelta(seconds=n % 3), delivered=False) for n in range(30)]
    copies = await make.lay(specs)
    later = MIDNIGHT + timedelta(seconds=60)
    await make.bounces(
        [(copy, BounceSpec(later + timedelta(milliseconds=999 - 33 * n))) for n, copy in enumerate(copies)]
    )
    rows = (await get(client, f"/bounces?{RANGE}", account.key)).json()
    ids = [row["email_id"] for row in rows]
    assert len(ids) == 30
    assert ids == sorted(ids)
    for offset in (1, 7, 29):
        page = (await get(client, f"/bounces?{RANGE}&offset={offset}", account.key)).json()
        assert [row["email_id"] for row in page] == ids[offset:]


async def test_pages_hold_five_hundred(client: httpx2.AsyncClient, make: Factories) -> None:
    account = await make.account(senders=["a@x.example"])
    sender = account.senders["a@x.example"]
    copies = await make.lay([CopySpec(account.id, sender, MIDNIGHT, delivered=False)] * 501)
    await make.bounces(
        [(copy, BounceSpec(MIDNIGHT + timedelta(seconds=600 - n // 2))) for n, copy in enumerate(copies)]
    )
    pages = [(await get(client, f"/bounces?{RANGE}&offset={offset}", account.key)).json() for offset in (0, 500, 501)]
    assert [len(page) for page in pages] == [500, 1, 0]
    order = [(row["bounce_time"], row["email_id"]) for page in pages for row in page]
    assert order == sorted(order)
    assert len(set(order)) == 501


async def test_one_bounce_in_full(client: httpx2.AsyncClient, made: Made) -> None:
    keys = """
        domain bounce_category xheaders bounce_code email_id process_time sender_id local bounce_type full_content
        bounce_time diagnostic_code user_id regex_name email_address postback_time
    """
    for path in (made.path(), made.path() + "/", made.path(email=quote(made.path().rpartition("/")[2], safe=""))):
        response = await get(client, path, made.master.key)
        body = response.json()
        assert list(body) == FIELDS
        assert list(body["data"]) == keys.split()
        assert body["data"]["full_content"] == SOFT.content
        assert body["data"]["diagnostic_code"] == f"smtp;{SOFT.diagnostic}"
        assert body["data"]["regex_name"] == SOFT.regex_name


async def test_all_four_parts_have_to_match(client: httpx2.AsyncClient, made: Made, subtests: pytest.Subtests) -> None:
    other_id = email_id(made.hard.accepted_at, made.hard.message_id, "mail-1")
    cases: list[dict[str, object]] = [
        {"user": made.sub.id},
        {"sender": made.sub.senders["s@x.example"]},
        {"time": 1479772804},
        {"email": other_id},
        {"email": "none"},
        {"user": "x"},
        {"user": -1},
        {"sender": "1.0"},
        {"time": "9" * 40},
        {"time": "\u0661"},
        {"email": "20160230000000.000000000001@mail-1"},
    ]
    for parts in cases:
        with subtests.test(parts=parts):
            missing = await get(client, made.path(**parts), made.master.key)
            assert missing.status_code == 404
            assert missing.json()["error"] == {"code": 404, "message": "Not Found", "details": []}


async def test_counts_by_sender_by_user_and_over_time(client: httpx2.AsyncClient, made: Made) -> None:
    sub_sender = made.sub.senders["s@x.example"]
    soft = {"soft_bounce_count": 1, "hard_bounce_count": 0}
    hard = {"soft_bounce_count": 0, "hard_bounce_count": 1}
    day = {"bounce_count": 1, "timestamp": 1479772800}
    by_sender = [
        {"bounce_count": 1, "sender_id": made.sender, "sender": "sender1@example.com", **soft},
        {"bounce_count": 1, "sender_id": sub_sender, "sender": "s@x.example", **hard},
    ]
    cases: list[tuple[str, object]] = [
        ("", by_sender),
        ("&rollup_to=sender", by_sender),
        (
            "&rollup_to=user",
            [
                {"bounce_count": 1, "user_id": made.master.id, **soft},
                {"bounce_count": 1, "user_id": made.sub.id, **hard},
            ],
        ),
        ("&bounce_type=hard", by_sender[1:]),
        (f"&bounce_type=hard&user_id={made.master.id}", []),
        ("&timeseries=day", {str(made.sender): [day | soft], str(sub_sender): [day | hard]}),
        ("&timeseries=day&rollup_to=user&bounce_type=soft", {str(made.master.id): [day | soft]}),
        ("&timeseries=day&user_id=999", {}),
        ("&domain=nowhere.example&X-Campaign=ignored&offset=nonsense", by_sender),
    ]
    for query, expected in cases:
        for path in ("/bounce/counts", "/bounces/counts", "/bounce/counts/"):
            body = (await get(client, f"{path}?{RANGE}{query}", made.master.key)).json()
            data = body if "timeseries" in query else body["data"]
            assert json.dumps(data) == json.dumps(expected), query


async def test_a_series_of_hours_is_filled_with_zeros(client: httpx2.AsyncClient, made: Made) -> None:
    query = "start_time=2016-11-21T23:30:00Z&end_time=2016-11-22T01:00:01Z&timeseries=hour&bounce_type=hard"
    series = (await get(client, f"/bounce/counts?{query}", made.master.key)).json()
    points = series[str(made.sub.senders["s@x.example"])]
    assert [(point["timestamp"] - 1479772800, point["hard_bounce_count"]) for point in points] == [
        (-3600, 0),
        (0, 0),
        (3600, 1),
    ]
    assert len(series) == 1


async def test_bad_parameters_are_named(client: httpx2.AsyncClient, made: Made, subtests: pytest.Subtests) -> None:
    cases: list[tuple[str, list[str]]] = [
        ("/bounces", ["The start_time can not be blank.", "The end_time can not be blank."]),
        ("/bounce/counts", ["The start_time can not be blank.", "The end_time can not be blank."]),
        (f"/bounces?{RANGE}&bounce_type=Hard", ["The bounce_type is not valid."]),
        (
            f"/bounces?{RANGE}&bounce_category=x&offset=-1",
            ["The offset is not valid.", "The bounce_category is not valid."],
        ),
        (f"/bounce/counts?{RANGE}&bounce_type=x", ["The bounce_type is not valid."]),
        (
            f"/bounce/counts?{RANGE}&rollup_to=x&timeseries=x",
            ["The rollup_to is not valid.", "The timeseries is not valid."],
        ),
        ("/bounce/counts?start_time=1&end_time=2000000000&timeseries=hour", ["The timeseries is not valid."]),
    ]
    for path, details in cases:
        with subtests.test(path):
            refused = await get(client, path, made.master.key)
            assert refused.status_code == 452
            assert refused.json()["error"]["details"] == details


async def test_categories(client: httpx2.AsyncClient, made: Made) -> None:
    categories = """
        bad-configuration bad-connection bad-domain bad-mailbox content-related inactive-mailbox invalid-sender
        message-expired no-answer-from-host other policy-related protocol-errors quota-issues relaying-issues
        routing-errors spam-related unclassified virus-related
    """
    expected = categories.split()
    for path in ("/bounce/categories", "/bounces/categories"):
        assert (await get(client, path, made.master.key)).json()["data"] == expected
        assert (await client.get(path)).status_code == 451


async def test_xml_is_always_in_the_five_fields(client: httpx2.AsyncClient, made: Made) -> None:
    xml = {"accept": "application/xml"}
    bounces = (await get(client, f"/bounces?{RANGE}", made.master.key, **xml)).text
    assert "<response><processing_time>" in bounces
    assert "<data><bounce><domain>example.com</domain>" in bounces
    assert '<record name="X-Campaign">spring</record>' in bounces
    series = (await get(client, f"/bounce/counts?{RANGE}&timeseries=day", made.master.key, **xml)).text
    point = "<point><bounce_count>1</bounce_count><timestamp>1479772800</timestamp>"
    assert f'<data><series id="{made.sender}">{point}' in series
    assert "<data><domain>" in (await get(client, made.path(), made.master.key, **xml)).text
    assert (
        "<data><category>bad-configuration</category>"
        in (await get(client, "/bounce/categories", made.master.key, **xml)).text
    )
    page = (await get(client, f"/bounces?{RANGE}", made.master.key, accept="text/html")).text
    assert "<dt>bounce_category</dt><dd>policy-related</dd>" in page


async def test_another_account_sees_nothing(client: httpx2.AsyncClient, made: Made, make: Factories) -> None:
    other = await make.account(senders=["o@x.example"])
    about = f"user_id={made.master.id} sender=sender1@example.com sender_id={made.sender} recipient=r2@example.org"
    visible: dict[str, tuple[set[int], set[int]]] = {
        other.key: (set(), set()),
        made.sub.key: ({made.sub.id}, {made.sub.senders["s@x.example"]}),
    }
    for key in visible:
        assert (await get(client, made.path(), key)).status_code == 404
        for query in about.split():
            seen = (await get(client, f"/bounces?{RANGE}&{query}", key)).json()
            counted = (await get(client, f"/bounce/counts?{RANGE}&{query}", key)).json()["data"]
            assert {row["user_id"] for row in seen} <= visible[key][0]
            assert {row["sender_id"] for row in counted} <= visible[key][1]
            series = (await get(client, f"/bounce/counts?{RANGE}&{query}&timeseries=day", key)).json()
            assert str(made.sender) not in series
    assert (await get(client, f"/bounces?{RANGE}", other.key)).json() == []
