"""Contacts: nine calls (docs/contract/dynosend.md, 7)."""

import json
from typing import Any

import httpx2
import pytest

from app.core.audiences import Audience
from app.kit.uids import Noun, uid
from app.main import create_app
from app.settings import Contacts, Settings
from tests.api.dynosend.conftest import Ask
from tests.factories import Factories, MadeAccount

ALL_TYPES = {
    "NAME_": "text", "AGE": "number", "NOTE": "textarea", "BIRTHDAY": "date", "SEEN": "datetime", "WAKES": "time"
}  # fmt: skip


@pytest.fixture
async def audience(make: Factories, account: MadeAccount) -> Audience:
    return await make.audience(account, fields=ALL_TYPES)


@pytest.fixture
def whose(audience: Audience) -> dict[str, str]:
    return {"audience_uid": uid(Noun.AUDIENCE, audience.id)}


async def one(ask: Ask, whose: dict[str, str], email: str = "jo@example.org") -> dict[str, Any]:
    answer = await ask("GET /contacts", {**whose, "email": email})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["contact"]
    return found


class TestCreate:
    async def test_it_is_stored_as_sent(self, ask: Ask, whose: dict[str, str]) -> None:
        values = {
            "NAME_": " Jo ", "AGE": -1.5, "NOTE": ["a", 1], "BIRTHDAY": "2000-02-29", "SEEN": "2026-01-01 10:00+02:00",
            "WAKES": "07:30", "UNKNOWN": "x", "age": "lower",
        }  # fmt: skip
        given = {**whose, "EMAIL": " Jo@Example.ORG ", "tag": ["a, b", 5, "a"], "ignore_doi": "no", **values}
        answer = await ask("POST /contacts", given)
        assert answer.status_code == 200, answer.text
        contact = await one(ask, whose, "JO@example.org")
        assert answer.json() == {
            "status": "success",
            "message": "Contact created",
            "contact_uid": contact["contact_uid"],
        }
        assert list(contact)[-6:] == list(ALL_TYPES)
        assert [contact[tag] for tag in ALL_TYPES] == [
            "Jo", "-1.5", "a,1", "2000-02-29", "2026-01-01 10:00+02:00", "07:30",
        ]  # fmt: skip
        assert (contact["email"], contact["tags"], contact["source"]) == ("jo@example.org", "a,b,5", "api")
        assert (contact["status"], contact["ip_address"]) == ("subscribed", "127.0.0.1")

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"EMAIL": None}, "The EMAIL field is required."),
            ({"EMAIL": None, "email": "nonsense"}, "The email must be a valid email address."),
            ({"EMAIL": "a@b@c"}, "The EMAIL must be a valid email address."),
            ({"EMAIL": "Jo <jo@example.org>"}, "The EMAIL must be a valid email address."),
            ({"EMAIL": ["jo@example.org"]}, "The EMAIL must be a valid email address."),
            ({"tag": {"a": 1}}, "The tag format is invalid."),
            ({"tags": [["a"]]}, "The tags format is invalid."),
            ({"tag": "x" * 101}, "The tag must not be longer than 100 characters."),
            ({"ignore_doi": "maybe"}, "The ignore_doi field must be true or false."),
            ({"AGE": "12a"}, "The AGE must be a number."),
            ({"AGE": "+1"}, "The AGE must be a number."),
            ({"BIRTHDAY": "2001-02-29"}, "The BIRTHDAY is not a valid date."),
            ({"SEEN": "yesterday"}, "The SEEN is not a valid date."),
            ({"WAKES": "25:00"}, "The WAKES is not a valid date."),
            ({"NAME_": {"a": 1}}, "The NAME_ must be a string."),
        ],
    )
    async def test_what_is_wrong_is_said(
        self, given: dict[str, Any], message: str, ask: Ask, whose: dict[str, str]
    ) -> None:
        answer = await ask("POST /contacts", {**whose, "EMAIL": "jo@example.org", **given})
        assert (answer.status_code, answer.json()["message"]) == (400, message)
        assert answer.json()["errors"]
        assert (await ask("GET /contacts", whose)).json() == []

    async def test_a_required_field_is_required(self, ask: Ask, whose: dict[str, str]) -> None:
        await ask("POST /audiences/add-field", {**whose, "type": "text", "label": "M", "tag": "MUST", "required": 1})
        for given in ({}, {"MUST": ""}, {"MUST": None}, {"must": "x"}):
            answer = await ask("POST /contacts", {**whose, "EMAIL": "jo@example.org", **given})
            assert (answer.status_code, answer.json()["message"]) == (400, "The MUST field is required.")
        assert (await ask("POST /contacts", {**whose, "EMAIL": "jo@example.org", "MUST": 0})).status_code == 200

    @pytest.mark.parametrize("status", ["subscribed", "unconfirmed", "unsubscribed", "spam-reported"])
    async def test_an_address_is_taken_with_any_status(
        self, status: str, ask: Ask, whose: dict[str, str], make: Factories, audience: Audience
    ) -> None:
        await make.contact(audience, "jo@example.org", status=status)
        answer = await ask("POST /contacts", {**whose, "EMAIL": "JO@example.org"})
        assert answer.status_code == 400
        assert answer.json() == {
            "status": "error",
            "message": "A contact with this email already exists in this audience",
        }

    async def test_the_blacklist_is_asked_and_an_unsubscription_is_none(
        self, ask: Ask, whose: dict[str, str], make: Factories, account: MadeAccount
    ) -> None:
        await make.suppression(account.id, "bad@example.org", reason="softbounce")
        await make.suppression(account.id, "left@example.org", reason="unsubscribe")
        answer = await ask("POST /contacts", {**whose, "EMAIL": "bad@example.org"})
        assert (answer.status_code, answer.json()["message"]) == (400, "The email address is blacklisted")
        assert (await ask("POST /contacts", {**whose, "EMAIL": "left@example.org"})).status_code == 200
        assert (await one(ask, whose, "left@example.org"))["status"] == "unsubscribed"

    async def test_double_opt_in_waits_for_a_confirmation(
        self, ask: Ask, make: Factories, account: MadeAccount
    ) -> None:
        audience = await make.audience(account, settings={"double_opt_in": True})
        whose = {"audience_uid": uid(Noun.AUDIENCE, audience.id)}
        cases: list[tuple[dict[str, Any], str]] = [
            ({}, "unconfirmed"),
            ({"ignore_doi": "0"}, "unconfirmed"),
            ({"ignore_doi": "on"}, "subscribed"),
        ]
        for number, (given, status) in enumerate(cases):
            answer = await ask("POST /contacts", {**whose, "EMAIL": f"jo{number}@example.org", **given})
            assert answer.json()["message"] == "Contact created"
            assert (await one(ask, whose, f"jo{number}@example.org"))["status"] == status


