"""`/emails` and `/email/counts` over HTTP (docs/contract/dyn-metrics.md)."""

import json
import re
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from tests.factories import Factories, MadeAccount
from tests.factories.copies import CopySpec

MIDNIGHT = datetime(2016, 11, 22, tzinfo=UTC)
RANGE = "start_time=1479772800&end_time=1479859200"
FIELDS = ["processing_time", "resp_time", "data", "api_host", "recv_time"]
ERROR_FIELDS = ["processing_time", "resp_time", "error", "api_host", "recv_time"]


@pytest.fixture
async def made(make: Factories) -> MadeAccount:
    """A master with three copies: two delivered, the last one an hour later and still on its way."""
    account = await make.account(x_headers=["X-Campaign"], senders=["sender1@example.com"])
    sender = account.senders["sender1@example.com"]
    await make.copies(
        [
            CopySpec(account.id, sender, MIDNIGHT, "recipient3@example.org", x_headers={"X-Campaign": "Notification"}),
            CopySpec(
                account.id, sender, MIDNIGHT + timedelta(seconds=1), "Ann@Other.example".replace("Other", "other")
            ),
            CopySpec(account.id, sender, MIDNIGHT + timedelta(hours=1), "recipient3@example.org", delivered=False),
        ]
    )
    return account


async def get(client: httpx2.AsyncClient, path: str, key: str | None, **headers: str) -> httpx2.Response:
    if key is not None:
        headers["authorization"] = f"apikey={key}"
    return await client.get(path, headers=headers)


def error_of(response: httpx2.Response) -> dict[str, object]:
    body = response.json()
    assert list(body) == ERROR_FIELDS
    assert body["error"]["code"] == response.status_code
    error: dict[str, object] = body["error"]
    return error


async def test_the_list_has_five_fields_and_nine_keys(client: httpx2.AsyncClient, made: MadeAccount) -> None:
    response = await get(client, f"/emails?{RANGE}", made.key)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert list(body) == FIELDS
    assert body["api_host"] == "mail.example.com"
    assert body["processing_time"] == round(body["resp_time"] - body["recv_time"], 4) >= 0
    first = body["data"][0]
    assert re.fullmatch(r"20161122000000\.[0-9a-f]{12}@mail-1", first.pop("email_id"))
    assert json.dumps(first) == json.dumps(
        {
            "email_address": "recipient3@example.org",
            "domain": "example.org",
            "user_id": made.id,
            "xheaders": {"X-Campaign": "Notification"},
            "delivered": True,
            "process_time": 1479772800,
            "sender_id": made.senders["sender1@example.com"],
            "local": "recipient3",
        }
    )
    assert [row["xheaders"] for row in body["data"][1:]] == [None, None]
    assert [row["delivered"] for row in body["data"]] == [True, True, False]


async def test_the_keys_of_a_row_keep_the_order_of_the_document(client: httpx2.AsyncClient, made: MadeAccount) -> None:
    rows = (await get(client, f"/emails?{RANGE}", made.key)).json()["data"]
    keys = "email_address domain user_id xheaders delivered email_id process_time sender_id local"
    assert all(list(row) == keys.split() for row in rows)


async def test_filters(client: httpx2.AsyncClient, made: MadeAccount, subtests: pytest.Subtests) -> None:
    cases: list[tuple[str, int]] = [
        ("delivered=1", 2),
        ("delivered=true", 2),
        ("delivered=0", 1),
        ("delivered=false", 1),
        ("delivered=", 3),
        ("domain=EXAMPLE.ORG", 2),
        ("local=ANN", 1),
        ("recipient=Recipient3%40example.org", 2),
        ("X-Campaign=Notification", 1),
        ("x-campaign=Notification", 1),
        ("xheaders=X-Campaign%3DNotification", 1),
        ("xheaders=nonsense", 3),
        ("X-Unknown=1", 3),
        ("sender=SENDER1@example.com", 3),
        ("sender=who", 0),
        ("sender_id=999999999999999999999999999", 0),
        ("user_id=0", 0),
        ("offset=2", 1),
        ("offset=3", 0),
        ("offset=99999999999999999999", 0),
        ("envelope=always", 3),
        ("unknown=1&Domain=nowhere", 3),
        ("domain=%00", 3),
        ("domain=example.%00org", 2),
        ("recipient=%ff%fe", 0),
    ]
    for query, expected in cases:
        with subtests.test(query):
            response = await get(client, f"/emails?{RANGE}&{query}", made.key)
            assert response.status_code == 200, response.text
            assert len(response.json()["data"]) == expected


