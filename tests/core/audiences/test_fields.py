import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import audiences, contacts
from app.core.audiences import RESERVED, FieldType
from app.core.audiences.names import checked_tag
from app.core.errors import Conflict, Fault, Invalid, NotFound
from app.db.unit_of_work import reading, unit_of_work
from app.mail.personalise import STANDARD
from tests.factories import Factories


async def test_fields_are_in_order_of_creation_with_their_defaults(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    made = await make.audience(account)
    async with unit_of_work(engine) as write:
        await audiences.add_field(write, account.id, made.id, tag=" plan_name ", label=" Plan ", default_value=" ")
        await audiences.add_field(
            write, account.id, made.id, tag="AGE", label="Age", type="number", required=True, visible=False, default_value="7"
        )  # fmt: skip
    async with reading(engine) as read:
        plan, age = await audiences.fields(read, account.id, made.id)
        known = await audiences.field_set(read, account.id, made.id)
    assert (plan.tag, plan.label, plan.type, plan.required, plan.visible) == ("PLAN_NAME", "Plan", "text", False, True)
    assert plan.default_value is None
    assert (age.tag, age.type, age.required, age.visible, age.default_value) == ("AGE", "number", True, False, "7")
    assert (known.types, known.defaults, known.required) == (
        {"PLAN_NAME": "text", "AGE": "number"},
        {"AGE": "7"},
        ("AGE",),
    )


@pytest.mark.parametrize(
    ("tag", "message"),
    [("1A", "format is invalid"), ("", "format is invalid"), ("A-B", "format is invalid"), ("A" * 65, "format is invalid"),
     ("ÄGE", "format is invalid"), ("A\n", None), ("status", "is reserved"), ("CURRENT_YEAR", "is reserved")],
)  # fmt: skip
def test_tags_have_a_form_and_some_are_reserved(tag: str, message: str | None) -> None:
    if message is None:
        assert checked_tag(tag) == tag.strip().upper()
        return
    with pytest.raises(Invalid) as caught:
        checked_tag(tag)
    assert [(one.field, one.message) for one in caught.value.faults] == [("tag", message)]


def test_every_name_of_personalisation_that_is_no_field_is_reserved() -> None:
    assert STANDARD - {"EMAIL", "SUBSCRIBER_EMAIL"} <= RESERVED
    with pytest.raises(Conflict):
        checked_tag("email")


@given(st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,63}", fullmatch=True))
def test_a_tag_of_the_right_form_is_kept_in_upper_case(tag: str) -> None:
    try:
        assert checked_tag(tag) == tag.upper()
    except (Invalid, Conflict):
        assert tag.upper() in RESERVED | {"EMAIL"}


@pytest.mark.parametrize(
    ("values", "field", "fault"),
    [
        ({"type": "colour"}, "type", Fault.UNKNOWN),
        ({"label": "  "}, "label", Fault.REQUIRED),
        ({"label": "l" * 256}, "label", Fault.TOO_LONG),
        ({"label": "\x00"}, "label", Fault.INVALID),
        ({"type": "number", "default_value": "x"}, "default_value", Fault.INVALID),
    ],
)
async def test_a_bad_field_is_refused(
    make: Factories, engine: AsyncEngine, values: dict[str, str], field: str, fault: Fault
) -> None:
    account = await make.account()
    made = await make.audience(account)
    with pytest.raises(Invalid) as caught:
        async with unit_of_work(engine) as write:
            await audiences.add_field(write, account.id, made.id, **({"tag": "AGE", "label": "Age"} | values))  # type: ignore[arg-type]
    assert [(one.field, one.fault) for one in caught.value.faults] == [(field, fault)]


async def test_two_at_once_make_one_field(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    made = await make.audience(account)

    async def attempt() -> str:
        async with unit_of_work(engine) as write:
            return (await audiences.add_field(write, account.id, made.id, tag="AGE", label="Age")).tag

    results = await asyncio.gather(*(attempt() for _ in range(4)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in results) == ["Conflict"] * 3 + ["str"]


async def test_unknown_names_become_text_fields(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    made = await make.audience(account, fields={"AGE": "number"})
    async with unit_of_work(engine) as write:
        added = await audiences.ensure_fields(write, account.id, made.id, ["city", "email", "Age", "CITY"])
    assert [(one.tag, one.label, one.type) for one in added] == [("CITY", "city", FieldType.TEXT)]


async def test_all_of_a_field_but_tag_and_type_can_change(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    made = await make.audience(account, fields={"AGE": "number"})
    async with unit_of_work(engine) as write:
        field = await audiences.change_field(
            write, account.id, made.id, "age", label="Years", required=True, visible=False, default_value="1"
        )
        assert (field.label, field.required, field.visible, field.default_value) == ("Years", True, False, "1")
        with pytest.raises(Invalid):
            await audiences.change_field(write, account.id, made.id, "AGE", default_value="old")
        with pytest.raises(NotFound):
            await audiences.change_field(write, account.id, made.id, "NO", label="x")


async def test_a_deleted_field_takes_its_values_along(
    make: Factories, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await make.account()
    made = await make.audience(account, fields=["CITY", "PLAN"])
    [email] = await make.contacts(made, 1, fields={"CITY": "Hue", "PLAN": "Free"})
    async with unit_of_work(engine) as write:
        with pytest.raises(Invalid):
            await audiences.delete_field(write, account.id, made.id, "email")
        await audiences.delete_field(write, account.id, made.id, "city")
        await audiences.add_field(write, account.id, made.id, tag="CITY", label="City")
    async with reading(engine) as read:
        assert (await contacts.get(read, account.id, made.id, email)).fields == {"PLAN": "Free"}
        assert [one.tag for one in await audiences.fields(read, account.id, made.id)] == ["PLAN", "CITY"]
