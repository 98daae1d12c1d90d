"""Progress, insights, links and recipients of a campaign, against real deliveries and the ledger."""

import re
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import campaigns, messages
from app.core.audiences import Audience
from app.core.campaigns import After
from app.core.messages import Owner
from app.db.engine import driver_connection
from app.db.unit_of_work import reading
from app.settings import Settings
from tests.api.dynosend.delivering import Mailroom, parsed
from tests.api.native.calling import Native
from tests.api.native.test_campaigns import SENDER, made
from tests.factories import Factories, MadeAccount
from tests.fixtures.smtp_server import SmtpServer

HTML = '<p>Hi {FIRST_NAME}</p><a href="https://a.example/">A</a><a href="https://b.example/{CONTACT_UID}">B</a>'


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account(senders=[SENDER])


@pytest.fixture
async def audience(make: Factories, account: MadeAccount) -> Audience:
    audience = await make.audience(account, fields=["FIRST_NAME"])
    await make.contacts(audience, 4)
    return audience


@pytest.fixture
def call(client: httpx2.AsyncClient, account: MadeAccount) -> Native:
    return Native(client, account.key)


@pytest.fixture
def mailroom(settings: Settings, engine: AsyncEngine) -> Mailroom:
    return Mailroom(settings, engine)


async def fixed(call: Native, audience: Audience, mailroom: Mailroom) -> str:
    """Start a campaign and fix its targets; return its path."""
    path = f"/campaigns/{(await made(call, audience, html=HTML))['id']}"
    assert (await call("POST", f"{path}/start")).status_code == 200
    (run,) = await mailroom.rows("SELECT max(id) AS id FROM runs")
    await campaigns.snapshot(mailroom.engine, run["id"])
    return path


def links_of(mail: EmailMessage, kind: str) -> list[str]:
    part = mail.get_body(("html",))
    assert part is not None
    return re.findall(rf'"(http[^"]+/t/{kind}/[^"]+)"', part.get_content())


async def delivered(mailroom: Mailroom) -> dict[str, EmailMessage]:
    async with SmtpServer() as server:
        server.on("rcpt", "550 5.1.1 No such user", match="person4@")
        await mailroom.deliver(server)
        return {one.recipient.partition("@")[0]: parsed(one) for one in server.messages}


async def test_numbers_links_and_recipients_equal_what_happened(
    call: Native, audience: Audience, mailroom: Mailroom, client: httpx2.AsyncClient
) -> None:
    path = await fixed(call, audience, mailroom)
    mails = await delivered(mailroom)
    for person, opens, first, second in (("person1", 2, 1, 2), ("person2", 1, 0, 0), ("person3", 0, 0, 1)):
        for url in links_of(mails[person], "o") * opens:
            assert (await client.get(url)).status_code == 200
        a, b = links_of(mails[person], "c")
        for url in [a] * first + [b] * second:
            assert (await client.get(url, follow_redirects=False)).status_code == 302

    insights = (await call("GET", f"{path}/insights")).json()
    hours = insights.pop("by_hour")  # two when the clock strikes meanwhile
    assert (sum(hour["opens"] for hour in hours), sum(hour["clicks"] for hour in hours)) == (3, 4)
    assert all(hour["time"].endswith(":00:00.000Z") for hour in hours)
    assert insights == {
        "recipients": 4, "delivery_rate": 0.75, "open_count": 3, "unique_open_count": 2, "unique_open_rate": 2 / 3,
        "click_count": 4, "unique_click_count": 2, "click_rate": 2 / 3, "click_per_unique_open": 1.0,
        "spam_report_count": 0, "spam_report_rate": 0, "bounce_count": 1, "bounce_rate": 1 / 3,
        "unsubscribed_count": 0, "unsubscribed_rate": 0,
    }  # fmt: skip
    links = (await call("GET", f"{path}/links", count="true")).json()
    assert [(one["clicks"], one["unique_clicks"]) for one in links["data"]] == [(1, 1), (3, 2)]
    assert links["total"] == 2
    progress = (await call("GET", f"{path}/progress")).json()
    named = ("total", "processed", "sent", "delivered", "deferred", "bounced", "blocked", "failed", "remaining")
    assert [progress[name] for name in named] == [4, 4, 4, 3, 0, 1, 0, 0, 0]

    async def people(**query: str) -> list[str]:
        rows = (await call("GET", f"{path}/recipients?{urlencode(query)}")).json()["data"]
        return [row["email"].partition("@")[0] for row in rows]

    assert await people() == ["person1", "person2", "person3", "person4"]
    assert await people(opened="true") == ["person1", "person2"]
    assert await people(opened="false") == ["person3", "person4"]
    assert await people(clicked="true", opened="false") == ["person3"]
    assert await people(clicked="true") == ["person1", "person3"]
    assert await people(status="bounced") == ["person4"]
    assert await people(status="bounced", opened="true") == []
    assert await people(status="delivered", clicked="false") == ["person2"]
    assert await people(status="delivered", opened="true", limit="1") == ["person1"]
    (row,) = (await call("GET", f"{path}/recipients", opened="true", clicked="false")).json()["data"]
    (copy,) = await mailroom.rows("SELECT id FROM messages WHERE recipient LIKE 'person2@%'")
    assert f".{copy['id']:012x}@" in row["email_id"]
    assert (row["status"], row["clicked_at"], row["opened_at"] is not None) == ("delivered", None, True)
    assert (await call("GET", f"{path}/recipients", status="odd")).status_code == 400


