"""`/campaign_process/...`: the table of moves walked through HTTP, who is named, when it starts, and what it says."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import httpx2
import hypothesis
import pytest
from hypothesis import HealthCheck
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import campaigns
from app.core.accounts import Scope
from app.db.unit_of_work import unit_of_work
from app.kit.uids import Noun, uuid
from tests.api.dyno.desk import AHEAD, SENDER, Desk, desk_of, id_of
from tests.factories import Factories

ACTIVE = "CAMPAIGN IS ALREADY ACTIVE"
NOT_SCHEDULED = "CAMPAIGN IS NOT SCHEDULED"
NOT_RUNNING = "CAMPAIGN IS NOT RUNNING"
NOT_PAUSED = "CAMPAIGN IS NOT PAUSED"
NOT_ACTIVE = "CAMPAIGN IS NOT ACTIVE"
CALLS = ("init", "reschedule", "cancel_schedule", "pause", "resume", "update_and_resume", "stop")
PROCESS = [
    *("id", "campaign_id", "status", "subject", "from_name", "from_email", "preview_message", "iso_start_time"),
    *("time_zone", "start_time", "started", "finished", "total", "sent", "failed", "opened", "clicked", "bounced"),
    *("unsubscribed", "created", "updated"),
]

WALK: dict[str, dict[str, str]] = {
    "init": {
        "draft": "running", "dormant": "running", "scheduled": ACTIVE, "queued": ACTIVE, "sending": ACTIVE,
        "paused": ACTIVE, "waiting": ACTIVE, "stopped": "running", "done": "running", "failed": "running",
    },
    "reschedule": {
        "draft": "running", "dormant": "running", "scheduled": "running", "queued": NOT_SCHEDULED,
        "sending": NOT_SCHEDULED, "paused": NOT_SCHEDULED, "waiting": NOT_SCHEDULED, "stopped": NOT_SCHEDULED,
        "done": NOT_SCHEDULED, "failed": NOT_SCHEDULED,
    },
    "cancel_schedule": {
        "draft": "draft", "dormant": "draft", "scheduled": "draft", "queued": NOT_SCHEDULED,
        "sending": NOT_SCHEDULED, "paused": NOT_SCHEDULED, "waiting": NOT_SCHEDULED, "stopped": NOT_SCHEDULED,
        "done": NOT_SCHEDULED, "failed": NOT_SCHEDULED,
    },
    "pause": {
        "draft": NOT_RUNNING, "dormant": NOT_RUNNING, "scheduled": NOT_RUNNING, "queued": "paused",
        "sending": "paused", "paused": "paused", "waiting": "paused", "stopped": NOT_RUNNING, "done": NOT_RUNNING,
        "failed": NOT_RUNNING,
    },
    "resume": {
        "draft": NOT_PAUSED, "dormant": NOT_PAUSED, "scheduled": NOT_PAUSED, "queued": "running",
        "sending": "running", "paused": "running", "waiting": "scheduled", "stopped": NOT_PAUSED,
        "done": NOT_PAUSED, "failed": NOT_PAUSED,
    },
    "update_and_resume": {
        "draft": NOT_PAUSED, "dormant": NOT_PAUSED, "scheduled": NOT_PAUSED, "queued": NOT_PAUSED,
        "sending": NOT_PAUSED, "paused": "running", "waiting": "scheduled", "stopped": NOT_PAUSED,
        "done": NOT_PAUSED, "failed": NOT_PAUSED,
    },
    "stop": {
        "draft": NOT_ACTIVE, "dormant": NOT_ACTIVE, "scheduled": "stopped", "queued": "stopped",
        "sending": "stopped", "paused": "stopped", "waiting": "stopped", "stopped": "stopped", "done": NOT_ACTIVE,
        "failed": NOT_ACTIVE,
    },
}  # fmt: skip
"""What each call does in each state: the state it answers with, or the text of its refusal (docs/contract/dyno.md, 8)."""

Ask = Callable[..., Awaitable[httpx2.Response]]


@pytest.fixture
async def desk(make: Factories, engine: AsyncEngine, client: httpx2.AsyncClient) -> Desk:
    return await desk_of(make, engine, client)


@pytest.mark.parametrize("call", CALLS)
async def test_every_call_in_every_state(desk: Desk, call: str, subtests: pytest.Subtests) -> None:
    for state, expected in WALK[call].items():
        with subtests.test(state):
            campaign = await desk.campaign(state)
            given = {"campaign_id": id_of(campaign), "subject": "Other"}
            if expected.isupper():
                assert await desk.error(call, given) == (500, "124", expected)
                continue
            data = (await desk.ask(call, given)).json()["data"]
            assert data["status"] == expected
            if data["process"] is not None:
                assert data["process"]["status"] == expected
            (row,) = await desk.rows("SELECT count(*) FROM runs WHERE campaign_id = $1", campaign.id)
            made = {"init": 2, "reschedule": 1}.get(call, 1)
            assert row["count"] == (made if state != "draft" else min(made, 1) * (call in {"init", "reschedule"}))


async def test_the_answer_has_the_documented_members_in_their_order(desk: Desk) -> None:
    campaign = await desk.campaign(preheader="Look")
    answer = await desk.ask("init", {"campaign_id": id_of(campaign), "iso_start_time": AHEAD})
    body = answer.json()
    assert list(body) == ["has_error", "error_code", "data"]
    data = body["data"]
    assert list(data) == ["user_id", "campaign_process_id", "id", "campaign_id", "status", "process"]
    assert (data["user_id"], data["campaign_id"]) == (str(desk.account.public_id), id_of(campaign))
    assert data["campaign_process_id"] == data["id"] == data["process"]["id"]
    process = data["process"]
    assert list(process) == PROCESS
    said = {name: process[name] for name in ("subject", "from_name", "from_email", "preview_message")}
    assert said == {
        "subject": campaign.subject,
        "from_name": "Shop",
        "from_email": SENDER,
        "preview_message": "Look",
    }
    assert (process["iso_start_time"], process["time_zone"]) == (AHEAD, "UTC")
    assert process["updated"] == 0
    assert abs(process["created"] - datetime.now(UTC).timestamp()) < 60


async def test_counters_come_from_the_run(desk: Desk) -> None:
    campaign = await desk.campaign("sending")
    await desk.rows(
        "INSERT INTO run_counts AS c (run_id, delivered, blocked, failed, hard_bounces, soft_bounces, opens, opened,"
        " clicks, clicked, unsubscribes) SELECT latest_run_id, 10, 2, 3, 4, 5, 60, 6, 70, 7, 8 FROM campaigns"
        " WHERE id = $1 ON CONFLICT (run_id) DO UPDATE SET delivered = 10, blocked = 2, failed = 3, hard_bounces = 4,"
        " soft_bounces = 5, opens = 60, opened = 6, clicks = 70, clicked = 7, unsubscribes = 8",
        campaign.id,
    )
    process = (await desk.good("pause", campaign))["process"]
    counted = {name: process[name] for name in PROCESS[12:19]}
    assert counted == {
        "total": 3, "sent": 10, "failed": 5, "opened": 6, "clicked": 7, "bounced": 9, "unsubscribed": 8
    }  # fmt: skip
    assert process["started"] > 0
    assert process["finished"] == 0
    assert process["start_time"] == 0
    assert process["iso_start_time"] is None


async def test_a_draft_that_never_had_a_run_has_no_process(desk: Desk) -> None:
    data = await desk.good("cancel_schedule", await desk.campaign())
    assert (data["status"], data["campaign_process_id"], data["id"], data["process"]) == ("draft", None, None, None)


@pytest.mark.parametrize("name", ["campaign_id", "id", "campaign_process_id"])
async def test_each_parameter_names_a_campaign_or_a_process(desk: Desk, name: str) -> None:
    campaign = await desk.campaign("sending")
    process_id = (await desk.good("pause", campaign))["id"]
    for which in (id_of(campaign), process_id, process_id.upper()):
        data = (await desk.ask("pause", {name: which})).json()["data"]
        assert (data["campaign_id"], data["id"]) == (id_of(campaign), process_id)


async def test_the_first_parameter_that_is_given_decides(desk: Desk) -> None:
    campaign, other = await desk.campaign("sending"), await desk.campaign("sending")
    given = {"campaign_process_id": id_of(other), "id": id_of(campaign), "campaign_id": None}
    assert (await desk.ask("pause", given)).json()["data"]["campaign_id"] == id_of(campaign)
    given = {"id": id_of(other), "campaign_id": str(uuid(Noun.TEMPLATE, 1))}
    assert await desk.error("pause", given) == (500, "123", "RESOURCE NOT FOUND")


async def test_of_an_earlier_process_only_a_further_start_can_be_asked(desk: Desk) -> None:
    campaign = await desk.campaign("stopped")
    (row,) = await desk.rows("SELECT latest_run_id FROM campaigns WHERE id = $1", campaign.id)
    earlier = str(uuid(Noun.RUN, row["latest_run_id"]))
    later = (await desk.good("init", earlier))["id"]
    assert later != earlier
    assert await desk.error("init", {"id": earlier}) == (500, "124", ACTIVE)
    data = await desk.good("stop", earlier)
    assert (data["id"], data["status"]) == (earlier, "stopped")
    for call, text in (
        ("pause", NOT_RUNNING),
        ("resume", NOT_PAUSED),
        ("update_and_resume", NOT_PAUSED),
        ("reschedule", NOT_SCHEDULED),
        ("cancel_schedule", NOT_SCHEDULED),
    ):
        assert await desk.error(call, {"id": earlier}) == (500, "124", text)
    assert (await desk.good("resume", campaign))["status"] == "running", "the later one goes on"


async def test_nothing_named_and_nothing_known(desk: Desk) -> None:
    for call in CALLS:
        first = "campaign_id" if call in {"init", "reschedule", "update_and_resume"} else "id"
        for given in ({}, {"id": ""}, {"campaign_id": None, "id": " "}):
            assert await desk.error(call, given) == (400, "400", f"{first} is required")
        for which in ("x", "00000000-0000-0000-0000-000000000000", str(uuid(Noun.RUN, 77)), "9" * 5000):
            assert await desk.error(call, {"id": which}) == (500, "123", "RESOURCE NOT FOUND")
        assert await desk.error(call, {"id": 5}) == (400, "400", "id is not valid")


async def test_campaigns_and_processes_of_others_are_unknown(desk: Desk, make: Factories) -> None:
    campaign = await desk.campaign("paused")
    process_id = (await desk.good("pause", campaign))["id"]
    other = await make.account()
    for call in CALLS:
        for which in (id_of(campaign), process_id):
            assert await desk.error(call, {"id": which}, key=other.key) == (500, "123", "RESOURCE NOT FOUND")


async def test_a_deleted_campaign_takes_its_processes_along(desk: Desk) -> None:
    campaign = await desk.campaign("stopped")
    process_id = (await desk.good("stop", campaign))["id"]
    async with unit_of_work(desk.engine) as write:
        await campaigns.delete(write, desk.account.id, campaign.id)
    assert await desk.error("stop", {"id": process_id}) == (500, "123", "RESOURCE NOT FOUND")


async def test_the_order_of_checks(desk: Desk, make: Factories) -> None:
    """Key, type and JSON, parameters, object, right, state, content, quota."""
    reader = await make.api_key(desk.account.id, Scope.READ)
    done, paused = await desk.campaign("done"), await desk.campaign("paused")
    bad_time = {"iso_start_time": "tomorrow"}
    no_content = await desk.campaign(html="")
    await desk.rows("UPDATE accounts SET monthly_cap = 0 WHERE id = $1", desk.account.id)
    nowhere = str(uuid(Noun.CAMPAIGN, 99))
    forbidden = (403, "403", "The requested is hidden for administrators only")
    for given, key, expected in (
        ({"id": nowhere, **bad_time}, "wrong", (401, "401", "Your API key is wrong")),
        ({"id": nowhere, **bad_time}, reader, (400, "400", "iso_start_time is not valid")),
        ({"id": nowhere}, reader, (500, "123", "RESOURCE NOT FOUND")),
        ({"id": id_of(paused)}, reader, forbidden),
        ({"id": id_of(paused)}, None, (500, "124", ACTIVE)),
        ({"id": id_of(no_content)}, None, (400, "400", "email_content is required")),
        ({"id": id_of(done)}, None, (500, "125", "SENDING LIMIT REACHED")),
    ):
        assert await desk.error("init", given, key=key) == expected
    for call in ("resume", "update_and_resume"):
        assert await desk.error(call, {"id": id_of(paused)}) == (500, "125", "SENDING LIMIT REACHED")
    assert (await desk.good("pause", paused))["status"] == "paused"


async def test_bodies_that_are_none(desk: Desk) -> None:
    headers = {"User-Api-Key": desk.account.key}
    for content, kind, text in (
        (b"{}", "text/plain", "Content-Type must be application/json"),
        (b"{", "application/json", "body is not valid JSON"),
    ):
        answer = await desk.client.post(
            "/campaign_process/stop", content=content, headers={**headers, "Content-Type": kind}
        )
        assert (answer.status_code, answer.json()["error_message"]) == (400, text)
    answer = await desk.client.get("/campaign_process/stop", headers=headers)
    assert (answer.status_code, answer.json()["error_code"]) == (404, "404")


async def test_what_is_missing_is_named_in_its_order(desk: Desk, make: Factories) -> None:
    bare = await make.campaign(desk.account, subject="", html="")
    for fields, missing in (
        ({}, "list_id is required"),
        ({"audience_ids": [desk.audience.id]}, "email_content is required"),
        ({"html": "<p>x</p>"}, "subject is required"),
        ({"subject": "S", "from_email": "stranger@example.net"}, "from_email is not an approved sender"),
    ):
        async with unit_of_work(desk.engine) as write:
            await campaigns.change(write, desk.account.id, bare.id, **fields)
        for call in ("init", "reschedule"):
            assert await desk.error(call, {"campaign_id": id_of(bare)}) == (400, "400", missing)
    data = await desk.good("init", bare, from_email=SENDER)
    assert (data["status"], data["process"]["from_email"]) == ("running", SENDER)


async def test_an_account_without_a_sender(desk: Desk, make: Factories) -> None:
    account = await make.account()
    campaign = await make.campaign(account, [await make.audience(account)])
    given = {"campaign_id": id_of(campaign)}
    assert await desk.error("init", given, key=account.key) == (400, "400", "from_email is required")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
NAMES = ("campaign_id", "id", "campaign_process_id", "iso_start_time", "time_zone", "subject", "from_email")


@hypothesis.settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@hypothesis.given(
    st.sampled_from(CALLS), st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), JSON, max_size=5)
)
async def test_no_body_breaks_it(desk: Desk, call: str, body: dict[str, object]) -> None:
    answer = await desk.ask(call, body)
    assert answer.status_code in {200, 400, 500}
    assert answer.json()["error_code"] in {"", "400", "123", "124"}


@hypothesis.settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@hypothesis.given(
    st.fixed_dictionaries({}, optional={name: JSON | st.text(max_size=30) for name in NAMES[3:]})
)  # fmt: skip
async def test_no_value_breaks_a_start(desk: Desk, values: dict[str, object]) -> None:
    campaign = await desk.campaign()
    answer = await desk.ask("init", {"campaign_id": id_of(campaign), **values})
    assert answer.status_code in {200, 400}, answer.text


async def test_two_who_ask_at_once_get_the_answers_of_one_after_the_other(desk: Desk) -> None:
    campaign = await desk.campaign()
    given = {"campaign_id": id_of(campaign)}
    answers = await asyncio.gather(*(desk.ask("init", given) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 500, 500, 500, 500]
    assert {answer.json()["error_message"] for answer in answers if answer.status_code == 500} == {ACTIVE}
    assert len(await desk.rows("SELECT id FROM runs")) == 1
    answers = await asyncio.gather(*(desk.ask(call, given) for call in ("pause", "stop", "pause", "stop")))
    assert {answer.status_code for answer in answers} <= {200, 500}
    assert (await desk.good("stop", campaign))["status"] == "stopped"
