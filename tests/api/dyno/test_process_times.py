"""`/campaign_process/...`: local times and their zones, and what one run says instead of its campaign."""

from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import campaigns
from tests.api.dyno.desk import AHEAD, SENDER, Desk, desk_of, id_of
from tests.factories import Factories


@pytest.fixture
async def desk(make: Factories, engine: AsyncEngine, client: httpx2.AsyncClient) -> Desk:
    return await desk_of(make, engine, client)


async def test_overrides_stay_with_the_run(desk: Desk) -> None:
    campaign = await desk.campaign(preheader="Old line")
    texts = {"subject": "Tet", "from_name": "Acme", "from_email": SENDER.upper(), "preview_message": "New line"}
    process = (await desk.good("init", campaign, iso_start_time=AHEAD, **texts))["process"]
    assert {name: process[name] for name in texts} == {**texts, "from_email": SENDER}
    process = (await desk.good("reschedule", campaign, iso_start_time=AHEAD, subject="  ", from_name="B"))["process"]
    assert (process["subject"], process["from_name"]) == ("Tet", "B")
    (row,) = await desk.rows("SELECT subject, from_name, preheader FROM campaigns WHERE id = $1", campaign.id)
    assert tuple(row) == (campaign.subject, "Shop", "Old line"), "the campaign keeps its own"


async def test_update_and_resume_writes_to_the_campaign(desk: Desk) -> None:
    campaign = await desk.campaign("paused")
    texts = {"subject": "Second", "from_name": "Acme", "preview_message": "Line"}
    process = (await desk.good("update_and_resume", campaign, **texts))["process"]
    assert {name: process[name] for name in texts} == texts
    (row,) = await desk.rows("SELECT subject, from_name, preheader FROM campaigns WHERE id = $1", campaign.id)
    assert tuple(row) == ("Second", "Acme", "Line")


BAD: list[tuple[dict[str, object], str | None]] = [
    ({"subject": 5}, "subject is not valid"),
    ({"subject": "a\u0000b"}, "subject is not valid"),
    ({"subject": "a\u0007b"}, "subject has control characters"),
    ({"from_name": "x" * 3000}, "from_name is longer than 2000 characters"),
    ({"from_email": "no address"}, "from_email is not valid"),
    ({"preview_message": ["x"]}, "preview_message is not valid"),
    ({"iso_start_time": 20270120}, "iso_start_time is not valid"),
    ({"iso_start_time": "2027-02-30T09:00:00"}, "iso_start_time is not valid"),
    ({"iso_start_time": "20/01/2027 09:00"}, "iso_start_time is not valid"),
    ({"time_zone": "Mars/Base"}, "time_zone is not valid"),
    ({"time_zone": "GMT+25"}, "time_zone is not valid"),
    ({"iso_start_time": "x", "time_zone": "Mars/Base"}, "iso_start_time is not valid"),
    ({"subject": "{% if %}"}, None),
]
"""What comes with a start, and the text; None: the engine's own words."""


async def test_bad_values_are_named(desk: Desk, subtests: pytest.Subtests) -> None:
    campaign = await desk.campaign()
    for given, text in BAD:
        with subtests.test(str(given)[:80]):
            status, code, found = await desk.error("init", {"campaign_id": id_of(campaign), **given})
            assert (status, code) == (400, "400")
            assert found == text or (text is None and found.startswith("subject is malformed"))


def utc(text: str) -> int:
    return int(datetime.fromisoformat(f"{text}+00:00").timestamp())


TIMES: list[tuple[str, str | None, str, str]] = [
    (AHEAD, None, "2037-01-20T09:00:00", AHEAD),
    (AHEAD, "Asia/Ho_Chi_Minh", "2037-01-20T02:00:00", AHEAD),
    (AHEAD, "asia/ho_chi_minh", "2037-01-20T02:00:00", AHEAD),
    (AHEAD, "GMT+7", "2037-01-20T02:00:00", AHEAD),
    (AHEAD, "UTC+07:00", "2037-01-20T02:00:00", AHEAD),
    (AHEAD, "+07:00", "2037-01-20T02:00:00", AHEAD),
    (AHEAD, "EST", "2037-01-20T14:00:00", AHEAD),
    ("2037-07-20T09:00:00", "MST", "2037-07-20T16:00:00", "2037-07-20T09:00:00"),
    (AHEAD, "HST", "2037-01-20T19:00:00", AHEAD),
    ("2037-01-20T09:00", None, "2037-01-20T09:00:00", AHEAD),
    ("2037-01-20T09:00:00.987", None, "2037-01-20T09:00:00", AHEAD),
    ("2037-01-20T09:00:00Z", "GMT+7", "2037-01-20T09:00:00", "2037-01-20T16:00:00"),
    ("2037-01-20T09:00:00-02:30", "UTC", "2037-01-20T11:30:00", "2037-01-20T11:30:00"),
    # Skipped in Berlin on 29 March 2037: moves forward. Twice on 25 October 2037: the first.
    ("2037-03-29T02:30:00", "Europe/Berlin", "2037-03-29T01:30:00", "2037-03-29T02:30:00"),
    ("2037-10-25T02:30:00", "Europe/Berlin", "2037-10-25T00:30:00", "2037-10-25T02:30:00"),
]
"""Time and zone as given, the instant in UTC, the time as shown."""


