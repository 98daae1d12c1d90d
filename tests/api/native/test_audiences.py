"""`/audiences` and their fields over HTTP."""

from typing import Any
from uuid import uuid4

import httpx2
import pytest

from app.core.accounts import Scope
from app.kit.uids import Noun, uid, uuid
from tests.api.native.calling import BASE, Native, names_of
from tests.factories import Factories, MadeAccount

SENDER = "news@acme.example"


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account(senders=[SENDER])


@pytest.fixture
def call(client: httpx2.AsyncClient, account: MadeAccount) -> Native:
    return Native(client, account.key)


async def test_an_audience_from_creation_to_deletion(call: Native) -> None:
    answer = await call(
        "POST", "/audiences", {"name": " News ", "from_email": "a@x.example", "settings": {"double_opt_in": True}}
    )
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert answer.headers["location"] == f"{BASE}/audiences/{made['id']}"
    assert set(made) == {
        *("id", "uid", "number", "name", "description", "from_email", "from_name", "default_subject", "settings"),
        *("contact_information", "counts", "created_at", "updated_at"),
    }  # fmt: skip
    assert made["name"] == "News"
    assert made["settings"] == {
        "double_opt_in": True, "send_welcome": False, "notify_unsubscribe": False, "confirmation_template_id": None,
        "welcome_template_id": None, "confirmed_redirect_url": None, "unsubscribed_redirect_url": None,
    }  # fmt: skip
    assert len(made["contact_information"]) == 10
    assert set(made["counts"].values()) == {0}
    for name in (made["id"], made["uid"]):
        assert (await call("GET", f"/audiences/{name}")).json() == made
    assert uid(Noun.AUDIENCE, made["number"]) == made["uid"]
    path = f"/audiences/{made['uid']}"
    changed = (
        await call(
            "PATCH",
            path,
            {"from_email": None, "settings": {"send_welcome": True}, "contact_information": {"city": "Hue"}},
        )
    ).json()
    assert (changed["from_email"], changed["name"], changed["contact_information"]["city"]) == (None, "News", "Hue")
    assert changed["settings"]["send_welcome"] is changed["settings"]["double_opt_in"] is True
    changed = (await call("PATCH", path, {"settings": None, "contact_information": {"city": None}})).json()
    assert changed["settings"]["send_welcome"] is changed["settings"]["double_opt_in"] is False
    assert changed["contact_information"]["city"] is None
    assert (await call("DELETE", path)).status_code == 204
    assert (await call("GET", path)).status_code == (await call("DELETE", path)).status_code == 404


async def test_a_list_is_read_in_pages_either_way(call: Native) -> None:
    for name in ("Alpha", "Beta", "alphabet"):
        await call("POST", "/audiences", {"name": name})
    first = (await call("GET", "/audiences", limit="2", count="true")).json()
    assert ([one["name"] for one in first["data"]], first["has_more"], first["total"]) == (["Alpha", "Beta"], True, 3)
    second = (await call("GET", "/audiences", limit="2", cursor=first["next_cursor"])).json()
    assert ([one["name"] for one in second["data"]], second["has_more"], second["next_cursor"]) == (
        ["alphabet"],
        False,
        None,
    )
    found = (await call("GET", "/audiences", q="ALPHA", sort="-created_at")).json()
    assert [one["name"] for one in found["data"]] == ["alphabet", "Alpha"]
    assert (await call("GET", "/audiences", q="%")).json()["data"] == []
    for name, value in (("sort", "name"), ("cursor", "x"), ("limit", "0")):
        query: dict[str, Any] = {name: value}
        assert (await call("GET", "/audiences", **query)).status_code == 400


async def test_bad_values_are_told_by_name(call: Native) -> None:
    assert names_of(await call("POST", "/audiences", {})) == {"name": "required"}
    assert names_of(await call("POST", "/audiences", {"name": " "})) == {"name": "required"}
    assert names_of(await call("POST", "/audiences", {"name": "x", "from_email": "x"})) == {"from_email": "invalid"}
    assert names_of(await call("POST", "/audiences", {"name": "x", "what": 1})) == {"what": "unknown"}
    assert names_of(await call("POST", "/audiences", {"name": "x", "settings": {"what": 1}})) == {
        "settings.what": "unknown"
    }
    assert names_of(await call("POST", "/audiences", {"name": "x", "settings": {"double_opt_in": 1}})) == {
        "settings.double_opt_in": "invalid"
    }
    bad_url = {"name": "x", "settings": {"confirmed_redirect_url": "javascript:alert(1)"}}
    assert names_of(await call("POST", "/audiences", bad_url)) == {"settings.confirmed_redirect_url": "invalid"}
    made = (await call("POST", "/audiences", {"name": "x"})).json()
    assert names_of(await call("PATCH", f"/audiences/{made['id']}", {"name": None})) == {"name": "required"}


