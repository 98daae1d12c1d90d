"""The table of native.md, section 10, cell by cell through the native URLs; times, quota, and what is told of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import campaigns
from app.core.audiences import Audience
from app.settings import Settings
from tests.api.dynosend.delivering import Mailroom, parsed
from tests.api.native.calling import Native, names_of
from tests.api.native.test_campaigns import SENDER, made
from tests.factories import Factories, MadeAccount
from tests.fixtures.smtp_server import SmtpServer

AHEAD = "2099-06-01T09:00:00"
STATES = ("draft", "scheduled", "queued", "sending", "paused ahead", "paused", "stopped", "done", "failed")
VERBS = ("start", "schedule", "unschedule", "pause", "resume", "stop", "PATCH", "DELETE")
REFUSED = "refused"
CELLS: dict[str, tuple[str, ...]] = {
    "start": ("queued", "queued", "queued", "sending", *[REFUSED] * 5),
    "schedule": ("scheduled", "scheduled", *[REFUSED] * 7),
    "unschedule": ("draft", "draft", *[REFUSED] * 7),
    "pause": (REFUSED, "paused", "paused", "paused", "paused", "paused", *[REFUSED] * 3),
    "resume": (REFUSED, REFUSED, "queued", "sending", "scheduled", "queued", REFUSED, REFUSED, "queued"),
    "stop": (REFUSED, *["stopped"] * 6, REFUSED, REFUSED),
    "PATCH": ("draft", "scheduled", REFUSED, REFUSED, "paused", "paused", *[REFUSED] * 3),
    "DELETE": ("gone", *[REFUSED] * 5, "gone", "gone", "gone"),
}
"""What becomes of a campaign in each of `STATES`."""


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account(senders=[SENDER])


@pytest.fixture
async def audience(make: Factories, account: MadeAccount) -> Audience:
    audience = await make.audience(account, fields=["FIRST_NAME"])
    await make.contacts(audience, 3)
    return audience


@pytest.fixture
def call(client: httpx2.AsyncClient, account: MadeAccount) -> Native:
    return Native(client, account.key)


@pytest.fixture
def mailroom(settings: Settings, engine: AsyncEngine) -> Mailroom:
    return Mailroom(settings, engine)


async def brought(call: Native, audience: Audience, mailroom: Mailroom, state: str) -> str:
    """Bring a new campaign into a state; return its path."""
    path = f"/campaigns/{(await made(call, audience))['id']}"
    if state in {"scheduled", "paused ahead"}:
        assert (await call("POST", f"{path}/schedule", {"send_at": AHEAD})).status_code == 200
    elif state != "draft":
        assert (await call("POST", f"{path}/start")).status_code == 200
    (newest,) = await mailroom.rows("SELECT max(id) AS id FROM runs")
    if state == "sending":
        await campaigns.snapshot(mailroom.engine, newest["id"])
    elif state == "failed":
        await campaigns.fail(mailroom.engine, newest["id"], "the reason")
    elif state == "done":
        await mailroom.rows("UPDATE runs SET state = 'done', finished_at = now() WHERE id = $1", newest["id"])
    elif state in {"paused", "paused ahead", "stopped"}:
        assert (await call("POST", f"{path}/{'stop' if state == 'stopped' else 'pause'}")).status_code == 200
    assert (await call("GET", path)).json()["status"] == state.partition(" ")[0]
    return path


async def asked(call: Native, path: str, verb: str) -> httpx2.Response:
    if verb in {"PATCH", "DELETE"}:
        return await call(verb, path, {"subject": "Other"} if verb == "PATCH" else None)
    return await call("POST", f"{path}/{verb}", {"send_at": AHEAD} if verb == "schedule" else None)


@pytest.mark.parametrize("state", STATES)
async def test_every_cell_of_the_table(call: Native, audience: Audience, mailroom: Mailroom, state: str) -> None:
    for verb in VERBS:
        path = await brought(call, audience, mailroom, state)
        before = (await call("GET", path)).json()
        answer, expected = await asked(call, path, verb), CELLS[verb][STATES.index(state)]
        if expected == REFUSED:
            problem = answer.json()
            assert (answer.status_code, problem["type"]) == (409, "/problems/wrong-state"), verb
            assert problem["state"] == before["status"]
            assert (await call("GET", path)).json() == before
        elif expected == "gone":
            assert answer.status_code == 204
            assert (await call("GET", path)).status_code == 404
        else:
            assert (answer.status_code, answer.json()["status"]) == (200, expected), verb
            assert (await call("GET", path)).json() == answer.json()


@pytest.mark.parametrize(
    ("send_at", "zone", "instant"),
    [
        ("2099-01-20T09:00:00", "Europe/Paris", "2099-01-20T08:00:00.000Z"),
        ("2099-01-20T09:00:00+02:00", "Europe/Paris", "2099-01-20T07:00:00.000Z"),
        ("2036-03-30T02:30:00", "Europe/Paris", "2036-03-30T01:30:00.000Z"),  # skipped: moves forward
        ("2036-10-26T02:30:00", "Europe/Paris", "2036-10-26T00:30:00.000Z"),  # double: the first
    ],
)
async def test_a_local_time_becomes_an_instant(
    call: Native, audience: Audience, send_at: str, zone: str, instant: str
) -> None:
    campaign = await made(call, audience)
    body = {"send_at": send_at, "time_zone": zone}
    shown = (await call("POST", f"/campaigns/{campaign['id']}/schedule", body)).json()
    assert (shown["status"], shown["send_at"], shown["time_zone"]) == ("scheduled", instant, zone)
    shown = (await call("POST", f"/campaigns/{campaign['id']}/unschedule")).json()
    assert (shown["status"], shown["send_at"]) == ("draft", None)


async def test_a_time_that_cannot_be_is_refused(call: Native, audience: Audience) -> None:
    path = f"/campaigns/{(await made(call, audience))['id']}/schedule"
    for body, expected in (
        ({}, {"send_at": "required"}),
        ({"send_at": "2001-01-01T00:00:00"}, {"send_at": "invalid"}),
        ({"send_at": "tomorrow"}, {"send_at": "invalid"}),
        ({"send_at": AHEAD, "time_zone": "Mars/Olympus"}, {"time_zone": "invalid"}),
    ):
        assert names_of(await call("POST", path, body)) == expected


async def test_a_draft_carries_its_time_and_a_start_waits_for_it(call: Native, audience: Audience) -> None:
    campaign = await made(call, audience, send_at=AHEAD, time_zone="Europe/Paris")
    assert campaign["send_at"] == "2099-06-01T07:00:00.000Z"
    path = f"/campaigns/{campaign['id']}"
    moved = (await call("PATCH", path, {"time_zone": "UTC"})).json()
    assert moved["send_at"] == "2099-06-01T09:00:00.000Z"
    assert (await call("POST", f"{path}/start")).json()["status"] == "scheduled"
    later = (await call("PATCH", path, {"send_at": "2099-06-02T09:00:00"})).json()
    assert (later["status"], later["send_at"]) == ("scheduled", "2099-06-02T09:00:00.000Z")
    assert (await call("PATCH", path, {"send_at": None})).json()["state"] == "scheduled"
    now = await call("POST", f"{path}/start")
    assert now.json()["status"] == "queued"
    without = await made(call, audience, send_at=AHEAD)
    assert (await call("PATCH", f"/campaigns/{without['id']}", {"send_at": None})).json()["send_at"] is None
    assert (await call("POST", f"/campaigns/{without['id']}/start")).json()["status"] == "queued"


async def test_recipients_that_are_fixed_cannot_change_while_it_is_paused(
    call: Native, audience: Audience, make: Factories, mailroom: Mailroom
) -> None:
    path = await brought(call, audience, mailroom, "sending")
    await call("POST", f"{path}/pause")
    same = (await call("GET", path)).json()["audience_ids"]
    assert (await call("PATCH", path, {"audience_ids": same, "name": "Other"})).status_code == 200
    answer = await call("PATCH", path, {"audience_ids": []})
    assert (answer.status_code, answer.json()["state"]) == (409, "paused")


async def test_a_patch_while_it_is_paused_reaches_who_is_still_to_come(
    call: Native, audience: Audience, mailroom: Mailroom
) -> None:
    path = await brought(call, audience, mailroom, "sending")
    async with SmtpServer() as server:
        await mailroom.rows("UPDATE runs SET total = 1")  # as if nobody had claimed more yet
        await mailroom.deliver(server)
        assert (await call("POST", f"{path}/pause")).status_code == 200
        await mailroom.rows("UPDATE runs SET total = 3")
        assert (await call("PATCH", path, {"subject": "Second thoughts"})).json()["status"] == "paused"
        assert (await call("POST", f"{path}/resume")).json()["status"] == "sending"
        await mailroom.deliver(server)
        assert [parsed(one)["Subject"] for one in server.messages] == ["Hi", "Second thoughts", "Second thoughts"]


async def test_a_spent_quota_is_403_and_changes_nothing(
    call: Native, account: MadeAccount, audience: Audience, mailroom: Mailroom
) -> None:
    path = await brought(call, audience, mailroom, "paused")
    draft = await brought(call, audience, mailroom, "draft")
    await mailroom.rows("UPDATE accounts SET monthly_cap = 0 WHERE id = $1", account.id)
    for line in (f"{path}/resume", f"{draft}/start"):
        answer = await call("POST", line)
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/quota-exceeded")
    assert (await call("GET", path)).json()["status"] == "paused"
    assert (await call("GET", draft)).json()["status"] == "draft"


async def test_a_repeated_start_with_a_key_is_one_start(call: Native, audience: Audience, mailroom: Mailroom) -> None:
    path = await brought(call, audience, mailroom, "draft")
    answers = [await call("POST", f"{path}/start", headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[1].headers["idempotency-replayed"] == "true"
    assert answers[0].json() == answers[1].json()
    assert len(await mailroom.rows("SELECT id FROM runs")) == 1


async def test_what_happened_is_told_to_the_outbox(call: Native, audience: Audience, mailroom: Mailroom) -> None:
    path = await brought(call, audience, mailroom, "sending")
    for verb in ("pause", "pause", "resume", "stop", "stop", "start"):
        await call("POST", f"{path}/{verb}")
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="seconds")
    other = await brought(call, audience, mailroom, "draft")
    await call("POST", f"{other}/schedule", {"send_at": later})
    rows: list[dict[str, Any]] = await mailroom.rows(
        "SELECT type FROM domain_events WHERE type LIKE 'campaign.%' ORDER BY id"
    )
    told = [row["type"].removeprefix("campaign.") for row in rows]
    assert told == ["started", "paused", "resumed", "stopped", "scheduled"]
