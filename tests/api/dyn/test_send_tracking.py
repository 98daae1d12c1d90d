"""What `/send` decides about tracking: the account's switches, and what the mail has."""

import asyncio

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import accounts
from app.core.accounts import Changes
from app.core.messages import tracking as module
from app.db.unit_of_work import unit_of_work
from app.models import Mail
from app.settings import Settings
from tests.api.dyn.test_send import FROM, GOOD, OK, post, stored
from tests.factories import Factories, MadeAccount

HTML = '<p><a href="https://a.example/?x=1&amp;y">a</a><a href="mailto:a@b.c">m</a><a href="http://b.example">b</a></p>'
LINKS = ["https://a.example/?x=1&y", "http://b.example"]
EVERYTHING: Changes = {"track_opens": True, "track_links": True, "track_unsubscribes": True}


async def sent(client: httpx2.AsyncClient, engine: AsyncEngine, account: MadeAccount, **fields: str) -> Mail:
    answer = await client.post("/rest/json/send", data={**GOOD, "apikey": account.key, **fields})
    assert answer.content == OK
    return (await stored(engine)).mails[-1]


@pytest.mark.parametrize(
    ("switches", "expected"),
    [
        ({}, (0, None)),
        ({"track_opens": True}, (1, None)),
        ({"track_links": True}, (2, LINKS)),
        ({"track_unsubscribes": True}, (4, None)),
        (EVERYTHING, (7, LINKS)),
    ],
)
async def test_the_switches_of_the_account_decide(
    switches: Changes,
    expected: tuple[int, list[str] | None],
    client: httpx2.AsyncClient,
    engine: AsyncEngine,
    make: Factories,
) -> None:
    account = await make.account(senders=[FROM], **switches)
    mail = await sent(client, engine, account, bodyhtml=HTML)
    assert ((mail.tracking, mail.links), mail.html) == (expected, HTML)


async def test_the_mail_decides_too(client: httpx2.AsyncClient, engine: AsyncEngine, make: Factories) -> None:
    account = await make.account(senders=[FROM], **EVERYTHING)
    assert (await sent(client, engine, account)).tracking == 4, "text alone"
    own = await sent(client, engine, account, bodyhtml=HTML, **{"List-Unsubscribe": "<mailto:off@example.com>"})
    assert own.tracking == 3, "ours is not added beside the client's"
    assert (await sent(client, engine, account, bodyhtml="<p>no links</p>")).tracking == 5
    mail = await sent(
        client, engine, account, bodyhtml="PGEgaHJlZj0iaHR0cHM6Ly94LmV4YW1wbGUvIj54PC9hPjxicj48aHI+PGJyPg=="
    )
    assert mail.links == ["https://x.example/"], "links are those of the decoded HTML"


async def test_what_is_left_alone(
    client: httpx2.AsyncClient, engine: AsyncEngine, make: Factories, settings: Settings
) -> None:
    account = await make.account(senders=[FROM], track_links=True)
    own = "".join(f'<a href="{settings.public_url}/{path}/abc">x</a>' for path in ("u", "w", "p", "c", "t/c"))
    others = '<a href="https://n.example" data-no-track>x</a><a href="#top">x</a><a href="https://{TAG}.example/">x</a>'
    ours = "<link href='https://l.example'><!-- <a href='https://c.example'> --><A HREF=https://yes.example>x</A>"
    assert (await sent(client, engine, account, bodyhtml=own + others + ours)).links == ["https://yes.example"]


async def test_a_switch_counts_for_the_very_next_mail(
    client: httpx2.AsyncClient, engine: AsyncEngine, make: Factories
) -> None:
    account = await make.account(senders=[FROM])
    assert (await sent(client, engine, account, bodyhtml=HTML)).tracking == 0
    async with unit_of_work(engine) as write:
        await accounts.change(write, await accounts.get(write, account.caller, account.id), track_links=True)
    mail = await sent(client, engine, account, bodyhtml=HTML)
    assert (mail.tracking, mail.links) == (2, LINKS)


async def test_the_links_of_a_large_mail_are_found_beside_the_loop(
    client: httpx2.AsyncClient, engine: AsyncEngine, make: Factories
) -> None:
    account = await make.account(senders=[FROM], track_links=True)
    html = "".join(f'<a href="https://x.example/{number}">x</a>' for number in range(40_000))
    assert len(html) > module.LARGE
    turns = 0
    sending = asyncio.ensure_future(
        post(client, f"apikey={account.key}&from={FROM}&to=jo@example.org&subject=S&bodyhtml={html}")
    )
    while not sending.done():
        await asyncio.sleep(0.005)
        turns += 1
    assert await sending == OK
    (mail,) = (await stored(engine)).mails
    assert mail.links is not None
    assert (len(mail.links), mail.links[:2]) == (32_768, ["https://x.example/0", "https://x.example/1"])
    assert turns > 10  # of the loop, which had no others while it looked for links itself