class TestShow:
    async def test_pages(self, ask: Ask, whose: dict[str, str], make: Factories, audience: Audience) -> None:
        emails = await make.contacts(audience, 25)
        cases: list[tuple[dict[str, Any], list[str]]] = [
            ({}, emails),
            ({"page": 1}, emails[:20]),
            ({"page": "2"}, emails[20:]),
            ({"page": "x"}, emails[:20]),
            ({"page": -1}, emails[:20]),
            ({"per_page": 3}, emails[:3]),
            ({"page": 2, "per_page": 3}, emails[3:6]),
            ({"per_page": 0}, emails[:1]),
            ({"per_page": "5000"}, emails),
            ({"per_page": "x"}, emails[:20]),
            ({"page": 99}, []),
            ({"page": "9" * 40}, []),
            ({"page": "", "per_page": None}, emails),
        ]
        for given, expected in cases:
            listed = (await ask("GET /contacts", {**whose, **given})).json()
            assert [one["email"] for one in listed] == expected, given

    async def test_all_of_many_are_streamed(
        self, ask: Ask, whose: dict[str, str], make: Factories, audience: Audience
    ) -> None:
        emails = await make.contacts(audience, 2500, fields={"AGE": 1})
        answer = await ask("GET /contacts", whose)
        listed = json.loads(answer.content)
        assert [one["email"] for one in listed] == emails
        assert list(listed[0]) == list(listed[-1])
        assert "content-length" not in answer.headers
        head = await ask("HEAD /contacts", params=whose)
        assert (head.status_code, head.content, head.headers["content-type"]) == (200, b"", "application/json")
        assert "content-length" not in head.headers
        assert answer.headers["access-control-allow-origin"] == "*"

    async def test_one_is_named_by_uid_first(
        self, ask: Ask, whose: dict[str, str], make: Factories, audience: Audience
    ) -> None:
        jo = await make.contact(audience, "jo@example.org", tags=["x"])
        await make.contact(audience, "al@example.org")
        for given in (
            {"contact_uid": uid(Noun.CONTACT, jo.id), "email": "al@example.org"},
            {"contact_uid": uid(Noun.CONTACT, jo.id), "email": "nonsense"},
            {"contact_uid": "", "email": " JO@example.org"},
            {"EMAIL": "jo@example.org"},
        ):
            answer = await ask("GET /contacts", {**whose, **given})
            assert answer.json()["contact"]["id"] == jo.id, given
        for given, status, message in [
            ({"contact_uid": "0000000000000"}, 404, "Contact not found"),
            ({"contact_uid": "not a uid"}, 404, "Contact not found"),
            ({"email": "nobody@example.org"}, 404, "Contact not found"),
            ({"email": "nonsense"}, 400, "The email must be a valid email address."),
            ({"EMAIL": "nonsense"}, 400, "The EMAIL must be a valid email address."),
            ({"audience_uid": "x", "email": "jo@example.org"}, 404, "Audience not found"),
        ]:
            answer = await ask("GET /contacts", {**whose, **given})
            assert (answer.status_code, answer.json()["message"]) == (status, message), given

    async def test_duplicates_are_of_all_audiences_each_with_its_own_fields(
        self, ask: Ask, make: Factories, account: MadeAccount, audience: Audience
    ) -> None:
        second = await make.audience(account, fields=["CITY"])
        await make.contact(audience, "jo@example.org", fields={"AGE": "7"})
        await make.contact(second, "jo@example.org", fields={"CITY": "Rome"})
        found = (await ask("GET /contacts/duplicate", {"email": "JO@example.org "})).json()["contacts"]
        assert [one["audience_uid"] for one in found] == [uid(Noun.AUDIENCE, one.id) for one in (audience, second)]
        assert (found[0]["AGE"], found[1]["CITY"]) == ("7", "Rome")
        assert "CITY" not in found[0]

    async def test_the_status_may_be_the_first_tag(
        self, settings: Settings, make: Factories, account: MadeAccount, audience: Audience, whose: dict[str, str]
    ) -> None:
        await make.contact(audience, "jo@example.org", tags=["a", "subscribed"])
        changed = settings.model_copy(update={"contacts": Contacts(status_tag=True)})
        application = create_app(changed)
        async with application.running():
            transport = httpx2.ASGITransport(application)
            async with httpx2.AsyncClient(transport=transport, base_url="http://mail.example.com") as client:
                params = {**whose, "api_token": account.key}
                answer = await client.get("/api/v2/contacts", params=params)
        assert answer.json()[0]["tags"] == "subscribed,a"


