"""`trireme import dyn --from`: one installation as the source, brought to another one."""

from typing import Any

import httpx2
import pytest

from app.core import audit
from app.core.audit import Scope
from app.db.engine import driver_connection
from tests.cli.import_dyn.comparing import told
from tests.cli.import_dyn.conftest import AT, Target
from tests.cli.import_dyn.running import SENDERS, asked, run, snapshot
from tests.contract.wire import Listener
from tests.factories import Factories, MadeAccount


@pytest.fixture
async def sub_key(master: MadeAccount, client: httpx2.AsyncClient) -> str:
    listing = await client.get("/rest/json/accounts", params={"apikey": master.key})
    return str(listing.json()["response"]["data"]["accounts"][1]["apikey"])


async def test_everything_is_as_it_was_and_doing_it_again_changes_nothing(
    master: MadeAccount, sub_key: str, client: httpx2.AsyncClient, source_url: str, target: Target
) -> None:
    await client.post("/rest/json/recipients/activate", data={"apikey": master.key, "emailaddress": "active@y.example"})
    whole = ("--from", source_url, "--key", master.key)
    empty = await snapshot(target.engine)
    status, dry, errors = await run(target.settings, *whole, "--dry-run")
    assert status == 0, errors
    assert await snapshot(target.engine) == empty
    status, summary, errors = await run(target.settings, *whole)
    assert status == 0, errors
    assert "account 2 of 2" in errors
    assert summary["warnings"] == []
    assert {name: dry["counts"][name] for name in dry["counts"] if name.startswith("history")} == {
        name: count for name, count in summary["counts"].items() if name.startswith("history")
    }
    assert await asked(target.settings, master.key, *SENDERS) == await told(client, master.key, *SENDERS)
    assert await asked(target.settings, sub_key, "sub@x.example") == await told(client, sub_key, "sub@x.example")
    async with driver_connection(target.engine) as connection:
        report = await audit.check(connection, Scope.from_day(AT.date()))
    assert report.total == 0
    before = await snapshot(target.engine)
    status, again, errors = await run(target.settings, *whole)
    assert status == 0, errors
    after = await snapshot(target.engine)
    assert {table: rows for table, rows in after.items() if rows != before[table]} == {}
    assert again["counts"]["accounts.existing"] == 2
    assert list(target.settings.data_dir.glob("import-dyn-*")) == []


async def test_what_was_broken_off_goes_on_where_it_was(
    master: MadeAccount, client: httpx2.AsyncClient, source: Listener, source_url: str, target: Target
) -> None:
    """The source fails in the middle; the second run asks only for what is missing."""
    whole = ("--from", source_url, "--key", master.key)
    paths: list[str] = []
    app, failing = source.app, True
    assert app is not None

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        paths.append(scope["path"])
        if failing and scope["path"].endswith("/reports/complaints"):
            await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
            return
        await app(scope, receive, send)

    source.app = watched
    status, summary, errors = await run(target.settings, *whole)
    assert (status, summary) == (1, None)
    assert "Run it again to go on." in errors
    assert len(list(target.settings.data_dir.glob("import-dyn-*"))) == 1
    failing = False
    paths.clear()
    status, summary, errors = await run(target.settings, *whole)
    assert (status, summary["warnings"]) == (0, []), errors
    assert paths.count("/rest/json/reports/sent") == 2 * 2  # of the three senders the first is done
    assert await asked(target.settings, master.key, *SENDERS) == await told(client, master.key, *SENDERS)


async def test_it_joins_an_account_that_is_here(
    master: MadeAccount,
    source_url: str,
    target: Target,
) -> None:
    here = await Factories(target.engine, target.settings).account("admin@here.example", role="admin")
    whole = ("--from", source_url, "--key", master.key, "--account", "admin@here.example", "--no-history")
    status, summary, errors = await run(target.settings, *whole)
    assert (status, summary["counts"]["accounts.existing"], summary["counts"]["accounts.made"]) == (0, 1, 1), errors
    for key in (here.key, master.key):
        found = await asked(target.settings, key)
        assert [one["username"] for one in found["accounts"]["accounts"]] == [
            "admin@here.example",
            "sub@accounts.example",
        ]
        assert found["accounts"]["accounts"][0]["apikey"] == master.key
        assert [one["emailaddress"] for one in found["senders"]["senders"]] == list(SENDERS)


async def test_what_cannot_begin_says_why(source_url: str, target: Target, master: MadeAccount) -> None:
    cases = [
        ((), 2, "Give a directory, or --from with --key."),
        (("--from", source_url), 2, "Give a directory, or --from with --key."),
        (("--from", source_url, "--key", "wrong"), 1, "451 Missing or Invalid API Key"),
        (("--from", source_url, "--key", master.key, "--account", "who@x.example"), 2, "There is no account who@x.example"),
        (("/nowhere",), 1, "/nowhere is not a directory"),
    ]  # fmt: skip
    for arguments, status, said in cases:
        done = await run(target.settings, *arguments)
        assert (done[0], done[1]) == (status, None)
        assert said in done[2]


async def test_mail_of_a_deleted_sender_is_found_by_its_name(
    master: MadeAccount, client: httpx2.AsyncClient, source_url: str, target: Target
) -> None:
    await client.post("/rest/json/senders/delete", data={"apikey": master.key, "emailaddress": SENDERS[1]})
    whole = ("--from", source_url, "--key", master.key, "--sender", SENDERS[1])
    for deleted in (2, None):  # the sub-account gets to know it, too
        status, summary, errors = await run(target.settings, *whole)
        assert (status, summary["counts"].get("senders.deleted")) == (0, deleted), errors
    assert await asked(target.settings, master.key, *SENDERS) == await told(client, master.key, *SENDERS)
