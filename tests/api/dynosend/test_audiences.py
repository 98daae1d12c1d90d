"""Audiences: list, one with its statistics, fields of every type (docs/contract/dynosend.md, 6)."""

from typing import Any

import pytest

from app.core.audiences import RESERVED
from app.kit.uids import Noun, uid
from tests.api.dynosend.conftest import Ask
from tests.factories import Factories, MadeAccount

INFORMATION = {"company": "ACME Corp", "country": "United States", "website": "https://company.com"}
FIELD = {"type": "text", "label": "Plan name", "tag": "PLAN_NAME"}


class TestShow:
    async def test_all_are_listed_by_id_bare(self, ask: Ask, make: Factories, account: MadeAccount) -> None:
        assert (await ask("GET /audiences")).json() == []
        made = [await make.audience(account, name=f"A{number}") for number in range(3)]
        await make.audience(await make.account(), name="Not ours")
        listed = (await ask("GET /audiences", {"audience_uid": " "})).json()
        assert [one["name"] for one in listed] == ["A0", "A1", "A2"]
        assert [one["uid"] for one in listed] == [uid(Noun.AUDIENCE, one.id) for one in made]
        assert listed[0]["updated_at"] == listed[0]["created_at"]
        assert (listed[0]["default_subject"], listed[0]["from_email"], listed[0]["from_name"]) == (None, None, None)

    async def test_one_has_fields_information_and_exact_counts(
        self, ask: Ask, make: Factories, account: MadeAccount
    ) -> None:
        audience = await make.audience(
            account, fields={"AGE": "number", "BORN": "date"}, contact_information=INFORMATION, from_name="Jo"
        )
        for status in ("subscribed", "subscribed", "unsubscribed", "unconfirmed", "blacklisted", "spam-reported"):
            await make.contact(audience, status=status)
        answer = (await ask("GET /audiences", {"audience_uid": uid(Noun.AUDIENCE, audience.id)})).json()
        assert [(one["tag"], one["type"]) for one in answer["audience"]["fields"]] == [
            ("EMAIL", "text"),
            ("AGE", "number"),
            ("BORN", "date"),
        ]
        assert answer["contact_information"] == {
            **INFORMATION, "address_1": None, "address_2": None, "state": None, "zip": None, "city": None,
            "phone": None, "email": None,
        }  # fmt: skip
        assert answer["statistics"] == {
            "contact_count": 6,
            "subscribe_rate": 0.33,
            "unsubscribe_rate": 0.17,
            "subscribe_count": 2,
            "unsubscribe_count": 1,
        }

    async def test_an_empty_one_has_rates_of_zero(self, ask: Ask, make: Factories, account: MadeAccount) -> None:
        audience = await make.audience(account)
        answer = await ask("GET /audiences", {"audience_uid": uid(Noun.AUDIENCE, audience.id)})
        assert '"subscribe_rate":0,"unsubscribe_rate":0,' in answer.text


class TestAddField:
    @pytest.mark.parametrize("kind", ["text", "number", "textarea", "date", "datetime", "time"])
    async def test_each_type_is_made_with_its_defaults(
        self, kind: str, ask: Ask, make: Factories, account: MadeAccount
    ) -> None:
        audience = await make.audience(account)
        await make.contact(audience, "jo@example.org")
        whose = {"audience_uid": uid(Noun.AUDIENCE, audience.id)}
        answer = await ask("POST /audiences/add-field", {**whose, "type": kind, "label": " L ", "tag": "my_tag2"})
        assert answer.json() == {"status": "success", "message": "Custom field created"}
        fields = (await ask("GET /audiences", whose)).json()["audience"]["fields"]
        assert fields[1] == {"label": "L", "type": kind, "tag": "MY_TAG2", "visible": True, "required": False}
        assert (await ask("GET /contacts", whose)).json()[0]["MY_TAG2"] is None

    async def test_what_else_can_be_given(self, ask: Ask, make: Factories, account: MadeAccount) -> None:
        audience = await make.audience(account)
        whose = {"audience_uid": uid(Noun.AUDIENCE, audience.id)}
        more = {"required": "yes", "visible": "off", "default_value": 7}
        assert (await ask("POST /audiences/add-field", {**whose, **FIELD, **more})).status_code == 200
        fields = (await ask("GET /audiences", whose)).json()["audience"]["fields"]
        assert (fields[1]["visible"], fields[1]["required"]) == (False, True)
        await ask("POST /contacts", {**whose, "EMAIL": "jo@example.org"})
        assert (await ask("GET /contacts", whose)).json()[0]["PLAN_NAME"] == "7"

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"type": "Text"}, "The selected type is invalid."),
            ({"label": " "}, "The label field is required."),
            ({"label": "x" * 256}, "The label must not be longer than 255 characters."),
            ({"tag": "1ST"}, "The tag format is invalid."),
            ({"tag": "X" * 65}, "The tag format is invalid."),
            ({"tag": "É"}, "The tag format is invalid."),
            ({"tag": ["X"]}, "The tag must be a string."),
            ({"tag": "email"}, "Field tag exists"),
            ({"tag": "taken"}, "Field tag exists"),
            ({"tag": "ip_address"}, "The tag is reserved."),
            ({"tag": "UNSUBSCRIBE_URL"}, "The tag is reserved."),
            ({"required": "perhaps"}, "The required field must be true or false."),
            ({"visible": {"a": 1}}, "The visible field must be true or false."),
            ({"type": "number", "default_value": "x"}, "The default_value must be a number."),
            ({"type": "date", "default_value": "2026-02-30"}, "The default_value is not a valid date."),
        ],
    )
    async def test_what_is_wrong_is_said(
        self, given: dict[str, Any], message: str, ask: Ask, make: Factories, account: MadeAccount
    ) -> None:
        audience = await make.audience(account, fields=["TAKEN"])
        whose = {"audience_uid": uid(Noun.AUDIENCE, audience.id)}
        answer = await ask("POST /audiences/add-field", {**whose, **FIELD, **given})
        assert (answer.status_code, answer.json()["message"]) == (400, message)
        assert len((await ask("GET /audiences", whose)).json()["audience"]["fields"]) == 2

    def test_reserved_are_the_contracts(self) -> None:
        assert {"API_TOKEN", "IGNORE_DOI", "CURRENT_DAY", "LIST_UID", "CONTACT_URL"} <= RESERVED

    async def test_all_faults_are_told_in_order(self, ask: Ask) -> None:
        answer = await ask("POST /audiences/add-field", {"tag": "1"})
        assert list(answer.json()["errors"]) == ["audience_uid", "type", "label", "tag"]
