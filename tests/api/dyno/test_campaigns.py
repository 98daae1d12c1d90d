"""Dyno Email Marketing: campaigns, over HTTP."""

import pytest

from tests.api.dyno.conftest import NOT_FOUND, UNKNOWN_ID, Dyno
from tests.factories import Factories

KEYS = ["id", "user_id", "name", "template_id", "list_id", "list_ids", "subject", "from_name", "from_email",
        "preview_message", "email_content", "status", "campaign_process_id", "iso_start_time", "time_zone", "created",
        "updated", "deleted"]  # fmt: skip


async def test_a_campaign_is_made_changed_shown_and_deleted(dyno: Dyno) -> None:
    template = (await dyno.done("POST", "/templates", {"name": "T"}))["id"]
    lists = [(await dyno.done("POST", "/lists", {"name": name}))["id"] for name in "ab"]
    made = await dyno.done("POST", "/campaigns", {"name": "C", "template_id": template, "list_ids": ", ".join(lists),
                           "html": "<p>x</p>", "preview_message": "P", "status": "running", "colour": "blue",
                           "iso_start_time": "2037-01-20T09:00", "time_zone": "GMT+7"})  # fmt: skip
    assert list(made) == ["user_id", "campaign_id", "id", "campaign"]
    shown = made["campaign"]
    assert list(shown) == [*KEYS[:15], "colour", *KEYS[15:]]
    assert (shown["template_id"], shown["list_id"], shown["list_ids"]) == (template, lists[0], lists)
    assert (shown["email_content"], shown["preview_message"]) == ("<p>x</p>", "P")
    assert (shown["status"], shown["campaign_process_id"]) == ("draft", None)
    assert (shown["iso_start_time"], shown["time_zone"]) == ("2037-01-20T09:00:00", "GMT+7")
    path = f"/campaigns/{made['id']}"
    assert await dyno.done("GET", path) == {"campaign": shown}
    put = {"list_id": lists[1], "template_id": None, "time_zone": "Asia/Ho_Chi_Minh", "size": 2, "from_name": "N"}
    changed = (await dyno.done("PUT", path, put))["campaign"]
    assert (changed["list_ids"], changed["template_id"], changed["colour"], changed["size"]) == (
        [lists[1]],
        None,
        "blue",
        2,
    )
    assert (changed["iso_start_time"], changed["time_zone"]) == ("2037-01-20T09:00:00", "Asia/Ho_Chi_Minh")
    assert changed["updated"] > 0
    cleared = (await dyno.done("PUT", path, {"iso_start_time": None, "list_ids": None, "time_zone": None}))["campaign"]
    assert (cleared["iso_start_time"], cleared["list_id"], cleared["list_ids"]) == (None, None, [])
    assert (cleared["time_zone"], cleared["from_name"]) == ("UTC", "N")
    [found] = (await dyno.done("POST", "/campaigns/find", {"colour": "blue", "size": {"lt": 3}}))["campaigns"]
    assert found == cleared
    await dyno.done("DELETE", path)
    assert await dyno.refused("GET", path) == NOT_FOUND


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"from_email": "nobody"}, "from_email is not an e-mail address"),
        ({"subject": 5}, "subject is not valid"),
        ({"html": []}, "html is not valid"),
        ({"preview_message": "x" * 2001}, "preview_message is longer than"),
        ({"time_zone": "Mars"}, "time_zone is not valid"),
        ({"iso_start_time": "soon"}, "iso_start_time is not valid"),
        ({"iso_start_time": 5}, "iso_start_time is not valid"),
        ({"list_ids": [5]}, "list_ids is not valid"),
        ({"list_ids": {}}, "list_ids is not valid"),
        ({"list_ids": [UNKNOWN_ID] * 1001}, "list_ids has more than"),
        ({"template_id": 5}, "template_id is not valid"),
        ({"from_email": "nobody", "list_id": UNKNOWN_ID}, "from_email is not an e-mail address"),
    ],
)
async def test_bad_parameters_are_named(dyno: Dyno, given: dict[str, object], text: str) -> None:
    made = await dyno.done("POST", "/campaigns", {"name": "C"})
    for method, path in (
        ("POST", "/campaigns"),
        ("PUT", f"/campaigns/{made['id']}"),
        ("PUT", f"/campaigns/{UNKNOWN_ID}"),
    ):
        status, code, said = await dyno.refused(method, path, {"name": "x", **given})
        assert (status, code) == (400, "400")
        assert said.startswith(text)


async def test_what_it_names_must_be_the_accounts_own(dyno: Dyno, stranger: Dyno) -> None:
    foreign = {
        "template_id": (await stranger.done("POST", "/templates", {"name": "T"}))["id"],
        "list_id": (await stranger.done("POST", "/lists", {"name": "L"}))["id"],
    }
    made = await dyno.done("POST", "/campaigns", {"name": "C"})
    for name, id_ in foreign.items():
        for which in (id_, UNKNOWN_ID, "x", made["id"]):
            assert await dyno.refused("POST", "/campaigns", {"name": "C", name: which}) == NOT_FOUND
            assert await dyno.refused("PUT", f"/campaigns/{made['id']}", {name: which}) == NOT_FOUND
    assert (await dyno.done("GET", f"/campaigns/{made['id']}"))["campaign"]["template_id"] is None


async def test_states(dyno: Dyno, make: Factories) -> None:
    members = {"name": "L", "subscribers": "a@x.example"}
    list_id = (await dyno.done("POST", "/lists", members))["id"]
    given = {"name": "C", "list_id": list_id, "subject": "S", "html": "<p>x</p>", "from_email": "shop@example.com"}
    running, waiting, scheduled = [(await dyno.done("POST", "/campaigns", given))["id"] for _ in range(3)]
    for one in (running, waiting):
        await dyno.done("POST", "/campaign_process/init", {"campaign_id": one})
    await dyno.done("POST", "/campaign_process/pause", {"id": waiting})
    later = {"campaign_id": scheduled, "iso_start_time": "2037-01-20T09:00:00"}
    process = await dyno.done("POST", "/campaign_process/init", later)
    shown = (await dyno.done("GET", f"/campaigns/{scheduled}"))["campaign"]
    assert (shown["status"], shown["campaign_process_id"]) == ("scheduled", process["campaign_process_id"])
    statuses = {"running": running, "paused": waiting, "scheduled": scheduled}
    for status, id_ in statuses.items():
        found = await dyno.done("POST", "/campaigns/find", {"status": {"in": status}, "application_fields": ["id"]})
        assert found == {"campaigns": [{"id": id_}], "total": 1}
    found = await dyno.done("POST", "/campaigns/find", {"campaign_process_id": process["id"]})
    assert [one["id"] for one in found["campaigns"]] == [scheduled]
    busy = (500, "124", "CAMPAIGN IS RUNNING")
    path = f"/campaigns/{running}"
    assert await dyno.refused("PUT", path, {"name": "D"}) == busy
    assert await dyno.refused("DELETE", path) == busy
    reader = Dyno(dyno.client, await make.api_key(dyno.account.id, "read"), dyno.account)
    for method, body in (("PUT", {"name": "D"}), ("DELETE", None)):
        assert (await reader.refused(method, path, body))[0] == 403
    await dyno.done("PUT", f"/campaigns/{waiting}", {"name": "D"})
    for id_ in (waiting, scheduled):
        await dyno.done("DELETE", f"/campaigns/{id_}")
    found = await dyno.done("POST", "/campaigns/find", {"deleted": {"ne": 0}})
    assert {one["status"] for one in found["campaigns"]} == {"stopped"}