async def test_times(client: httpx2.AsyncClient, made: MadeAccount, subtests: pytest.Subtests) -> None:
    cases: list[tuple[str, str, int]] = [
        ("1479772800", "1479772801", 1),
        ("1479772800.9999", "1479772801.2", 1),
        ("1479772800000", "1479772802000", 2),
        ("2016-11-22T00:00:00Z", "2016-11-22T01:00:00Z", 2),
        ("2016-11-22", "2016-11-23", 3),
        ("2016-11-22T01:00:00%2B01:00", "2016-11-22T02:00:01+01:00", 3),
        ("2016-11-21T19:00:00-05:00", "2016-11-21T19:00:01-0500", 1),
        ("0001-01-01", "9999-12-31", 3),
    ]
    for start, end, expected in cases:
        with subtests.test(start):
            for path in (
                f"/emails?start_time={start}&end_time={end}",
                f"/email/counts?start_time={start}&end_time={end}",
            ):
                response = await get(client, path, made.key)
                assert response.status_code == 200, response.text
                data = response.json()["data"]
                assert (len(data) if path.startswith("/emails") else data[0]["sent_count"]) == expected


async def test_counts_by_sender_by_user_and_over_time(client: httpx2.AsyncClient, made: MadeAccount) -> None:
    sender = made.senders["sender1@example.com"]
    cases: list[tuple[str, object]] = [
        ("", [{"sender_id": sender, "sent_count": 3, "sender": "sender1@example.com"}]),
        ("&rollup_to=user", [{"user_id": made.id, "sent_count": 3}]),
        ("&timeseries=day", {str(sender): [{"timestamp": 1479772800, "sent_count": 3}]}),
        ("&timeseries=day&rollup_to=user", {str(made.id): [{"timestamp": 1479772800, "sent_count": 3}]}),
        ("&user_id=999", []),
        ("&user_id=999&timeseries=day", {}),
        (
            "&domain=nowhere.example&X-Campaign=ignored&offset=nonsense",
            [{"sender_id": sender, "sent_count": 3, "sender": "sender1@example.com"}],
        ),
    ]
    for query, expected in cases:
        for path in ("/email/counts", "/emails/counts", "/email/counts/"):
            response = await get(client, f"{path}?{RANGE}{query}", made.key)
            body = response.json()
            assert list(body) == FIELDS
            assert json.dumps(body["data"]) == json.dumps(expected), query


async def test_a_series_is_filled_with_zeros_and_may_begin_before_its_range(
    client: httpx2.AsyncClient, made: MadeAccount
) -> None:
    query = "start_time=2016-11-21T22:30:00Z&end_time=2016-11-22T01:00:01Z&timeseries=hour"
    data = (await get(client, f"/email/counts?{query}", made.key)).json()["data"]
    assert [(point["timestamp"] - 1479772800, point["sent_count"]) for point in next(iter(data.values()))] == [
        (-7200, 0),
        (-3600, 0),
        (0, 2),
        (3600, 1),
    ]


async def test_bad_parameters_of_both_are_named(
    client: httpx2.AsyncClient, made: MadeAccount, subtests: pytest.Subtests
) -> None:
    cases: list[tuple[str, list[str]]] = [
        ("", ["The start_time can not be blank.", "The end_time can not be blank."]),
        ("start_time=&end_time=1", ["The start_time can not be blank."]),
        (
            "start_time=x&user_id=y",
            ["The start_time is not valid.", "The end_time can not be blank.", "The user_id is not valid."],
        ),
        ("start_time=2&end_time=2", ["The end_time is not valid."]),
        ("start_time=99999999999&end_time=2", ["The start_time is not valid."]),
        (f"{RANGE}&sender_id=1.5", ["The sender_id is not valid."]),
        (f"{RANGE}&envelope=never", ["The envelope is not valid."]),
    ]
    for query, details in cases:
        with subtests.test(query):
            for path in ("/emails", "/email/counts"):
                response = await get(client, f"{path}?{query}", made.key)
                assert response.status_code == 452
                error = error_of(response)
                assert error == {"code": 452, "message": "Missing or Invalid Required Fields", "details": details}


