"""How a server is asked: months, places to go on from, tries, bounds; and an import that is killed."""

import asyncio
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from app.cli.import_dyn import server as module
from app.cli.import_dyn.server import Server
from app.cli.import_dyn.source import Owner, Record, Resource, SourceFailed, Unit
from app.settings import environment
from tests.cli.import_dyn.comparing import told
from tests.cli.import_dyn.conftest import AT, Target
from tests.cli.import_dyn.running import SENDERS, asked, run, variables_of
from tests.contract.wire import Listener
from tests.factories import Factories, MadeAccount
from tests.fixtures.web_server import Behaviour, Writer, answering, reset, status, web_server

SINCE, UNTIL = datetime(2016, 10, 5, tzinfo=UTC), datetime(2017, 1, 3, tzinfo=UTC)
UNIT = Unit(Resource.SENT, "news@x.example")
SENDER_LIST = b'{"response":{"status":200,"message":"OK","data":{"senders":[{"emailaddress":"a@y.example"},7]}}}'
EMPTY = b'{"response":{"status":200,"message":"OK","data":{"senders":[]}}}'


def body(octets: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(octets), octets)


async def read(source: Server, owner: Owner, unit: Unit = UNIT, position: str = "") -> list[tuple[list[Record], str]]:
    return [(list(page.records), page.position) async for page in source.pages(owner, unit, position)]


async def test_much_is_asked_for_by_months_and_goes_on_from_any_place(
    make: Factories, source_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await make.account(senders=["news@x.example"])
    for days in (0, 0, 1, 5, 8):
        at = AT + timedelta(days=days)
        await make.delivered(account.id, account.senders["news@x.example"], at, f"r{days}@y.example")
    owner = Owner(account.username, account.key, is_master=True, record=Record({}))
    async with Server(source_url, account.key, since=SINCE, until=UNTIL) as source:
        [(whole, _)] = await read(source, owner)
        assert len(whole) == 5
        monkeypatch.setattr(module, "MUCH", 1)
        pages = await read(source, owner)
        assert [record for records, _ in pages for record in records] == whole
        for number, (_, position) in enumerate(pages):
            rest = await read(source, owner, position=position)
            assert [records for records, _ in rest] == [records for records, _ in pages[number + 1 :]]
        assert pages[0][1] == "2016-11-01T00:00:00+00:00|2016-12-01T00:00:00+00:00|5"


async def test_what_fails_in_passing_is_tried_again() -> None:
    turns: Iterator[Behaviour] = iter([status(503), reset, status(502), answering(body(SENDER_LIST)), status(429)])

    async def behave(head: bytes, writer: Writer) -> None:
        await next(turns, answering(body(EMPTY)))(head, writer)

    owner = Owner("a@x.example", "k" * 32, is_master=True, record=Record({}))
    async with web_server(behave) as web:
        async with Server(
            f"http://127.0.0.1:{web.port}", owner.key, since=SINCE, until=UNTIL, waits=(0, 0, 0)
        ) as source:
            [(records, _)] = await read(source, owner, Unit(Resource.SENDERS))
        assert [record.text("emailaddress") for record in records] == ["a@y.example"]


async def test_what_fails_for_good_says_so() -> None:
    owner = Owner("a@x.example", "k" * 32, is_master=True, record=Record({}))
    cases = [
        (
            answering(body(b'{"response":{"status":451,"message":"Missing or Invalid API Key","data":{}}}')),
            "451 Missing",
            1,
        ),
        (answering(body(b"[]")), "no answer of the classic API", 1),
        (answering(body(b"\xff\xfe")), "no answer of the classic API", 1),
        (status(500), "HTTP 500", 3),
        (status(404), "HTTP 404", 1),
        (reset, "Disconnected", 3),
    ]
    for behave, said, tries in cases:
        async with web_server(behave) as web:
            url = f"http://127.0.0.1:{web.port}"
            async with Server(url, owner.key, since=SINCE, until=UNTIL, waits=(0, 0)) as source:
                with pytest.raises(SourceFailed, match=said):
                    await source.x_headers(owner)
            assert len(web.requests) >= tries  # the client's own tries on a broken connection come on top
            assert tries > 1 or len(web.requests) == 1


async def test_a_server_that_repeats_itself_comes_to_an_end() -> None:
    owner = Owner("a@x.example", "k" * 32, is_master=True, record=Record({}))
    listing = (
        b'{"response":{"status":200,"message":"OK","data":{"accounts":[{"username":"s@y.example","apikey":"x"}]}}}'
    )
    async with (
        web_server(answering(body(SENDER_LIST))) as web,
        Server(f"http://127.0.0.1:{web.port}", owner.key, since=SINCE, until=UNTIL) as source,
    ):
        [(records, position)] = await read(source, owner, Unit(Resource.SENDERS))
        assert ([record.text("emailaddress") for record in records], position) == (["a@y.example"], "1")
        web.behave = answering(body(listing))
        master, sub = await source.owners()
        assert (master.username, master.key, sub.username, sub.key) == ("", owner.key, "s@y.example", "x")


async def test_a_killed_import_goes_on(
    master: MadeAccount, client: httpx2.AsyncClient, source: Listener, source_url: str, target: Target
) -> None:
    app, process, left = source.app, None, 0
    assert app is not None

    async def deadly(scope: Any, receive: Any, send: Any) -> None:
        nonlocal left
        left -= 1
        if left == 0 and process is not None:
            process.kill()
        await app(scope, receive, send)

    source.app = deadly
    words = (
        "import",
        "dyn",
        "--from",
        source_url,
        "--data-dir",
        str(target.settings.data_dir),
        "--since",
        "2016-01-01",
    )
    inherited = {name: value for name, value in environment().items() if not name.startswith("TRIREME_")}
    variables = inherited | variables_of(target.settings) | {"TRIREME_IMPORT_KEY": master.key}
    for requests in (9, 14, 27):
        left = requests
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "app", *words, env=variables, stderr=asyncio.subprocess.DEVNULL
        )
        assert await asyncio.wait_for(process.wait(), 60) == -9
    left = 0
    status_, _, errors = await run(target.settings, "--from", source_url, "--key", master.key)
    assert status_ == 0, errors
    assert await asked(target.settings, master.key, *SENDERS) == await told(client, master.key, *SENDERS)
