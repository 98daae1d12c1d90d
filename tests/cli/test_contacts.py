"""`trireme contacts` and `trireme audience` as processes."""

import asyncio
import json
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.kit.uids import Noun, uuid
from app.settings import Settings, as_environment
from tests.cli.test_commands import trireme
from tests.factories import Factories

OWNER = "owner@accounts.example"


@pytest.fixture
def variables(settings: Settings) -> dict[str, str]:
    return as_environment({"database_url": settings.database_url})


async def run(*arguments: str, variables: dict[str, str]) -> tuple[int, str, str]:
    done = await asyncio.to_thread(trireme, *arguments, "--account", OWNER, variables=variables)
    return done.returncode, done.stdout, done.stderr


async def test_a_file_goes_in_and_out(
    make: Factories, engine: AsyncEngine, variables: dict[str, str], tmp_path: Path
) -> None:
    await make.account(OWNER)
    status, said, _ = await run("audience", "add", "News", "--json", variables=variables)
    audience = json.loads(said)["uid"]
    assert status == 0
    file = tmp_path / "in.csv"
    file.write_text("Mail,Town\na@x.example,Hue\nnobody,\nb@x.example,\n")
    mapping = ("--mapping", '{"Mail": "EMAIL", "Town": "CITY"}', "--create-fields", "--tag", "t")
    status, said, errors = await run(
        "contacts", "import", str(file), "--audience", audience, *mapping, variables=variables
    )
    assert status == 1
    assert {"status=done", "processed=3", "created=2", "failed=1"} < set(said.splitlines())
    assert "3,nobody,email must be a valid email address" in errors.splitlines()
    job = errors.splitlines()[0].removeprefix("job=")
    status, said, _ = await run("contacts", "import", "--job", job, "--json", variables=variables)
    assert (status, json.loads(said)["created"]) == (1, 2)
    columns = ("--column", "email", "--column", "CITY", "--column", "tags")
    status, said, errors = await run("contacts", "export", "--audience", audience, *columns, variables=variables)
    assert (status, said.splitlines()) == (0, ["email,CITY,tags", "a@x.example,Hue,t", "b@x.example,,t"])
    assert "updated=2" in errors


async def test_what_is_not_there_is_said(make: Factories, variables: dict[str, str], tmp_path: Path) -> None:
    await make.account(OWNER)
    file = tmp_path / "in.csv"
    file.write_text("EMAIL\n")
    status, _, errors = await run("contacts", "import", str(file), "--audience", "0" * 13, variables=variables)
    assert status == 1
    assert errors == (
        f"There is no audience '{'0' * 13}' in this account: give its id (a UUID), its uid or its number.\n"
    )
    status, _, errors = await run("contacts", "import", str(tmp_path / "none"), "--audience", "x", variables=variables)
    assert status == 1
    assert "none" in errors


async def test_an_audience_has_every_name_that_the_api_shows(
    make: Factories, variables: dict[str, str], tmp_path: Path
) -> None:
    audience = await make.audience(await make.account(OWNER))
    file = tmp_path / "in.csv"
    file.write_text("EMAIL\na@x.example\n")
    native = str(uuid(Noun.AUDIENCE, audience.id))
    status, said, errors = await run("contacts", "import", str(file), "--audience", native, variables=variables)
    assert (status, "There is" in errors) == (0, False)
    assert "created=1" in said.splitlines()
    for name in (native.upper(), str(audience.id)):
        status, said, _ = await run("contacts", "export", "--audience", name, "--column", "email", variables=variables)
        assert (status, said.splitlines()) == (0, ["email", "a@x.example"])


@pytest.mark.parametrize("name", ["Customers\x1b", str(uuid(Noun.CONTACT, 1)), "9" * 20])
async def test_the_name_of_no_audience_is_repeated(name: str, make: Factories, variables: dict[str, str]) -> None:
    await make.account(OWNER)
    status, _, errors = await run("contacts", "export", "--audience", name, variables=variables)
    assert status == 1
    assert errors.startswith(f"There is no audience {name!a} in this account")
