"""Imports of contacts: a file in, rows out."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import audiences, transfers
from app.core.errors import Conflict, Invalid, NotFound, Overloaded
from app.core.transfers import importing
from app.db.engine import driver_connection
from app.db.unit_of_work import reading, unit_of_work
from app.models.audience import Audience
from app.models.contact import ContactStatus
from tests.core.transfers.conftest import Import, bad_lines, counts, finished, members
from tests.factories import Factories, MadeAccount


async def events(engine: AsyncEngine) -> list[str]:
    async with driver_connection(engine) as connection:
        return [row["type"] for row in await connection.fetch("SELECT type FROM domain_events ORDER BY id")]


async def test_a_file_becomes_contacts(engine: AsyncEngine, audience: Audience, ask: Import) -> None:
    data = '\ufeffE-mail;city;age;other\r\n A@X.example ;"Huế; old\ncity";7;x\r\nb@x.example;\\N\t"q";;\r\n\r\nbad;x;1;\r\nc@x.example;x;old;\r\n'
    view = await finished(engine, await ask(data, tags=["new", 'q"\\,{}']))
    assert (view.status, view.error, counts(view), view.progress.total) == ("done", None, (4, 2, 0, 0, 2), 4)
    assert view.started_at is not None
    assert view.finished_at is not None
    found = await members(engine, audience)
    assert {key: one.fields for key, one in found.items()} == {
        "a@x.example": {"CITY": "Huế; old\ncity", "AGE": "7"},
        "b@x.example": {"CITY": '\\N\t"q"'},
    }
    first = found["a@x.example"]
    assert (first.status, first.source, first.tags) == ("subscribed", "imported", ["new", 'q"\\,{}'])
    assert first.subscribed_at == first.created_at
    assert await bad_lines(engine, view) == [
        "6,bad,email must be a valid email address",
        "7,c@x.example,AGE must be a number",
    ]
    assert await events(engine) == ["job.finished"]


async def test_who_is_there_keeps_the_status(
    make: Factories, engine: AsyncEngine, audience: Audience, account: MadeAccount, ask: Import
) -> None:
    await make.contact(audience, "a@x.example", status="unsubscribed", tags=["t"], fields={"CITY": "Hue", "AGE": "1"})
    await make.suppression(account.id, "bad@x.example", reason="complaint")
    await make.suppression(account.id, "gone@x.example", reason="unsubscribe")
    data = "EMAIL,CITY,AGE\na@x.example,,2\nbad@x.example,,\ngone@x.example,,\nnew@x.example,,\n"
    view = await finished(engine, await ask(data, tags=["u"]))
    assert counts(view) == (4, 3, 1, 0, 0)
    found = await members(engine, audience)
    assert {key: one.status for key, one in found.items()} == {
        "a@x.example": "unsubscribed",
        "bad@x.example": "blacklisted",
        "gone@x.example": "unsubscribed",
        "new@x.example": "subscribed",
    }
    assert (found["a@x.example"].fields, found["a@x.example"].tags) == ({"CITY": "Hue", "AGE": "2"}, ["t", "u"])
    view = await finished(engine, await ask("EMAIL,AGE\na@x.example,3\nb@x.example,4\n", update_existing=False))
    assert counts(view) == (2, 1, 0, 1, 0)
    assert (await members(engine, audience))["a@x.example"].fields["AGE"] == "2"


@pytest.mark.parametrize("batch", [1, 3, 1000])
async def test_batches_change_nothing_of_what_comes_out(
    engine: AsyncEngine, audience: Audience, ask: Import, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", batch)
    rows = [f"p{number % 4}@x.example,City {number},{'x' if number == 5 else number}" for number in range(9)]
    view = await ask("\n".join(["EMAIL,CITY,AGE", *rows, "p1@x.example,,"]))
    ended = await finished(engine, view, seconds=0)
    assert (ended.status, counts(ended)) == ("done", (10, 4, 5, 0, 1))
    found = await members(engine, audience)
    assert {key: one.fields for key, one in found.items()} == {
        "p0@x.example": {"CITY": "City 8", "AGE": "8"},
        "p1@x.example": {"CITY": "City 1", "AGE": "1"},
        "p2@x.example": {"CITY": "City 6", "AGE": "6"},
        "p3@x.example": {"CITY": "City 7", "AGE": "7"},
    }
    assert await bad_lines(engine, ended) == ["7,p1@x.example,AGE must be a number"]


async def test_columns_are_mapped_and_fields_made(engine: AsyncEngine, audience: Audience, ask: Import) -> None:
    data = "Mail,Plan,City,First Name,Status\na@x.example,Gold,Hue,Ann,x\n"
    with pytest.raises(Invalid):
        await ask(data, mapping={"Mail": "EMAIL", "Plan": "PLAN"})
    view = await finished(engine, await ask(data, mapping={"mail": "email", "Plan": "PLAN"}, create_fields=True))
    assert view.error is None
    assert (await members(engine, audience))["a@x.example"].fields == {"PLAN": "Gold"}
    view = await finished(engine, await ask(data.replace("Mail", "E-Mail"), create_fields=True))
    assert view.error is None
    assert (await members(engine, audience))["a@x.example"].fields == {
        "PLAN": "Gold",
        "CITY": "Hue",
        "FIRST_NAME": "Ann",
    }
    async with reading(engine) as read:
        fields = await audiences.fields(read, audience.account_id, audience.id)
    assert [(one.tag, one.label) for one in fields][2:] == [("PLAN", "Plan"), ("FIRST_NAME", "First Name")]


@pytest.mark.parametrize(
    ("data", "options", "why"),
    [
        (b"", {}, "first row"),
        (b"\n\n", {}, "first row"),
        (b"name,city\na,b\n", {}, "no column is named EMAIL"),
        (b"a@x.example\n", {}, "no column is named EMAIL"),
        (b"EMAIL\n", {"mapping": {"Mail": "EMAIL"}}, "no column Mail"),
        (b"\xff\xfeE\0M\0A\0I\0L\0\n\0", {}, "not UTF-8"),
        (b"EMAIL" + b",x" * 5000 + b"\n", {}, "more than 1000 values"),
        (b"x" * 400_000, {}, "too long"),
    ],
)
async def test_a_file_that_cannot_be_read_is_said_to_be_so(
    engine: AsyncEngine, ask: Import, data: bytes, options: dict[str, object], why: str
) -> None:
    view = await finished(engine, await ask(data, **options))
    assert view.status == "failed"
    assert why in (view.error or "")
    assert await events(engine) == ["job.finished"]


async def test_confirmations_are_asked_for_where_the_audience_wants_them(
    engine: AsyncEngine, audience: Audience, ask: Import
) -> None:
    view = await finished(engine, await ask("EMAIL\na@x.example\n", status=ContactStatus.UNCONFIRMED))
    assert (view.status, await events(engine)) == ("done", ["job.finished"])
    async with unit_of_work(engine) as write:
        await audiences.change(write, audience.account_id, audience.id, settings={"double_opt_in": True})
    await finished(engine, await ask("EMAIL\na@x.example\nb@x.example\n", status=ContactStatus.UNCONFIRMED))
    assert await events(engine) == ["job.finished", "contact.created", "job.finished"]
    assert {one.status for one in (await members(engine, audience)).values()} == {"unconfirmed"}


async def test_a_cancelled_job_stands_where_it_was(
    engine: AsyncEngine, audience: Audience, ask: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 2)
    view = await ask("EMAIL\n" + "".join(f"p{number}@x.example\n" for number in range(10)))
    assert await transfers.run(engine, view.id, seconds=0)
    async with unit_of_work(engine) as write:
        cancelled = await transfers.cancel(write, audience.account_id, view.id)
    assert (cancelled.status, counts(cancelled)) == ("cancelled", (2, 2, 0, 0, 0))
    assert not await transfers.run(engine, view.id)
    assert len(await members(engine, audience)) == 2
    with pytest.raises(Conflict) as caught:
        async with unit_of_work(engine) as write:
            await transfers.cancel(write, audience.account_id, view.id)
    assert caught.value.state == "cancelled"
    assert await events(engine) == ["job.finished"]


async def test_two_workers_do_it_once(
    engine: AsyncEngine, audience: Audience, ask: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 20)
    view = await ask("EMAIL\n" + "".join(f"p{number}@x.example\n" for number in range(1000)))

    async def worker() -> None:
        for _ in range(60):
            await transfers.run(engine, view.id, seconds=0)

    await asyncio.gather(*(worker() for _ in range(3)))
    ended = await finished(engine, view)
    assert (ended.status, counts(ended)) == ("done", (1000, 1000, 0, 0, 0))
    assert len(await members(engine, audience)) == 1000


async def test_who_was_cut_off_cannot_write_any_more(
    engine: AsyncEngine, audience: Audience, ask: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 2)
    view = await ask("EMAIL\n" + "".join(f"p{number}@x.example\n" for number in range(10)))
    write_batch = importing.ContactImport._write
    taken: list[int] = []

    async def slow(self: importing.ContactImport, read: importing._Read) -> None:
        if not taken:
            taken.append(1)
            async with driver_connection(engine) as connection:
                await connection.execute("UPDATE jobs SET lease_until = now() - interval '1 second'")
            assert await transfers.run(engine, view.id, seconds=0)
        await write_batch(self, read)

    monkeypatch.setattr(importing.ContactImport, "_write", slow)
    assert not await transfers.run(engine, view.id)
    ended = await finished(engine, view)
    assert (ended.status, counts(ended)) == ("done", (10, 10, 0, 0, 0))


async def test_a_batch_that_never_works_ends_the_job(
    engine: AsyncEngine, ask: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: importing.ContactImport, read: importing._Read) -> None:
        raise RuntimeError("no")

    view = await ask("EMAIL\na@x.example\n")
    monkeypatch.setattr(importing.ContactImport, "_write", broken)
    for _ in range(7):
        ended = await finished(engine, view)
    assert ended.status == "failed"
    assert "given up" in (ended.error or "")


async def test_errors_are_bounded(engine: AsyncEngine, ask: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.core.transfers.chunks.MAX_TOLD", 3)
    monkeypatch.setattr(importing, "BATCH", 2)
    view = await finished(engine, await ask("EMAIL\n" + "=cmd|x\n" * 10))
    assert counts(view) == (10, 0, 0, 0, 10)
    assert await bad_lines(engine, view) == [f"{line},=cmd|x,email must be a valid email address" for line in (2, 3, 4)]


async def test_an_account_has_a_bounded_number_of_open_jobs(
    make: Factories, engine: AsyncEngine, audience: Audience, ask: Import
) -> None:
    for _ in range(20):
        view = await ask("EMAIL\n")
    with pytest.raises(Overloaded):
        await ask("EMAIL\n")
    other = await make.account()
    async with reading(engine) as read:
        with pytest.raises(NotFound):
            await transfers.get(read, other.id, view.id)
        assert await transfers.list_before(read, other.id) == []
        assert len(await transfers.list_before(read, audience.account_id)) == 20


async def test_files_go_after_a_week(engine: AsyncEngine, audience: Audience, ask: Import) -> None:
    view = await finished(engine, await ask("EMAIL\nbad\n"))
    assert view.finished_at is not None
    assert await transfers.empty(engine, now=view.finished_at) == 0
    assert await transfers.empty(engine, now=view.finished_at + timedelta(days=8)) == 1
    assert await bad_lines(engine, view) == []
    async with driver_connection(engine) as connection:
        assert await connection.fetchval("SELECT count(*) FROM job_chunks") == 0


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(
            [
                b"a@x.example",
                b"b@x.example",
                b'"',
                b"\n",
                b"\r\n",
                b",",
                b"\0",
                b"\xff",
                b"\\",
                b"\t",
                b"1",
                "ü".encode(),
            ]
        ),
        max_size=40,
    ).map(b"".join)
)
async def test_no_file_breaks_a_job(engine: AsyncEngine, audience: Audience, ask: Import, data: bytes) -> None:
    view = await finished(engine, await ask(b"EMAIL,CITY,AGE\n" + data))
    assert (view.status, view.error) == ("done", None)
    assert view.progress.total == view.progress.processed
    assert all("@x." in key for key in await members(engine, audience))


async def test_values_have_a_longest_length(engine: AsyncEngine, audience: Audience, ask: Import) -> None:
    data = f"EMAIL,CITY,AGE\na@x.example,{'x' * 10_001},\nb@x.example,{'x' * 10_000},\nc@x.example,x,1,\nd@x.example,x,1,2\n"
    view = await finished(engine, await ask(data))
    assert counts(view) == (4, 2, 0, 0, 2)
    assert await bad_lines(engine, view) == [
        "2,a@x.example,CITY must not be longer than 10000 characters",
        "5,d@x.example,row has more values than there are columns",
    ]
