"""`/campaigns`: editing, segments, lists, copies and test mails. Its states are in `test_campaign_states`."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import campaigns, segments
from app.core.accounts import Scope
from app.core.audiences import Audience
from app.db.unit_of_work import unit_of_work
from app.kit.uids import Noun, uid, uuid
from app.settings import Settings
from tests.api.dynosend.delivering import Mailroom, parsed
from tests.api.native.calling import BASE, Native, names_of
from tests.factories import Factories, MadeAccount

SENDER = "team@acme.example"
HTML = '<html><body><p>Hello {FIRST_NAME}</p><a href="https://shop.example/">Shop</a></body></html>'


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account(senders=[SENDER])


@pytest.fixture
async def audience(make: Factories, account: MadeAccount) -> Audience:
    audience = await make.audience(account, fields=["FIRST_NAME", "CITY"])
    await make.contact(audience, "ann@contacts.example", fields={"FIRST_NAME": "Ann", "CITY": "Hue"}, tags=["vip"])
    await make.contact(audience, "bob@contacts.example", fields={"FIRST_NAME": "Bob", "CITY": "Paris"})
    await make.contact(audience, "eve@contacts.example", tags=["vip"], status="unsubscribed")
    return audience


@pytest.fixture
def call(client: httpx2.AsyncClient, account: MadeAccount) -> Native:
    return Native(client, account.key)


@pytest.fixture
def mailroom(settings: Settings, engine: AsyncEngine) -> Mailroom:
    return Mailroom(settings, engine)


async def made(call: Native, audience: Audience | None = None, **members: object) -> dict[str, Any]:
    given: dict[str, object] = {"name": "News", "subject": "Hi", "from_email": SENDER, "html": HTML, **members}
    if audience is not None:
        given.setdefault("audience_ids", [str(uuid(Noun.AUDIENCE, audience.id))])
    answer = await call("POST", "/campaigns", given)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"{BASE}/campaigns/{found['id']}"
    return found


async def vip(engine: AsyncEngine, audience: Audience, **condition: object) -> str:
    async with unit_of_work(engine) as write:
        segment = await segments.create(
            write,
            audience.account_id,
            audience.id,
            name="VIP",
            match="all",
            conditions=[condition or {"type": "tag", "op": "has", "value": "vip"}],
        )
    return str(uuid(Noun.SEGMENT, segment.id))


async def test_a_campaign_as_it_is_shown(call: Native, audience: Audience) -> None:
    campaign = await made(call, audience)
    assert list(campaign) == [
        "id", "uid", "name", "type", "status", "audience_ids", "segment_id", "subject", "preheader", "from_email",
        "from_name", "reply_to", "template_id", "html", "text", "track_opens", "track_clicks", "send_at", "time_zone",
        "missing", "error", "started_at", "finished_at", "created_at", "updated_at",
    ]  # fmt: skip
    assert (campaign["status"], campaign["missing"], campaign["reply_to"]) == ("draft", [], None)
    for name in ("id", "uid"):
        assert (await call("GET", f"/campaigns/{campaign[name]}")).json() == campaign


async def test_what_a_start_would_lack_is_named(call: Native, audience: Audience) -> None:
    bare = (await call("POST", "/campaigns", {"name": "Bare"})).json()
    assert bare["missing"] == ["audience", "subject", "content"]  # the account's sender is taken
    answer = await call("POST", f"/campaigns/{bare['id']}/start")
    assert names_of(answer) == {"audience": "required", "subject": "required", "content": "required"}
    stranger = await made(call, audience, from_email="x@stranger.example")
    assert stranger["missing"] == ["from_email"]
    assert (await made(call, audience, html="{{ a "))["missing"] == ["content"]


async def test_a_patch_changes_what_is_given_and_null_empties(
    call: Native, make: Factories, account: MadeAccount, audience: Audience
) -> None:
    template = await make.template(account)
    campaign = await made(call, audience, reply_to="re@acme.example", text="Hi", track_opens=False)
    path = f"/campaigns/{campaign['uid']}"
    template_id = str(uuid(Noun.TEMPLATE, template.id))
    changed = (await call("PATCH", path, {"template_id": template_id, "html": None, "text": None})).json()
    assert (changed["html"], changed["text"], changed["template_id"]) == (None, None, template_id)
    assert (changed["missing"], changed["reply_to"], changed["track_opens"]) == ([], "re@acme.example", False)
    changed = (
        await call("PATCH", path, {"template_id": None, "reply_to": None, "track_opens": None, "audience_ids": None})
    ).json()
    assert (changed["template_id"], changed["reply_to"], changed["track_opens"]) == (None, None, True)
    assert (changed["missing"], changed["audience_ids"]) == (["audience", "content"], [])
    changed = (await call("PATCH", path, {"audience_ids": [uid(Noun.AUDIENCE, audience.id)]})).json()
    assert changed["audience_ids"] == [str(uuid(Noun.AUDIENCE, audience.id))]


async def test_what_cannot_be_accepted_is_named(
    call: Native, make: Factories, audience: Audience, account: MadeAccount
) -> None:
    other = await make.audience(await make.account())
    for members, expected in (
        ({}, {"name": "required"}),
        ({"name": " "}, {"name": "required"}),
        ({"name": "x", "type": "html"}, {"type": "invalid"}),
        ({"name": "x", "audience_ids": ["none"]}, {"audience_ids": "not_found"}),
        ({"name": "x", "audience_ids": [str(uuid(Noun.AUDIENCE, other.id))]}, {"audience_ids": "not_found"}),
        ({"name": "x", "template_id": "0000000000000"}, {"template_id": "not_found"}),
        ({"name": "x", "segment_id": str(uuid(Noun.SEGMENT, 1))}, {"segment_id": "not_found"}),
        ({"name": "x", "from_email": "nobody"}, {"from_email": "invalid"}),
        ({"name": "x", "subject": "a\nb"}, {"subject": "invalid"}),
        ({"name": "x", "time_zone": "Mars"}, {"time_zone": "invalid"}),
        ({"name": "x", "send_at": "2001-01-01T00:00:00"}, {"send_at": "invalid"}),
        ({"name": "x", "send_at": "soon"}, {"send_at": "invalid"}),
        ({"name": "x", "status": "done"}, {"status": "unknown"}),
        ({"name": "x", "track_opens": "yes"}, {"track_opens": "invalid"}),
    ):
        assert names_of(await call("POST", "/campaigns", members)) == expected, members
    campaign = await made(call, audience)
    assert names_of(await call("PATCH", f"/campaigns/{campaign['id']}", {"uid": "x"})) == {"uid": "unknown"}
    assert (await call("PATCH", f"/campaigns/{uuid(Noun.CAMPAIGN, 999)}", {})).status_code == 404


async def test_lists_are_filtered_and_paged(call: Native, make: Factories, audience: Audience) -> None:
    second = await make.audience(audience.account_id)
    names = [(await made(call, audience, name=f"A{number}"))["name"] for number in range(3)]
    other = await made(call, second, name="Special")
    await call("POST", f"/campaigns/{names and other['id']}/schedule", {"send_at": "2099-01-01T00:00:00Z"})

    async def listed(**query: str) -> list[str]:
        return [one["name"] for one in (await call("GET", f"/campaigns?{urlencode(query)}")).json()["data"]]

    assert await listed() == [*names, "Special"]
    assert await listed(sort="-created_at", limit="2") == ["Special", "A2"]
    assert await listed(status="scheduled") == ["Special"]
    assert await listed(status="draft", q="a1") == ["A1"]
    assert await listed(audience_id=uid(Noun.AUDIENCE, second.id)) == ["Special"]
    assert await listed(audience_id="none") == []
    page = (
        await call("GET", "/campaigns", limit="3", count="true", audience_id=uid(Noun.AUDIENCE, audience.id))
    ).json()
    assert (page["total"], page["has_more"]) == (3, False)
    page = (await call("GET", "/campaigns", limit="3")).json()
    assert await listed(cursor=page["next_cursor"]) == ["Special"]
    assert (await call("GET", "/campaigns", status="odd")).status_code == 400


async def test_a_copy_says_the_same_and_is_a_draft(call: Native, audience: Audience) -> None:
    campaign = await made(call, audience, preheader="p", send_at="2099-01-01T00:00:00", time_zone="Europe/Paris")
    await call("POST", f"/campaigns/{campaign['id']}/start")
    answer = await call("POST", f"/campaigns/{campaign['id']}/duplicate")
    copy = answer.json()
    assert (answer.status_code, copy["status"], copy["name"], copy["send_at"]) == (201, "draft", "News (copy)", None)
    assert answer.headers["location"].endswith(copy["id"])
    same = {"audience_ids", "subject", "preheader", "from_email", "html", "track_opens", "time_zone"}
    assert {name: copy[name] for name in same} == {name: campaign[name] for name in same}
    assert copy["id"] != campaign["id"]


async def test_a_segment_narrows_whom_it_is_sent_to(
    call: Native, audience: Audience, engine: AsyncEngine, mailroom: Mailroom
) -> None:
    segment_id = await vip(engine, audience)
    campaign = await made(call, segment_id=segment_id)
    assert campaign["audience_ids"] == [str(uuid(Noun.AUDIENCE, audience.id))]
    path = f"/campaigns/{campaign['id']}"
    assert (await call("GET", f"{path}/insights")).json()["recipients"] == 1
    assert (await call("POST", f"{path}/start")).json()["status"] == "queued"
    (run,) = await mailroom.rows("SELECT id FROM runs")
    fixed = await campaigns.snapshot(engine, run["id"])
    assert fixed is not None
    assert fixed.total == 1
    assert [one.recipient for one in await mailroom.delivered()] == ["ann@contacts.example"]


async def test_a_segment_belongs_to_the_only_audience(
    call: Native, make: Factories, audience: Audience, engine: AsyncEngine
) -> None:
    second = await make.audience(audience.account_id)
    both = [str(uuid(Noun.AUDIENCE, one.id)) for one in (audience, second)]
    segment_id = await vip(engine, audience)
    for ids in (both, both[1:], []):
        answer = await call("POST", "/campaigns", {"name": "x", "segment_id": segment_id, "audience_ids": ids})
        assert names_of(answer) == {"segment_id": "invalid"}
    campaign = await made(call, audience, segment_id=segment_id)
    path = f"/campaigns/{campaign['id']}"
    assert names_of(await call("PATCH", path, {"audience_ids": both})) == {"segment_id": "invalid"}
    changed = (await call("PATCH", path, {"audience_ids": both, "segment_id": None})).json()
    assert (changed["audience_ids"], changed["segment_id"]) == (both, None)
    foreign = await vip(engine, await make.audience(await make.account()))
    assert names_of(await call("PATCH", path, {"segment_id": foreign})) == {"segment_id": "not_found"}


async def test_a_segment_that_was_deleted_refuses_the_start_and_fails_the_run(
    call: Native, audience: Audience, engine: AsyncEngine, mailroom: Mailroom
) -> None:
    drafted, queued = [await made(call, segment_id=await vip(engine, audience)) for _ in range(2)]
    await call("POST", f"/campaigns/{queued['id']}/start")
    await mailroom.rows("DELETE FROM segments")
    shown = (await call("GET", f"/campaigns/{drafted['id']}")).json()
    assert shown["missing"] == ["audience"]
    assert (await call("GET", f"/campaigns/{drafted['id']}/insights")).json()["recipients"] == 0
    assert names_of(await call("POST", f"/campaigns/{drafted['id']}/start")) == {"audience": "not_found"}
    (run,) = await mailroom.rows("SELECT id FROM runs")
    assert await campaigns.snapshot(engine, run["id"]) is None
    failed = (await call("GET", f"/campaigns/{queued['id']}")).json()
    assert (failed["status"], failed["error"]) == ("failed", "audience names a segment that does not exist")
    assert names_of(await call("POST", f"/campaigns/{queued['id']}/resume")) == {"audience": "not_found"}
    await call("PATCH", f"/campaigns/{drafted['id']}", {"segment_id": None})
    assert (await call("POST", f"/campaigns/{drafted['id']}/start")).status_code == 200


async def test_a_segments_values_are_parameters_whatever_they_hold(
    call: Native, make: Factories, audience: Audience, engine: AsyncEngine
) -> None:
    city = "Hu' OR true) --$1"
    await make.contact(audience, "odd@contacts.example", fields={"CITY": city})
    segment_id = await vip(engine, audience, type="field", field="CITY", op="equals", value=city)
    campaign = await made(call, segment_id=segment_id)
    assert (await call("GET", f"/campaigns/{campaign['id']}/insights")).json()["recipients"] == 1


async def test_a_test_mail_looks_like_the_campaign_and_stands_in_no_insights(
    call: Native, audience: Audience, mailroom: Mailroom
) -> None:
    campaign = await made(
        call, audience, subject="{CAMPAIGN_NAME} for {FIRST_NAME}", from_name="Team", reply_to="re@acme.example"
    )
    path = f"/campaigns/{campaign['id']}"
    (contact,) = await mailroom.rows("SELECT id FROM contacts WHERE address = 'ann@contacts.example'")
    body = {"recipients": ["me@acme.example"], "contact_id": uid(Noun.CONTACT, contact["id"])}
    answer = await call("POST", f"{path}/test-send", body)
    assert answer.status_code == 202, answer.text
    (mail,) = [parsed(one) for one in await mailroom.delivered()]
    assert (mail["Subject"], mail["From"], mail["Reply-To"]) == ("News for Ann", f"Team <{SENDER}>", "re@acme.example")
    assert mail["List-Unsubscribe"] is None
    assert "/t/" not in mail.as_string()
    insights = (await call("GET", f"{path}/insights")).json()
    assert (insights["recipients"], insights["delivery_rate"], insights["by_hour"]) == (2, 0, [])
    assert (await call("GET", path)).json()["status"] == "draft"
    assert names_of(await call("POST", f"{path}/test-send", {"recipients": ["x"]})) == {"recipients.0": "invalid"}


async def test_scopes_and_tenancy(
    client: httpx2.AsyncClient, call: Native, make: Factories, account: MadeAccount, audience: Audience
) -> None:
    campaign = await made(call, audience)
    path = f"/campaigns/{campaign['uid']}"
    stranger = Native(client, (await make.account()).key)
    reader = Native(client, await make.api_key(account.id, Scope.READ))
    test = {"recipients": ["me@acme.example"]}
    later = {"send_at": (datetime.now(UTC) + timedelta(days=1)).isoformat()}
    for method, end, body in (
        ("PATCH", "", {}), ("DELETE", "", None), ("POST", "/schedule", later), ("POST", "/unschedule", None),
        ("POST", "/start", None), ("POST", "/pause", None), ("POST", "/resume", None), ("POST", "/stop", None),
        ("POST", "/duplicate", None), ("POST", "/test-send", test),
    ):  # fmt: skip
        assert (await stranger(method, path + end, body)).status_code == 404, end
        assert (await reader(method, path + end, body)).status_code == 403, end
    for end in ("", "/progress", "/insights", "/links", "/recipients"):
        assert (await stranger("GET", path + end)).status_code == 404, end
        assert (await reader("GET", path + end)).status_code == 200, end
    assert (await stranger("GET", "/campaigns", count="true")).json()["total"] == 0
    assert (await call("GET", path)).json() == campaign