async def test_pages_pass_over_nobody_while_it_is_sending(call: Native, audience: Audience, mailroom: Mailroom) -> None:
    path = await fixed(call, audience, mailroom)

    async def page(cursor: str = "") -> tuple[list[tuple[str, bool]], str]:
        query = {"limit": "1"} | ({"cursor": cursor} if cursor else {})
        answer: dict[str, Any] = (await call("GET", f"{path}/recipients?{urlencode(query)}")).json()
        shown = [(row["email"].partition("@")[0], row["email_id"] is not None) for row in answer["data"]]
        return shown, answer["next_cursor"] or ""

    first, cursor = await page()
    assert first == [("person1", False)]
    second, cursor = await page(cursor)
    assert second == [("person2", False)]
    await delivered(mailroom)
    third, cursor = await page(cursor)
    assert third == [("person3", True)]
    fourth, cursor = await page(cursor)
    assert (fourth, cursor) == ([("person4", True)], "")
    for bad in ("x", "eyJrIjo1fQ", "WyJhIiwxXQ", "Wy0xLDBd"):
        assert (await call("GET", f"{path}/recipients", cursor=bad)).status_code == 400


async def test_what_was_given_back_unbegun_waits_and_is_not_sent(
    call: Native, audience: Audience, mailroom: Mailroom
) -> None:
    path = await fixed(call, audience, mailroom)
    async with driver_connection(mailroom.engine) as connection:
        (fresh,) = await messages.open_runs(connection)
        owner = Owner("here", uuid4())
        chunk = await messages.claim_chunk(connection, owner, fresh, limit=3, lease_seconds=60, default_cap=0)
        held, *back = [copy.message_id for copy in chunk.copies]
        await messages.release(connection, chunk.copies[0].lease_id, back)
    assert (await call("POST", f"{path}/pause")).json()["status"] == "paused"
    expected = {"person1": "sending", "person2": "queued", "person3": "queued"}

    async def standing(path: str, name: str, **query: str) -> dict[str, str]:
        rows = (await call("GET", f"{path}?{urlencode(query)}")).json()["data"]
        return {row[name].partition("@")[0]: row["status"] for row in rows}

    assert await standing("/messages", "recipient") == expected
    first = (await call("GET", "/messages")).json()["data"][0]["recipient"]
    for status in ("sending", "queued"):
        some = {name: status for name, state in expected.items() if state == status}
        assert await standing("/messages", "recipient", status=status) == some
        found = await call("GET", f"/messages?status={status}&recipient={first}&count=true")
        assert found.json()["total"] == (status == "sending")
    listed = await standing(f"{path}/recipients", "email")
    assert listed == expected | {"person4": "queued"}
    assert await standing(f"{path}/recipients", "email", status="sending") == {"person1": "sending"}
    (one,) = (await call("GET", "/messages?status=sending")).json()["data"]
    assert one["email_id"].endswith(f".{held:012x}@mail-1")
    (other, _) = (await call("GET", "/messages?status=queued")).json()["data"]
    assert (await call("GET", f"/messages/{other['email_id']}")).json()["status"] == "queued"
    (told,) = (await call("GET", f"/why?recipient={other['recipient']}")).json()["messages"]
    assert (told["status"], told["reason"]) == ("queued", "queued: the campaign is paused")


