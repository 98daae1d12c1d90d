"""`trireme suppressions` as a process."""

import asyncio
import json
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import contacts, suppressions
from app.core.suppressions import Reason
from app.db.unit_of_work import reading
from app.settings import Settings, as_environment
from tests.cli.test_commands import trireme
from tests.factories import Factories, MadeAccount

OWNER = "owner@accounts.example"


@pytest.fixture
def variables(settings: Settings) -> dict[str, str]:
    """The environment that names the test's database and nothing else."""
    return as_environment({"database_url": settings.database_url})


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account(OWNER)


async def run(*arguments: str, variables: dict[str, str]) -> tuple[int, str, str]:
    done = await asyncio.to_thread(trireme, "suppressions", *arguments, variables=variables)
    return done.returncode, done.stdout, done.stderr


async def test_a_list_comes_in_and_goes_out_again(
    make: Factories, engine: AsyncEngine, account: MadeAccount, variables: dict[str, str], tmp_path: Path
) -> None:
    audience = await make.audience(account)
    await make.contact(audience, "ann@x.example")
    list_in, list_out = tmp_path / "in.csv", tmp_path / "out.csv"
    list_in.write_text(
        "email,reason,created_at,detail\n"
        "Ann@X.example,hardbounce,2016-11-22T12:00:00Z,550 no\n"
        "nobody\n"
        "ben@x.example,,2016-11-22T13:00:00Z\n"
        "ann@x.example,manual\n"
        "cat@x.example,spam\n"
    )
    whose = ("--account", OWNER)
    status, said, errors = await run("import", str(list_in), *whose, "--reason", "unsubscribe", variables=variables)
    assert (status, said) == (1, "added=2\nexisting=1\ninvalid=2\n")
    assert errors.splitlines() == [
        "line 3: 'nobody': email must be a valid email address",
        "line 6: 'cat@x.example': reason must be one of complaint, hardbounce, manual, softbounce, unsubscribe",
        "5 lines",
    ]
    async with reading(engine) as read:
        assert (await contacts.get(read, account.id, audience.id, "ann@x.example")).status == "blacklisted"
        assert await suppressions.marked(read, account.id, ["ann@x.example", "ben@x.example"]) == {"ann@x.example"}

    status, said, _ = await run("import", str(list_in), *whose, "--json", variables=variables)
    counted = json.loads(said)
    assert (status, counted["added"], counted["existing"], counted["invalid"]) == (1, 1, 2, 2)  # ben: now manual
    assert counted["errors"][0] == {"line": 3, "email": "nobody", "error": "email must be a valid email address"}

    assert (await run("export", *whose, "--output", str(list_out), variables=variables))[0] == 0
    exported = list_out.read_bytes().decode()
    assert exported.splitlines() == [
        "email,reason,created_at,detail",
        "ann@x.example,hardbounce,2016-11-22T12:00:00.000000Z,550 no",
        "ben@x.example,manual,2016-11-22T13:00:00.000000Z,",
    ]
    async with reading(engine) as read:
        [ann, ben] = await suppressions.page(read, account.id)
    assert exported == suppressions.CSV_HEADER + suppressions.csv_line(ann) + suppressions.csv_line(ben)
    status, lines, _ = await run("export", *whose, "--json", variables=variables)
    assert [json.loads(line)["reason"] for line in lines.splitlines()] == ["hardbounce", "manual"]


async def test_a_list_is_seen_and_an_address_taken_off_it(
    make: Factories, engine: AsyncEngine, account: MadeAccount, variables: dict[str, str]
) -> None:
    audience = await make.audience(account)
    await make.contact(audience, "ann@x.example")
    await make.suppression(account.id, "ann@x.example", "ben@x.example", reason=Reason.COMPLAINT)
    whose = ("--account", OWNER)
    status, said, _ = await run("list", *whose, "--limit", "1", variables=variables)
    entry, total = said.splitlines()
    assert (status, entry.split()[2:], total) == (0, ["complaint", "ann@x.example"], "total=2")
    status, said, _ = await run("list", *whose, "--since", "2001-01-01", "--offset", "1", "--json", variables=variables)
    found = json.loads(said)
    assert (status, found["total"], [one["email"] for one in found["entries"]]) == (0, 2, ["ben@x.example"])

    assert await run("remove", "Ann@X.example", *whose, variables=variables) == (0, "removed=1\n", "")
    async with reading(engine) as read:
        assert (await contacts.get(read, account.id, audience.id, "ann@x.example")).status == "subscribed"
        assert await suppressions.marked(read, account.id, ["ann@x.example"]) == {"ann@x.example"}
    status, said, _ = await run("remove", "ben@x.example", *whose, "--clear-mark", "--json", variables=variables)
    assert (status, json.loads(said)) == (0, {"removed": ["ben@x.example"]})
    assert (await run("remove", "ben@x.example", *whose, variables=variables))[0] == 1
    async with reading(engine) as read:
        assert await suppressions.marked(read, account.id, ["ben@x.example"]) == set()


async def test_what_is_missing_is_said(account: MadeAccount, variables: dict[str, str], tmp_path: Path) -> None:
    for arguments, environment, sentence in (
        (["list", "--account", "nobody@x.example"], variables, "There is no account nobody@x.example"),
        (["list", "--data-dir", str(tmp_path)], {}, "TRIREME_DATABASE_URL"),
        (["import", str(tmp_path / "none.csv"), "--account", OWNER], variables, "none.csv"),
    ):
        status, said, errors = await run(*arguments, variables=environment)
        assert (status, said) == (2, "")
        assert sentence in errors