class TestUpdate:
    async def test_only_what_is_sent_changes(
        self, ask: Ask, whose: dict[str, str], make: Factories, audience: Audience
    ) -> None:
        jo = await make.contact(audience, "jo@example.org", fields={"AGE": "7", "NAME_": "Jo"}, tags=["a", "b"])
        named = {**whose, "contact_uid": uid(Noun.CONTACT, jo.id)}
        expected: dict[str, Any] = {"email": "jo@example.org", "tags": "a,b", "AGE": "7", "NAME_": "Jo"}
        cases: list[tuple[dict[str, Any], dict[str, Any]]] = [
            ({}, {}),
            ({"AGE": 8}, {"AGE": "8"}),
            ({"AGE": None}, {"AGE": None}),
            ({"NAME_": " "}, {"NAME_": None}),
            ({"tag": "c, a"}, {"tags": "c,a"}),
            ({"new_email": "New@example.org"}, {"email": "new@example.org"}),
            ({"new_email": ""}, {}),
            ({"EMAIL": "newer@example.org"}, {"email": "newer@example.org"}),
            ({"new_email": "newest@example.org", "EMAIL": "x@example.org"}, {"email": "newest@example.org"}),
            ({"tag": []}, {"tags": ""}),
            ({"tags": ["x"]}, {"tags": "x"}),
            ({"tag": ""}, {"tags": ""}),
            ({"UNKNOWN": "x", "status": "unsubscribed", "source": "web"}, {}),
        ]
        for given, changes in cases:
            answer = await ask("PATCH /contacts/update", {**named, **given})
            assert answer.json() == {
                "status": "success",
                "message": "Contact updated",
                "contact_uid": named["contact_uid"],
            }, given
            expected |= changes
            found = (await ask("GET /contacts", named)).json()["contact"]
            assert {name: found[name] for name in expected} == expected, given
            assert found["status"] == "subscribed"

    async def test_what_is_wrong_is_said(
        self, ask: Ask, whose: dict[str, str], make: Factories, audience: Audience, account: MadeAccount
    ) -> None:
        await ask("POST /audiences/add-field", {**whose, "type": "text", "label": "M", "tag": "MUST", "required": 1})
        await make.contact(audience, "jo@example.org", fields={"MUST": "x"})
        await make.contact(audience, "al@example.org", fields={"MUST": "x"})
        await make.suppression(account.id, "bad@example.org")
        cases: list[tuple[dict[str, Any], str]] = [
            ({"new_email": "x"}, "The new_email must be a valid email address."),
            ({"EMAIL": "x"}, "The EMAIL must be a valid email address."),
            ({"new_email": "al@example.org"}, "A contact with this email already exists in this audience"),
            ({"new_email": "BAD@example.org"}, "The email address is blacklisted"),
            ({"AGE": "x"}, "The AGE must be a number."),
            ({"MUST": ""}, "The MUST field is required."),
            ({"tag": {"x": "y"}}, "The tag format is invalid."),
        ]
        for given, message in cases:
            answer = await ask("PATCH /contacts/update", {**whose, "email": "jo@example.org", **given})
            assert (answer.status_code, answer.json()["message"]) == (400, message), given
        answer = await ask("PATCH /contacts/update", {**whose, "EMAIL": "jo@example.org"})
        assert answer.json()["message"] == "The contact_uid field is required when email is not present."


