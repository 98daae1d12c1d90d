"""`/p`: the contact's fields as a form."""

import asyncio
from html.parser import HTMLParser

import httpx2

from app.core import audiences
from app.db.unit_of_work import unit_of_work
from app.mail.tracking import Purpose
from tests.web.conftest import Stage, links_of

PAYLOAD = "\"><script>alert(1)</script><b a='"


class Form(HTMLParser):
    """The inputs of a page: name to attributes, values of text areas included; and its element names."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.inputs: dict[str, dict[str, str | None]] = {}
        self.labels: list[str | None] = []
        self.elements: set[str] = set()
        self._area: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.elements.add(tag)
        if tag == "label":
            self.labels.append(given["for"])
        if tag in {"input", "textarea"}:
            self.inputs[str(given["name"])] = {"type": tag, **given}
            self._area = str(given["name"]) if tag == "textarea" else None

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            field = self.inputs[self._area]
            field["value"] = (field.get("value") or "") + data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area is not None:
            # The line break right behind the tag is not part of the value.
            self.inputs[self._area]["value"] = (self.inputs[self._area].get("value") or "").removeprefix("\n")
            self._area = None

    def values(self) -> dict[str, str]:
        return {name: field.get("value") or "" for name, field in self.inputs.items()}


async def test_the_form_has_an_input_of_its_kind_for_each_visible_field(
    client: httpx2.AsyncClient, stage: Stage
) -> None:
    async with unit_of_work(stage.engine) as write:
        await audiences.add_field(
            write, stage.account.id, stage.audience.id, tag="HIDDEN", label="Hidden", visible=False
        )
    answer = await client.get(stage.links.profile)
    assert answer.status_code == 200
    form = Form(answer.text)
    kinds = {name: field["type"] for name, field in form.inputs.items()}
    assert kinds == {
        "FIRST_NAME": "text",
        "HOST": "text",
        "NOTE": "textarea",
        "AGE": "number",
        "BORN": "date",
        "MET": "datetime-local",
        "CALL_AT": "time",
    }
    assert form.inputs["FIRST_NAME"]["value"] == "Jo & <b>Co</b>"
    assert form.inputs["MET"]["value"] == "2021-12-04T07:29"
    assert sorted(form.labels, key=str) == sorted(field["id"] for field in form.inputs.values())  # type: ignore[type-var]
    assert "j…@readers.example" in answer.text
    assert (await client.head(stage.links.profile)).status_code == 200
    assert await stage.traces() == 0


async def test_saving_changes_what_was_changed_and_nothing_else(client: httpx2.AsyncClient, stage: Stage) -> None:
    before = await stage.contact_row()
    values = Form((await client.get(stage.links.profile)).text).values()
    changed = {
        **values,
        "FIRST_NAME": "Ann",
        "NOTE": "two\r\nlines",
        "AGE": "42",
        "HIDDEN": "x",
        "EMAIL": "a@b.example",
    }
    answer = await client.post(stage.links.profile, data=changed)
    assert answer.status_code == 200
    assert "saved" in answer.text
    row = await stage.contact_row()
    assert row["fields"] == {
        "FIRST_NAME": "Ann",
        "HOST": "jo.example",
        "NOTE": "two\nlines",
        "AGE": "42",
        "MET": "2021-12-04 07:29",  # not touched, so not rewritten as the input shows it
    }
    assert {name: row[name] for name in ("address", "status")} == {name: before[name] for name in ("address", "status")}
    assert Form(answer.text).inputs["NOTE"]["value"] == "two\nlines"
    (event,) = await stage.fetch("SELECT type FROM domain_events")
    assert event["type"] == "contact.updated"
    again = await client.post(stage.links.profile, data=Form(answer.text).values())
    assert again.status_code == 200
    assert await stage.count("domain_events") == 1, "nothing was changed"


async def test_a_value_that_an_input_would_lose_is_shown_as_text(client: httpx2.AsyncClient, stage: Stage) -> None:
    values = {"MET": "2021-12-04T07:29:00+02:00", "AGE": "1" * 30, "FIRST_NAME": "a\nb", "CALL_AT": "07:29:00"}
    contact = await stage.make.contact(stage.audience, fields=values)
    links = (await stage.campaign_copies([stage.audience]))[1]
    path = links_of(stage.settings.secret_keys[0], links.message_id, links.accepted_at).profile
    form = Form((await client.get(path)).text)
    assert {name: form.inputs[name]["type"] for name in ("MET", "AGE", "FIRST_NAME")} == {
        "MET": "text",
        "AGE": "text",
        "FIRST_NAME": "textarea",
    }
    assert (await client.post(path, data=form.values())).status_code == 200
    (row,) = await stage.fetch("SELECT fields::text FROM contacts WHERE id = $1", contact.id)
    assert all(value.replace("\n", "\\n") in row["fields"] for value in values.values())


async def test_what_can_not_be_accepted_is_said_at_its_field_and_changes_nothing(
    client: httpx2.AsyncClient, stage: Stage
) -> None:
    async with unit_of_work(stage.engine) as write:
        await audiences.change_field(write, stage.account.id, stage.audience.id, "FIRST_NAME", required=True)
    wrong = {"AGE": "1e5", "BORN": "2021-02-30", "FIRST_NAME": " ", "NOTE": "x" * 10_001, "HOST": "new.example"}
    answer = await client.post(stage.links.profile, data=wrong)
    assert answer.status_code == 422
    form = Form(answer.text)
    for name in ("AGE", "BORN", "FIRST_NAME", "NOTE"):
        field = form.inputs[name]
        assert field["aria-invalid"] == "true"
        assert f'id="{field["aria-describedby"]}"' in answer.text
    assert "aria-invalid" not in form.inputs["HOST"]
    assert form.inputs["AGE"]["type"] == "text"
    assert form.inputs["AGE"]["value"] == "1e5"
    assert form.inputs["HOST"]["value"] == "new.example"
    assert (await stage.contact_row())["fields"]["HOST"] == "jo.example"
    assert await stage.traces() == 0


async def test_what_people_write_is_text_and_never_markup(client: httpx2.AsyncClient, stage: Stage) -> None:
    values = {"FIRST_NAME": PAYLOAD, "NOTE": f"</textarea>{PAYLOAD}", "AGE": PAYLOAD}
    async with unit_of_work(stage.engine) as write:
        await audiences.change_field(write, stage.account.id, stage.audience.id, "HOST", label=PAYLOAD)
    for given in (values, {"FIRST_NAME": PAYLOAD, "NOTE": f"</textarea>{PAYLOAD}"}):
        answer = await client.post(stage.links.profile, data=given)
        form = Form(answer.text)
        assert not {"script", "b"} & form.elements
        assert form.inputs["FIRST_NAME"]["value"] == PAYLOAD
        assert form.inputs["NOTE"]["value"] == f"</textarea>{PAYLOAD}"
    assert (await stage.contact_row())["fields"]["FIRST_NAME"] == PAYLOAD
    assert "\x00" not in str((await client.post(stage.links.profile, data={"FIRST_NAME": "a\x00b"})).status_code)


async def test_bodies_are_bounded_and_garbage_is_no_crash(client: httpx2.AsyncClient, stage: Stage) -> None:
    assert (await client.post(stage.links.profile, content=b"a" * 70_000)).status_code == 413
    assert (await client.post(stage.links.profile, data={"NOTE": "x" * 9_000})).status_code == 200
    for body in (b"", b"FIRST_NAME", b"FIRST_NAME=%ff%00", b"%=%&=&&"):
        answer = await client.post(stage.links.profile, content=body)
        assert answer.status_code in {200, 422}, body


async def test_only_the_token_s_own_contact_can_be_reached(client: httpx2.AsyncClient, stage: Stage) -> None:
    good = stage.links.of(Purpose.PROFILE)
    single = await stage.single_links()
    gone = links_of(stage.settings.secret_keys[0], 2**40, stage.links.accepted_at)
    tokens = (
        good[:-1] + ("b" if good[-1] != "b" else "c"),
        stage.links.of(Purpose.UNSUBSCRIBE),
        gone.of(Purpose.PROFILE),
    )
    for path in [single.profile, *(f"/p/{token}" for token in tokens)]:
        assert (await client.get(path)).status_code == 404
        assert (await client.post(path, data={"FIRST_NAME": "x"})).status_code == 404
    other = await stage.make.account(senders=["other@example.com"])
    audience = await stage.make.audience(other, fields=["FIRST_NAME"])
    contact = await stage.make.contact(audience, fields={"FIRST_NAME": "Theirs"})
    await stage.fetch("UPDATE messages SET contact_id = $1", contact.id)
    assert (await client.get(stage.links.profile)).status_code == 404
    await stage.fetch("DELETE FROM contacts")
    assert (await client.post(stage.links.profile, data={"FIRST_NAME": "x"})).status_code == 404


async def test_savings_at_once_all_end_well(client: httpx2.AsyncClient, stage: Stage) -> None:
    answers = await asyncio.gather(
        *[client.post(stage.links.profile, data={"FIRST_NAME": f"Name {number}"}) for number in range(5)]
    )
    assert {answer.status_code for answer in answers} == {200}
    assert (await stage.contact_row())["fields"]["FIRST_NAME"].startswith("Name ")


async def test_an_audience_without_visible_fields_has_an_empty_page(client: httpx2.AsyncClient, stage: Stage) -> None:
    await stage.fetch("UPDATE audience_fields SET visible = false")
    answer = await client.get(stage.links.profile)
    assert (answer.status_code, "<form" in answer.text) == (200, False)
    await client.post(stage.links.profile, data={"FIRST_NAME": "x"})
    assert (await stage.contact_row())["fields"]["FIRST_NAME"] != "x"