async def test_series_of_times_in_which_nothing_can_be_are_empty(
    client: httpx2.AsyncClient, made: MadeAccount, subtests: pytest.Subtests
) -> None:
    for span in ("start_time=1960-01-01&end_time=1961-01-01", "start_time=9999-12-30&end_time=9999-12-31"):
        for step in ("hour", "day"):
            with subtests.test(f"{span}, by {step}"):
                response = await get(client, f"/email/counts?{span}&timeseries={step}", made.key)
                assert (response.status_code, response.json()["data"]) == (200, {})


async def test_bad_parameters_of_one_are_named(
    client: httpx2.AsyncClient, made: MadeAccount, subtests: pytest.Subtests
) -> None:
    cases: list[tuple[str, str]] = [
        (f"/emails?{RANGE}&offset=-1", "offset"),
        (f"/emails?{RANGE}&offset=1e3", "offset"),
        (f"/emails?{RANGE}&delivered=2", "delivered"),
        (f"/email/counts?{RANGE}&rollup_to=domain", "rollup_to"),
        (f"/email/counts?{RANGE}&timeseries=minute", "timeseries"),
        (f"/email/counts?{RANGE}&timeseries=Hour", "timeseries"),
        ("/email/counts?start_time=1000000000&end_time=2000000000&timeseries=hour", "timeseries"),
    ]
    for path, name in cases:
        with subtests.test(path):
            response = await get(client, path, made.key)
            assert response.status_code == 452
            assert error_of(response)["details"] == [f"The {name} is not valid."]


async def test_credentials(client: httpx2.AsyncClient, made: MadeAccount, make: Factories) -> None:
    path = f"/emails?{RANGE}"
    for headers in ({"authorization": f"apikey={made.key}"}, {"authorization": f"Bearer {made.key}"}):
        assert (await client.get(path, headers=headers)).status_code == 200
    assert (await client.get(f"{path}&apikey={made.key}")).status_code == 200
    wrong = await client.get(f"{path}&apikey={made.key}", headers={"authorization": "apikey=wrong"})
    nobody = await client.get("/emails")
    for refused in (wrong, nobody):
        assert refused.status_code == 451
        assert error_of(refused) == {"code": 451, "message": "Missing or Invalid API Key", "details": []}
    sends_only = await make.api_key(made.id, "send")
    refused = await get(client, path, sends_only)
    assert refused.status_code == 454
    assert error_of(refused)["message"] == "Feature Not Enabled"
    assert (await get(client, path, await make.api_key(made.id, "read"))).status_code == 200


async def test_other_verbs_and_unknown_paths(client: httpx2.AsyncClient, made: MadeAccount) -> None:
    for path in ("/emails", "/email/counts", "/emails/counts"):
        refused = await client.post(path)
        assert refused.status_code == 405
        assert refused.headers["allow"] == "GET, HEAD"
        assert error_of(refused)["message"] == "Method Not Allowed"
        assert (await client.head(f"{path}?{RANGE}&apikey={made.key}")).status_code == 200
    for path in ("/emails/nothing", "/email", "/bounce", "/bounce/1/2/3", "/blocked-email", "/blocked-emails/x"):
        unknown = await get(client, path, made.key)
        assert unknown.status_code == 404
        assert error_of(unknown) == {"code": 404, "message": "Not Found", "details": []}


async def test_the_format_follows_accept(
    client: httpx2.AsyncClient, made: MadeAccount, subtests: pytest.Subtests
) -> None:
    cases: list[tuple[str, str]] = [
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("image/png", "application/json"),
        ("application/xml", "text/xml; charset=utf-8"),
        ("text/xml;q=0.5, application/json;q=0.4", "text/xml; charset=utf-8"),
        ("text/xml, application/json", "application/json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"),
        ("text/html;q=0", "application/json"),
        ("text/html;q=nonsense", "application/json"),
    ]
    for accept, kind in cases:
        with subtests.test(accept):
            response = await get(client, f"/emails?{RANGE}", made.key, accept=accept)
            assert response.headers["content-type"] == kind
            failed = await get(client, "/emails", None, accept=accept)
            assert failed.headers["content-type"] == kind