async def test_whom_a_stopped_run_did_not_reach_is_no_recipient(
    call: Native, audience: Audience, mailroom: Mailroom
) -> None:
    path = await fixed(call, audience, mailroom)
    waiting = (await call("GET", f"{path}/recipients", status="queued")).json()["data"]
    assert [row["email_id"] for row in waiting] == [None] * 4
    assert (await call("GET", f"{path}/recipients", status="delivered")).json()["data"] == []
    progress = (await call("GET", f"{path}/progress")).json()
    assert (progress["status"], progress["remaining"], progress["estimated_finish_at"]) == ("sending", 4, None)
    await call("POST", f"{path}/stop")
    assert (await call("GET", f"{path}/recipients")).json()["data"] == []
    assert (await call("GET", f"{path}/progress")).json()["remaining"] == 0


async def test_a_draft_has_nothing_to_report(call: Native, audience: Audience) -> None:
    path = f"/campaigns/{(await made(call, audience))['id']}"
    progress = (await call("GET", f"{path}/progress")).json()
    assert (progress["status"], progress["total"], progress["processed"]) == ("draft", None, 0)
    for name in ("links", "recipients"):
        assert (await call("GET", f"{path}/{name}")).json() == {"data": [], "next_cursor": None, "has_more": False}


async def test_links_of_several_versions_count_by_target(
    call: Native, audience: Audience, mailroom: Mailroom, client: httpx2.AsyncClient
) -> None:
    path = await fixed(call, audience, mailroom)
    await mailroom.rows("UPDATE runs SET total = 2")
    mails = await delivered(mailroom)
    await call("POST", f"{path}/pause")
    await mailroom.rows("UPDATE runs SET total = 4")
    new = '<a href="https://c.example/">C</a><a href="https://a.example/">A</a>'
    assert (await call("PATCH", path, {"html": new})).status_code == 200
    assert (await call("POST", f"{path}/resume")).status_code == 200
    mails |= await delivered(mailroom)
    for person in ("person1", "person3"):
        for url in links_of(mails[person], "c"):
            await client.get(url, follow_redirects=False)
    links = (await call("GET", f"{path}/links")).json()["data"]
    counts = {row["url"].partition("{")[0]: (row["clicks"], row["unique_clicks"]) for row in links}
    assert counts == {"https://a.example/": (2, 2), "https://b.example/": (1, 1), "https://c.example/": (1, 1)}
    page = (await call("GET", f"{path}/links", limit="2")).json()
    rest = (await call("GET", f"{path}/links", limit="2", cursor=page["next_cursor"])).json()
    assert [*page["data"], *rest["data"]] == links


async def test_a_list_of_recipients_begins_anew_after_its_last_one(
    call: Native, audience: Audience, mailroom: Mailroom, account: MadeAccount
) -> None:
    await fixed(call, audience, mailroom)
    async with reading(mailroom.engine) as read:
        (view,) = await campaigns.list_page(read, account.id)
        rows = await campaigns.recipients(read, view, limit=10)
        assert [row.after for row in rows] == [After(0, seq) for seq in (1, 2, 3, 4)]
        assert await campaigns.recipients(read, view, after=rows[-1].after) == []