async def test_a_confirmation_template_has_the_link(call: Native, make: Factories, account: MadeAccount) -> None:
    with_link = await make.template(account, html="<p>{SUBSCRIBE_CONFIRM_URL}</p>")
    without = await make.template(account)
    foreign = await make.template(await make.account(), html="<p>{SUBSCRIBE_CONFIRM_URL}</p>")
    name = "settings.confirmation_template_id"

    async def set_to(**settings: object) -> httpx2.Response:
        return await call("POST", "/audiences", {"name": "x", "settings": settings})

    made = (await set_to(confirmation_template_id=uid(Noun.TEMPLATE, with_link.id))).json()
    assert made["settings"]["confirmation_template_id"] == str(uuid(Noun.TEMPLATE, with_link.id))
    assert names_of(await set_to(confirmation_template_id=str(uuid(Noun.TEMPLATE, without.id)))) == {name: "invalid"}
    for unknown in (str(uuid(Noun.TEMPLATE, foreign.id)), str(uuid4()), "x", "1"):
        assert names_of(await set_to(confirmation_template_id=unknown)) == {name: "not_found"}
    made = (await set_to(welcome_template_id=str(uuid(Noun.TEMPLATE, without.id)))).json()
    assert made["settings"]["welcome_template_id"] == str(uuid(Noun.TEMPLATE, without.id))


async def test_an_audience_in_use_is_not_deleted(call: Native, make: Factories, account: MadeAccount) -> None:
    audience = await make.audience(account)
    await make.contact(audience)
    run = await make.run(await make.campaign(account, [audience]))
    answer = await call("DELETE", f"/audiences/{uid(Noun.AUDIENCE, audience.id)}")
    assert (answer.status_code, answer.json()["type"], answer.json()["state"]) == (
        409,
        "/problems/wrong-state",
        run.state,
    )


async def test_fields(call: Native) -> None:
    made = (await call("POST", "/audiences", {"name": "x"})).json()
    path = f"/audiences/{made['id']}/fields"
    answer = await call("POST", path, {"tag": "age", "label": "Age", "type": "number", "default_value": "7"})
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"{BASE}{path}/AGE"
    field = answer.json()
    assert (field["tag"], field["required"], field["visible"], field["default_value"]) == ("AGE", False, True, "7")
    assert [one["tag"] for one in (await call("GET", path)).json()["data"]] == ["EMAIL", "AGE"]
    answer = await call("POST", path, {"tag": "Age", "label": "Age", "type": "text"})
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/conflict")
    changed = (await call("PATCH", f"{path}/age", {"label": "Years", "required": True, "default_value": None})).json()
    assert (changed["label"], changed["required"], changed["visible"], changed["default_value"]) == (
        "Years",
        True,
        True,
        None,
    )
    assert names_of(await call("PATCH", f"{path}/AGE", {"type": "text"})) == {"type": "unknown"}
    assert names_of(await call("POST", path, {"tag": "1", "label": "x", "type": "text"})) == {"tag": "invalid"}
    assert names_of(await call("POST", path, {"tag": "STATUS", "label": "x", "type": "text"})) == {"tag": "invalid"}
    assert names_of(await call("POST", path, {"tag": "A", "label": "x", "type": "color"})) == {"type": "invalid"}
    assert names_of(await call("DELETE", f"{path}/EMAIL")) == {"tag": "invalid"}
    assert (await call("DELETE", f"{path}/NONE")).status_code == 404
    assert (await call("DELETE", f"{path}/AGE")).status_code == 204
    assert [one["tag"] for one in (await call("GET", path)).json()["data"]] == ["EMAIL"]


async def test_others_see_nothing_and_keys_open_what_they_may(
    call: Native, client: httpx2.AsyncClient, make: Factories, account: MadeAccount
) -> None:
    made = (await call("POST", "/audiences", {"name": "x"})).json()
    stranger = Native(client, (await make.account()).key)
    reader = Native(client, await make.api_key(account.id, Scope.READ))
    for path in (f"/audiences/{made['id']}", f"/audiences/{made['uid']}", f"/audiences/{made['uid']}/fields"):
        assert (await stranger("GET", path)).status_code == 404
        assert (await reader("GET", path)).status_code == 200
    assert (await stranger("GET", "/audiences")).json()["data"] == []
    for method, path in (("PATCH", ""), ("DELETE", ""), ("POST", "/fields"), ("DELETE", "/fields/X")):
        body = {"tag": "X", "label": "x", "type": "text"} if path == "/fields" else {} if method == "PATCH" else None
        assert (await stranger(method, f"/audiences/{made['id']}{path}", body)).status_code == 404
        assert (await reader(method, f"/audiences/{made['id']}{path}", body)).status_code == 403
    assert (await reader("POST", "/audiences", {"name": "y"})).status_code == 403
    for bad in ("x", "16", "%00", str(uuid4()), "5fade5c93e42"):
        assert (await call("GET", f"/audiences/{bad}")).status_code == 404
