"""Dyno Email Marketing: templates, and what holds for all objects, over HTTP."""

import pytest

from tests.api.dyno.conftest import NOT_FOUND, UNKNOWN_ID, Dyno, refusal
from tests.factories import Factories

KEYS = ["id", "user_id", "name", "subject", "content", "preview_message", "created", "updated", "deleted"]


async def test_a_template_is_made_changed_shown_and_deleted(dyno: Dyno) -> None:
    made = await dyno.done("POST", "/templates", {"name": " A ", "html": "<p>x</p>", "status": "draft", "id": "mine"})
    assert list(made) == ["user_id", "template_id", "id", "template"]
    assert made["user_id"] == str(dyno.account.public_id) == made["template"]["user_id"]
    assert made["id"] == made["template_id"] == made["template"]["id"] != "mine"
    assert list(made["template"]) == KEYS
    assert (made["template"]["name"], made["template"]["content"], made["template"]["updated"]) == ("A", "<p>x</p>", 0)
    path = f"/templates/{made['id']}"
    changed = await dyno.done("PUT", path, {"subject": "S", "email_content": None, "preview_message": "P"})
    assert changed["template"]["content"] == ""
    assert changed["template"]["updated"] > 0
    assert (await dyno.done("GET", path)) == {"template": changed["template"]}
    assert (await dyno.done("GET", path + "/"))["template"]["subject"] == "S"
    assert await dyno.done("DELETE", path) == {key: made[key] for key in ("user_id", "template_id", "id")}
    for method, body in (("GET", None), ("PUT", {"name": "B"}), ("DELETE", None)):
        assert await dyno.refused(method, path, body) == NOT_FOUND
    [gone] = (await dyno.done("POST", "/templates/find", {"deleted": {"gt": 0}}))["templates"]
    assert gone["id"] == made["id"]
    assert gone["deleted"] > 0


async def test_extra_members_are_kept_in_their_place(dyno: Dyno) -> None:
    extra = {"colour": "blue", "weight": 1.5, "on": True, "none": None, "deep": {"a": [1, "x"]}}
    made = await dyno.done("POST", "/templates", {"name": "A", **extra, "application_x": 1, "campaign_process_id": 2})
    assert list(made["template"]) == [*KEYS[:6], *extra, *KEYS[6:]] or set(made["template"]) == {*KEYS, *extra}
    changed = await dyno.done("PUT", f"/templates/{made['id']}", {"colour": "red", "more": 1})
    assert {name: changed["template"][name] for name in (*extra, "more")} == {**extra, "colour": "red", "more": 1}
    assert list(changed["template"])[-3:] == KEYS[-3:]
    status, code, text = await dyno.refused("POST", "/templates", {"name": "A", "big": "x" * 70_000})
    assert (status, code) == (400, "400")
    assert text.startswith("extra is longer")


@pytest.mark.parametrize("noun", ["templates", "lists", "campaigns"])
async def test_what_is_wrong_is_named(dyno: Dyno, stranger: Dyno, noun: str) -> None:
    made = await dyno.done("POST", f"/{noun}", {"name": "A"})
    path = f"/{noun}/{made['id']}"
    assert await dyno.refused("POST", f"/{noun}", {}) == (400, "400", "name is required")
    for name in ("", "  ", None):
        assert await dyno.refused("POST", f"/{noun}", {"name": name}) == (400, "400", "name is required")
        assert await dyno.refused("PUT", path, {"name": name}) == (400, "400", "name is required")
    assert await dyno.refused("PUT", path, {"name": 5}) == (400, "400", "name is not valid")
    assert await dyno.refused("POST", f"/{noun}", {"name": "a\0b"}) == (400, "400", "name is not valid")
    for which in (UNKNOWN_ID, "x", "find%20", made["id"].upper() + "0", "5"):
        for method, body in (("GET", None), ("PUT", {"name": "B"}), ("DELETE", None)):
            assert await dyno.refused(method, f"/{noun}/{which}", body) == NOT_FOUND
    for method, body in (("GET", None), ("PUT", {"name": "B"}), ("DELETE", None)):
        assert await stranger.refused(method, path, body) == NOT_FOUND
    assert (await stranger.done("POST", f"/{noun}/count"))["count"] == 0
    assert await dyno.refused("POST", path, {"name": "B"}) == (404, "404", "The specified api could not be found")
    for verb in ("GET", "PUT", "DELETE", "PATCH"):
        for last in ("find", "count"):
            assert (await dyno.ask(verb, f"/{noun}/{last}", None)).status_code == 404
    assert refusal(await dyno.client.get(path))[0] == 401
    bearer = await dyno.client.get(path, headers={"Authorization": f"Bearer {dyno.key}"})
    assert bearer.status_code == 200
    for type_ in ("text/plain", "application/x-www-form-urlencoded", ""):
        answer = await dyno.client.post(
            f"/{noun}", headers={"User-Api-Key": dyno.key, "Content-Type": type_}, content=b'{"name":"x"}'
        )
        assert refusal(answer) == (400, "400", "Content-Type must be application/json")
    for raw in (b"", b"{", b"\xff", b'{"name":"\\ud800"}', b"[" * 5000):
        answer = await dyno.client.post(
            f"/{noun}", headers={"User-Api-Key": dyno.key, "Content-Type": "application/json"}, content=raw
        )
        assert refusal(answer) == (400, "400", "body is not valid JSON")
    assert (await dyno.refused("POST", f"/{noun}", []))[0] == 400


@pytest.mark.parametrize("noun", ["templates", "lists", "campaigns"])
async def test_the_right_is_asked_for_after_the_object(dyno: Dyno, make: Factories, noun: str) -> None:
    made = await dyno.done("POST", f"/{noun}", {"name": "A"})
    path = f"/{noun}/{made['id']}"
    hidden = (403, "403", "The requested is hidden for administrators only")
    reader = Dyno(dyno.client, await make.api_key(dyno.account.id, "read"), dyno.account)
    assert await reader.refused("POST", f"/{noun}", {"name": "A"}) == hidden
    assert await reader.refused("PUT", path, {"name": "B"}) == hidden
    assert await reader.refused("DELETE", path) == hidden
    assert await reader.refused("PUT", f"/{noun}/{UNKNOWN_ID}", {"name": "B"}) == NOT_FOUND
    assert await reader.refused("POST", f"/{noun}", {}) == (400, "400", "name is required")
    [found] = (await reader.done("POST", f"/{noun}/find"))[noun]
    assert found["name"] == "A"
    sender = Dyno(dyno.client, await make.api_key(dyno.account.id, "send"), dyno.account)
    assert await sender.refused("GET", path) == hidden
    assert await sender.refused("POST", f"/{noun}/find") == hidden
    assert await sender.refused("POST", f"/{noun}/find", {"nonsense": 1}) == (
        400,
        "400",
        "nonsense is not a known field",
    )