class TestTagsAndStatus:
    async def test_tags_are_added_at_the_end(
        self, ask: Ask, whose: dict[str, str], make: Factories, audience: Audience
    ) -> None:
        await make.contact(audience, "jo@example.org", tags=["a"])
        named = {**whose, "email": "jo@example.org"}
        good: list[dict[str, Any]] = [{"tag": "c, a ,b"}, {"tags": ["b", "d"]}, {"tag": 5}]
        for given in good:
            answer = await ask("PATCH /contacts/addtag", {**named, **given})
            assert answer.json() == {"status": "success", "message": "Tag added"}
        assert (await one(ask, whose))["tags"] == "a,c,b,d,5"
        blank: list[dict[str, Any]] = [{}, {"tag": " , "}, {"tag": []}, {"tag": None}]
        for given in blank:
            answer = await ask("PATCH /contacts/addtag", {**named, **given})
            assert (answer.status_code, answer.json()["message"]) == (400, "The tag field is required.")

    @pytest.mark.parametrize("status", ["unconfirmed", "unsubscribed", "subscribed", "spam-reported"])
    async def test_any_status_becomes_subscribed(
        self, status: str, ask: Ask, whose: dict[str, str], make: Factories, audience: Audience
    ) -> None:
        await make.contact(audience, "jo@example.org", status=status)
        await make.suppression(audience.account_id, "jo@example.org", reason="unsubscribe")
        for _ in range(2):
            answer = await ask("PATCH /contacts/subscribe", {**whose, "email": "jo@example.org"})
            assert answer.json() == {"status": "success", "message": "Contact subscribed"}
        assert (await one(ask, whose))["status"] == "subscribed"

    @pytest.mark.parametrize("status", ["unconfirmed", "subscribed", "unsubscribed", "spam-reported", "blacklisted"])
    async def test_unsubscribing_keeps_what_is_worse(
        self, status: str, ask: Ask, whose: dict[str, str], make: Factories, audience: Audience
    ) -> None:
        after = status if status in {"spam-reported", "blacklisted"} else "unsubscribed"
        await make.contact(audience, "jo@example.org", status=status)
        answer = await ask("PATCH /contacts/unsubscribe", {**whose, "email": "jo@example.org"})
        assert answer.json() == {"status": "success", "message": "Contact unsubscribed"}
        assert (await one(ask, whose))["status"] == after
        assert (await ask("POST /blacklist", {"email": "jo@example.org"})).json()["blacklisted"] is False

    async def test_the_list_decides_not_the_status(
        self, ask: Ask, whose: dict[str, str], make: Factories, audience: Audience
    ) -> None:
        await make.contact(audience, "jo@example.org", status="blacklisted")
        assert (await ask("PATCH /contacts/subscribe", {**whose, "email": "jo@example.org"})).status_code == 200
        await ask("POST /blacklist/add", {"email": "jo@example.org"})
        answer = await ask("PATCH /contacts/subscribe", {**whose, "email": "jo@example.org"})
        assert (answer.status_code, answer.json()["message"]) == (400, "The email address is blacklisted")
        assert "errors" not in answer.json()


async def test_deleting_is_for_good_and_only_once(
    ask: Ask, whose: dict[str, str], make: Factories, audience: Audience
) -> None:
    await make.contact(audience, "jo@example.org", tags=["a"])
    named = {**whose, "email": "jo@example.org"}
    assert (await ask("DELETE /contacts", named)).json() == {"status": "success", "message": "Contact deleted"}
    answer = await ask("DELETE /contacts", named)
    assert (answer.status_code, answer.json()["message"]) == (404, "Contact not found")
    await ask("POST /contacts", {**whose, "EMAIL": "jo@example.org"})
    assert (await one(ask, whose))["tags"] == ""
