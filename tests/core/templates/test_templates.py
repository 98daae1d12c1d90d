from typing import cast
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import templates
from app.core.errors import Fault, Invalid, NotFound
from app.core.templates import TemplateChanges
from app.db.unit_of_work import reading, unit_of_work
from app.kit.uids import Noun, uid, uuid
from tests.factories import Factories


async def test_a_template_is_found_by_its_account_alone(make: Factories, engine: AsyncEngine) -> None:
    account, other = await make.account(), await make.account()
    made = await make.template(account, name=" Welcome ")
    assert (made.name, made.preheader, made.text, made.extra, made.updated_at) == ("Welcome", "", None, None, None)
    async with unit_of_work(engine) as write:
        for name in (made.id, uid(Noun.TEMPLATE, made.id), uuid(Noun.TEMPLATE, made.id)):
            assert (await templates.get(write, account.id, name)).id == made.id
            for call in (templates.get, templates.change, templates.delete):
                with pytest.raises(NotFound):
                    await call(write, other.id, name)
        for foreign in (0, made.id + 1, "", uuid4()):
            with pytest.raises(NotFound):
                await templates.get(write, account.id, foreign)
        assert await templates.list_after(write, other.id) == []
        assert [one.id for one in await templates.list_after(write, account.id)] == [made.id]


async def test_what_is_given_changes_and_the_rest_stays(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    made = await make.template(account, subject="Hi {{ first_name }}")
    async with unit_of_work(engine) as write:
        changed = await templates.change(
            write, account.id, made.id, name="New", html="<p>x</p>", text="x", preheader="p", extra={"a": 1}
        )
        assert (changed.name, changed.subject, changed.html) == ("New", "Hi {{ first_name }}", "<p>x</p>")
        assert (changed.text, changed.preheader, changed.extra) == ("x", "p", {"a": 1})
        assert changed.updated_at is not None
        cleared = await templates.change(write, account.id, made.id, text=None, extra={"b": None})
        assert (cleared.text, cleared.extra) == (None, {"a": 1, "b": None})


async def test_a_deleted_template_is_not_found(make: Factories, engine: AsyncEngine) -> None:
    account = await make.account()
    made = await make.template(account)
    async with unit_of_work(engine) as write:
        assert (await templates.delete(write, account.id, made.id)).deleted_at is not None
        with pytest.raises(NotFound):
            await templates.delete(write, account.id, made.id)
    async with reading(engine) as read:
        assert await templates.list_after(read, account.id) == []


@pytest.mark.parametrize("field", ["subject", "preheader", "html", "text"])
async def test_malformed_personalisation_is_refused_with_its_line(
    make: Factories, engine: AsyncEngine, field: str
) -> None:
    account = await make.account()
    bad = "\n{% if CITY %}no end"
    content = cast("TemplateChanges", {field: bad})
    async with unit_of_work(engine) as write:
        with pytest.raises(Invalid) as caught:
            await templates.create(write, account.id, name="T", **content)
        [fault] = caught.value.faults
        assert (fault.field, fault.fault) == (field, Fault.SYNTAX)
        assert fault.message.startswith("line 2")
        kept = await templates.create(write, account.id, name="T", check_syntax=False, **content)
        assert getattr(kept, field) == bad


@pytest.mark.parametrize(
    ("values", "field", "fault"),
    [
        ({"name": " "}, "name", Fault.REQUIRED),
        ({"name": "n" * 256}, "name", Fault.TOO_LONG),
        ({"subject": "s" * 2001}, "subject", Fault.TOO_LONG),
        ({"html": "\x00"}, "html", Fault.INVALID),
        ({"html": "x" * 1_048_577}, "html", Fault.TOO_LONG),
        ({"extra": {"a": "x" * 65_536}}, "extra", Fault.TOO_LONG),
    ],
)
async def test_a_bad_value_is_refused_by_its_name(
    make: Factories, engine: AsyncEngine, values: dict[str, object], field: str, fault: Fault
) -> None:
    account = await make.account()
    async with unit_of_work(engine) as write:
        with pytest.raises(Invalid) as caught:
            await templates.create(write, account.id, **({"name": "T"} | values))  # type: ignore[arg-type]
    assert [(one.field, one.fault) for one in caught.value.faults] == [(field, fault)]