async def test_xml_has_the_same_tree(client: httpx2.AsyncClient, made: MadeAccount) -> None:
    xml = {"accept": "application/xml"}
    emails = (await get(client, f"/emails?{RANGE}&delivered=1", made.key, **xml)).text
    assert emails.startswith('<?xml version="1.0" encoding="UTF-8"?><response><processing_time>')
    assert emails.count("<email><email_address>") == 2
    assert '<xheaders><record name="X-Campaign">Notification</record></xheaders><delivered>true</delivered>' in emails
    counts = (await get(client, f"/email/counts?{RANGE}", made.key, **xml)).text
    sender = made.senders["sender1@example.com"]
    assert f"<data><count><sender_id>{sender}</sender_id><sent_count>3</sent_count>" in counts
    series = (await get(client, f"/email/counts?{RANGE}&timeseries=day", made.key, **xml)).text
    point = "<point><timestamp>1479772800</timestamp><sent_count>3</sent_count></point>"
    assert f'<data><series id="{sender}">{point}</series></data>' in series
    empty = (await get(client, f"/email/counts?{RANGE}&timeseries=day&user_id=0", made.key, **xml)).text
    assert "<data/>" in empty
    failed = (await get(client, "/emails?end_time=1", made.key, **xml)).text
    assert (
        "<error><code>452</code><message>Missing or Invalid Required Fields</message>"
        "<details><detail>The start_time can not be blank.</detail></details></error>"
    ) in failed


async def test_a_master_sees_its_subs_and_a_sub_only_itself(client: httpx2.AsyncClient, make: Factories) -> None:
    master = await make.account(senders=["m@x.example"])
    sub = await make.account(parent=master, senders=["s@x.example"])
    await make.copies(CopySpec(one.id, next(iter(one.senders.values())), MIDNIGHT) for one in (master, sub))
    seen = {}
    for name, key, query in (
        ("master", master.key, ""),
        ("named", master.key, f"&user_id={sub.id}"),
        ("sub", sub.key, ""),
    ):
        rows = (await get(client, f"/emails?{RANGE}{query}", key)).json()["data"]
        seen[name] = [row["user_id"] for row in rows]
    assert seen == {"master": [master.id, sub.id], "named": [sub.id], "sub": [sub.id]}


async def test_pages_hold_five_hundred(client: httpx2.AsyncClient, make: Factories) -> None:
    account = await make.account(senders=["a@x.example"])
    sender = account.senders["a@x.example"]
    await make.copies(CopySpec(account.id, sender, MIDNIGHT + timedelta(seconds=number)) for number in range(501))
    pages = [
        (await get(client, f"/emails?{RANGE}&offset={offset}", account.key)).json()["data"] for offset in (0, 500, 501)
    ]
    assert [len(page) for page in pages] == [500, 1, 0]
    assert [row["process_time"] for page in pages for row in page] == list(range(1479772800, 1479773301))


async def test_mail_sent_by_send_is_listed_and_counted(client: httpx2.AsyncClient, make: Factories) -> None:
    account = await make.account(x_headers=["X-Campaign"], senders=["a@x.example"])
    await make.suppression(account.id, "blocked@example.com")
    sent = await client.post(
        "/rest/json/send",
        data={
            "apikey": account.key,
            "from": "a@x.example",
            "to": "one@example.com, blocked@example.com",
            "subject": "s",
            "bodytext": "t",
            "x-campaign": "spring",
        },
    )
    assert sent.json()["response"]["data"] == "250 2.1.0 Ok"
    now = datetime.now(UTC)
    range_ = f"start_time={int((now - timedelta(hours=3)).timestamp())}&end_time={int((now + timedelta(minutes=9)).timestamp())}"
    rows = (await get(client, f"/emails?{range_}", account.key)).json()["data"]
    assert sorted((row["email_address"], row["delivered"], row["xheaders"]["X-Campaign"]) for row in rows) == [
        ("blocked@example.com", False, "spring"),
        ("one@example.com", False, "spring"),
    ]
    counts = (await get(client, f"/email/counts?{range_}", account.key)).json()["data"]
    assert [row["sent_count"] for row in counts] == [2]