async def test_local_times(desk: Desk, subtests: pytest.Subtests) -> None:
    for local, zone, instant, shown in TIMES:
        with subtests.test(f"{local} {zone}"):
            given = {"iso_start_time": local} | ({"time_zone": zone} if zone else {})
            process = (await desk.good("init", await desk.campaign(), **given))["process"]
            assert (process["start_time"], process["iso_start_time"]) == (utc(instant), shown)
            assert (process["status"], process["time_zone"]) == ("scheduled", zone or "UTC")


async def test_which_zone_counts(desk: Desk) -> None:
    campaign = await desk.campaign(time_zone="Asia/Ho_Chi_Minh")
    process = (await desk.good("init", campaign, iso_start_time=AHEAD))["process"]
    assert process["start_time"] == utc("2037-01-20T02:00:00"), "the campaign's"
    process = (await desk.good("reschedule", campaign, iso_start_time=AHEAD, time_zone="EST"))["process"]
    assert process["start_time"] == utc("2037-01-20T14:00:00"), "the given one"
    await desk.good("cancel_schedule", campaign)
    process = (await desk.good("reschedule", campaign, iso_start_time=AHEAD))["process"]
    assert (process["start_time"], process["time_zone"]) == (utc("2037-01-20T14:00:00"), "EST"), "the schedule's"
    process = (await desk.good("reschedule", campaign, time_zone="HST"))["process"]
    assert (process["status"], process["start_time"], process["time_zone"]) == ("running", 0, "HST")


async def test_a_start_that_the_campaign_carries(desk: Desk) -> None:
    start_at = datetime(2037, 1, 20, 9, tzinfo=UTC)
    carried: dict[str, Any] = {"start_at": start_at, "local_start": AHEAD, "time_zone": "UTC"}
    process = (await desk.good("init", await desk.campaign(**carried)))["process"]
    assert (process["status"], process["start_time"]) == ("scheduled", utc(AHEAD))
    process = (await desk.good("init", await desk.campaign(**carried), time_zone="GMT+7"))["process"]
    assert (process["start_time"], process["iso_start_time"]) == (utc("2037-01-20T02:00:00"), AHEAD)
    process = (await desk.good("init", await desk.campaign(**carried), iso_start_time="2017-01-20T09:00:00"))["process"]
    assert (process["status"], process["start_time"]) == ("running", utc("2017-01-20T09:00:00"))


async def test_moved_and_called_off_it_keeps_its_process(desk: Desk) -> None:
    campaign = await desk.campaign()
    first = await desk.good("init", campaign, iso_start_time=AHEAD)
    moved = await desk.good("reschedule", first["id"], iso_start_time="2037-02-20T09:00:00")
    off = await desk.good("cancel_schedule", first["id"])
    again = await desk.good("reschedule", first["id"], iso_start_time=AHEAD)
    assert {data["id"] for data in (moved, off, again)} == {first["id"]}
    assert [data["status"] for data in (moved, off, again)] == ["scheduled", "draft", "scheduled"]
    assert again["process"]["updated"] >= again["process"]["created"]


async def test_an_empty_list_is_finished_at_once(desk: Desk, make: Factories) -> None:
    campaign = await make.campaign(desk.account, [await make.audience(desk.account)])
    data = await desk.good("init", campaign)
    for run_id in await campaigns.queued(desk.engine):
        await campaigns.snapshot(desk.engine, run_id)
    await campaigns.finish(desk.engine)
    assert await desk.error("stop", {"id": data["id"]}) == (500, "124", "CAMPAIGN IS NOT ACTIVE")
    (row,) = await desk.rows("SELECT state, total FROM runs")
    assert tuple(row) == ("done", 0)
