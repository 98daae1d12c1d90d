"""Every step, what keeps it from being done, and what happens then."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.core import accounts, audiences, automations, contacts, senders, templates, tracking
from app.core.automations.deciding import moment_of
from app.core.automations.values import Wait
from app.core.contacts import ContactStatus
from app.core.tracking import Opened
from app.db.engine import driver_connection
from app.db.unit_of_work import unit_of_work
from app.kit.uids import Noun, uid
from app.models.suppression import Reason
from tests.core.automations.world import FROM, World

WAIT = {"type": "wait", "minutes": 60}
TAG = {"type": "add_tag", "tag": "done"}


async def test_all_steps_of_the_example_one_after_the_other(world: World) -> None:
    condition = {"type": "condition", "if": {"type": "opened", "step": 1}, "else_stop": True}
    automation = await world.automation(
        WAIT,
        world.send(subject="Hello {{ FIRST_NAME }}"),
        {**WAIT, "minutes": 1440},
        condition,
        {"type": "add_tag", "tag": "onboarded"},
        trigger={"type": "tag_added", "tag": "trial"},
    )
    jo = await world.contact(tags=["trial"], fields={"FIRST_NAME": "Jo & Co"})
    ann = await world.contact("ann@example.org", tags=["trial"])
    await world.settle()
    assert await world.mails() == []
    await world.later(minutes=59)
    assert await world.mails() == []
    await world.later(minutes=2)
    first, second = await world.mails()
    assert (first["recipient"], second["recipient"]) == ("jo@example.org", "ann@example.org")
    await _open(world, first)
    await world.later(days=1)
    assert await world.runs() == [("finished", ""), ("stopped", "condition")]
    assert [(await world.seen(one)).tags for one in (jo, ann)] == [["trial", "onboarded"], ["trial"]]
    assert await world.counts(automation) == (2, 0, 1, 1)


async def _open(world: World, mail: Mapping[str, Any]) -> None:
    async with driver_connection(world.engine) as connection:
        [event_id] = await tracking.next_ids(connection, 1)
        opened = Opened(event_id, mail["id"], mail["accepted_at"], datetime.now(UTC), "192.0.2.1", "x")
        await tracking.record_events(connection, [opened])


async def test_what_a_mail_says(world: World) -> None:
    async with unit_of_work(world.engine) as write:
        await templates.change(
            write, world.account.id, world.template.id, preheader="For {{ FIRST_NAME }}", subject="Hi {FIRST_NAME}"
        )
    automation = await world.automation(world.send(reply_to="help@acme.example"))
    contact = await world.contact(fields={"FIRST_NAME": "<Jo>"})
    await world.settle()
    [mail] = await world.mails()
    headers = mail["headers"]
    assert (headers["From"], headers["To"], headers["Reply-To"]) == (
        f"Acme <{FROM}>", "jo@example.org", "help@acme.example",
    )  # fmt: skip
    assert headers["Subject"] == "Hi <Jo>"
    assert headers["Precedence"] == "bulk"
    assert headers["X-Dynosend-Campaign-Id"] == uid(Noun.AUTOMATION, automation.id)
    assert headers["X-Dynosend-Contact-Id"] == uid(Noun.CONTACT, contact.id)
    assert "X-Dynosend-Message-Id" in headers
    assert "Hello &lt;Jo&gt;" in mail["html"]
    assert "display:none" in mail["html"]
    assert "For &lt;Jo&gt;" in mail["html"]
    assert "For" not in mail["text"]
    assert "Hello <Jo>" in mail["text"]
    assert (mail["contact_id"], mail["tracking"], mail["state"]) == (contact.id, 7, "queued")


async def test_tags_and_fields(world: World) -> None:
    await world.automation(
        TAG,
        {"type": "remove_tag", "tag": "new"},
        {"type": "set_field", "field": "first_name", "value": "Ann"},
        {"type": "set_field", "field": "AGE", "value": 7},
    )
    contact = await world.contact(tags=["new", "x"], fields={"FIRST_NAME": "Jo"})
    await world.settle()
    seen = await world.seen(contact)
    assert (seen.tags, seen.fields) == (["x", "done"], {"FIRST_NAME": "Ann", "AGE": "7"})


async def test_a_step_unsubscribes_and_no_mail_follows(world: World) -> None:
    await world.automation({"type": "unsubscribe"}, TAG, WAIT, world.send(), TAG)
    contact = await world.contact()
    await world.settle()
    seen = await world.seen(contact)
    assert (seen.status, seen.tags) == (ContactStatus.UNSUBSCRIBED, ["done"])
    await world.do(contacts.subscribe, contact.id)
    await world.later(hours=2)
    assert await world.runs() == [("stopped", "unsubscribed")]
    assert await world.mails() == []


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ({"type": "field", "field": "FIRST_NAME", "op": "equals", "value": "jo"}, True),
        ({"type": "field", "field": "AGE", "op": "gt", "value": 17}, False),
        ({"type": "tag", "op": "has", "value": "x"}, True),
        ({"type": "opened", "op": "any_within_days", "value": 3}, False),
        ({"type": "clicked", "step": 0}, False),
    ],
)
@pytest.mark.parametrize("else_stop", [True, False])
async def test_conditions(world: World, condition: dict[str, Any], holds: bool, else_stop: bool) -> None:
    choice = {"type": "condition", "if": condition, "else_stop": else_stop}
    await world.automation(world.send(), choice, {**TAG, "tag": "a"}, {**TAG, "tag": "b"})
    contact = await world.contact(fields={"FIRST_NAME": "Jo", "AGE": 17}, tags=["x"])
    await world.settle()
    expected = ["a", "b"] if holds else [] if else_stop else ["b"]
    assert (await world.seen(contact)).tags == ["x", *expected]
    assert await world.runs() == [("finished", "")] if holds or not else_stop else [("stopped", "condition")]


@pytest.mark.parametrize(
    ("wait", "now", "expected"),
    [
        (Wait(90), "2026-03-01T10:00:00+00:00", "2026-03-01T11:30:00+00:00"),
        (Wait(None, "09:00", "Europe/Berlin"), "2026-03-01T07:59:00+00:00", "2026-03-01T08:00:00+00:00"),
        (Wait(None, "09:00", "Europe/Berlin"), "2026-03-01T08:00:00+00:00", "2026-03-01T08:00:00+00:00"),
        (Wait(None, "09:00", "Europe/Berlin"), "2026-03-01T08:00:01+00:00", "2026-03-02T08:00:00+00:00"),
        # The night in which the clock goes forward: 02:30 is not there; next day it is an hour earlier.
        (Wait(None, "02:30", "Europe/Berlin"), "2026-03-29T00:00:00+00:00", "2026-03-29T01:30:00+00:00"),
        (Wait(None, "09:00", "Europe/Berlin"), "2026-03-28T09:00:00+00:00", "2026-03-29T07:00:00+00:00"),
        (Wait(None, "2026-04-01T09:00", "+07:00"), "2026-03-28T09:00:00+00:00", "2026-04-01T02:00:00+00:00"),
        (Wait(None, "2026-01-01T09:00", "UTC"), "2026-03-28T09:00:00+00:00", "2026-01-01T09:00:00+00:00"),
    ],
)
def test_how_long_a_wait_lasts(wait: Wait, now: str, expected: str) -> None:
    assert moment_of(wait, datetime.fromisoformat(now)) == datetime.fromisoformat(expected)


async def test_a_moment_that_is_over_is_no_wait(world: World) -> None:
    until = {"time": "2020-01-01T09:00", "time_zone": "UTC"}
    await world.automation({"type": "wait", "until": until}, TAG)
    await world.contact()
    await world.settle()
    assert await world.runs() == [("finished", "")]


async def test_the_suppression_list_is_obeyed(world: World) -> None:
    """An entry that leaves the contact subscribed, because it was made for another address of theirs."""
    await world.automation(world.send(), trigger="unsubscribed")
    contact = await world.contact()
    await world.do(contacts.unsubscribe, contact.id)
    await world.make.suppression(world.account.id, "jo@example.org", reason=Reason.UNSUBSCRIBE)
    await world.settle()
    [mail] = await world.mails()
    assert (mail["state"], mail["blocked_reason"]) == ("blocked", "unsubscribe")


async def test_a_spent_quota_delays_and_loses_nobody(world: World, make: Any, engine: Any, settings: Any) -> None:
    place = await World(make, engine, settings).open(monthly_cap=2)
    automation = await place.automation(place.send())
    for number in range(5):
        await place.contact(f"p{number}@example.org")
    await place.settle()
    assert await place.counts(automation) == (5, 3, 2, 0)
    errors = await place.rows("SELECT DISTINCT error, failures FROM automation_runs WHERE status = 'active'")
    assert [tuple(row.values()) for row in errors] == [("the monthly quota is spent", 0)]
    assert await place.rows("SELECT * FROM issues") == []
    await place.later(minutes=20)
    assert len(await place.mails()) == 2
    async with unit_of_work(engine) as write:
        await accounts.change(write, await accounts.get(write, place.account.caller, place.account.id), monthly_cap=4)
    await place.later(hours=1)
    assert len(await place.mails()) == 4
    assert await place.counts(automation) == (5, 1, 4, 0)


async def test_a_template_that_is_gone_is_said_and_waited_for(world: World) -> None:
    automation = await world.automation(world.send(), TAG)
    contact = await world.contact()
    async with unit_of_work(world.engine) as write:
        await templates.delete(write, world.account.id, world.template.id)
    await world.settle()
    [row] = await world.rows("SELECT error, failures, due_at - now() > interval '30 s' AS later FROM automation_runs")
    assert tuple(row.values()) == ("its template was deleted", 1, True)
    await world.of(automations.pause, automation)
    async with unit_of_work(world.engine) as write:
        world.template = await templates.create(write, world.account.id, name="New", subject="x", html="<p>x</p>")
    await world.of(automations.change, automation, steps=[world.send(), TAG])
    await world.of(automations.activate, automation)
    await world.later(minutes=5)
    assert await world.runs() == [("finished", "")]
    assert len(await world.mails()) == 1
    [row] = await world.rows("SELECT error, failures, failing_since FROM automation_runs")
    assert tuple(row.values()) == ("", 0, None)
    assert (await world.seen(contact)).tags == ["done"]


async def test_what_fails_for_a_week_stops(world: World) -> None:
    automation = await world.automation({"type": "set_field", "field": "FIRST_NAME", "value": "x"})
    await world.contact()
    async with unit_of_work(world.engine) as write:
        await audiences.delete_field(write, world.account.id, world.audience.id, "FIRST_NAME")
    await world.settle()
    for _ in range(8):
        await world.later(days=1)
    assert await world.runs() == [("stopped", "failed")]
    [row] = await world.rows("SELECT error FROM automation_runs")
    assert "is not a field" in row["error"]
    assert await world.counts(automation) == (1, 0, 0, 1)


async def test_one_that_cannot_be_done_holds_nobody_up(world: World) -> None:
    await world.automation(world.send())
    for number in range(5):
        await world.contact(f"p{number}@example.org")
    await world.route()
    await world.rows("UPDATE contacts SET address = 'nobody' WHERE address = 'p2@example.org'")
    await world.settle()
    assert [status for status, _ in await world.runs()] == ["finished", "finished", "active", "finished", "finished"]


async def test_a_sender_that_may_not_send(world: World) -> None:
    await world.automation(world.send())
    await world.contact()
    async with unit_of_work(world.engine) as write:
        sender = await senders.get(write, world.account.id, world.account.senders[FROM])
        await senders.delete(write, sender)
    await world.settle()
    [row] = await world.rows("SELECT error FROM automation_runs")
    assert row["error"] == f"{FROM} is not an approved sender"


async def test_paused_nobody_moves(world: World) -> None:
    automation = await world.automation(WAIT, TAG)
    contact = await world.contact()
    await world.settle()
    await world.of(automations.pause, automation)
    await world.later(hours=2)
    assert await world.runs() == [("active", "")]
    await world.of(automations.activate, automation)
    await world.settle()
    assert (await world.seen(contact)).tags == ["done"]


async def test_deleted_nobody_moves_and_runs_are_forgotten(world: World) -> None:
    automation = await world.automation(WAIT, TAG)
    await world.contact()
    await world.settle()
    await world.of(automations.delete, automation)
    await world.later(hours=2)
    assert await world.runs() == [("active", "")]
    async with driver_connection(world.engine) as connection:
        assert await automations.tidy(connection) == 1
        assert await automations.tidy(connection) == 0
    assert await world.runs() == []


async def test_tallies_are_folded_and_say_the_same(world: World) -> None:
    automation = await world.automation(TAG)
    for number in range(25):
        await world.contact(f"p{number}@example.org")
        await world.settle()
    before = await world.counts(automation)
    async with driver_connection(world.engine) as connection:
        assert await automations.tidy(connection) >= 50
    assert await world.counts(automation) == before == (25, 0, 25, 0)
    assert len(await world.rows("SELECT FROM automation_tallies")) == 1


async def test_a_webhook_step_puts_in_a_call(world: World) -> None:
    await world.automation({"type": "webhook", "url": "https://hooks.example.com/a?b=1"}, TAG)
    await world.contact(fields={"FIRST_NAME": "Jo"})
    await world.settle()
    assert await world.runs() == [("finished", "")]
    [row] = await world.rows("SELECT endpoint, url, body::jsonb->'data'->'contact' AS contact FROM automation_calls")
    assert (row["endpoint"], row["url"]) == ("https://hooks.example.com:443", "https://hooks.example.com/a?b=1")
    assert (row["contact"]["email"], row["contact"]["fields"]) == ("jo@example.org", {"FIRST_NAME": "Jo"})


async def test_one_by_one_where_some_may_not_be_held_up_by_others(world: World) -> None:
    """Several runners at once: each run's steps are done once."""
    automation = await world.automation(TAG, world.send(), {**TAG, "tag": "e"})
    for number in range(30):
        await world.contact(f"p{number}@example.org")
    await world.settle()
    assert await world.counts(automation) == (30, 0, 30, 0)
    assert len({mail["recipient"] for mail in await world.mails()}) == len(await world.mails()) == 30


def test_times_are_aware() -> None:
    assert moment_of(Wait(1), datetime(2026, 1, 1, tzinfo=UTC)) - datetime(2026, 1, 1, tzinfo=UTC) == timedelta(
        minutes=1
    )
