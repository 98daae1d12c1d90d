"""What belongs to another account is as if it were not there, at every endpoint, and nothing of it changes.

`ENTRIES` says for each operation how somebody else would reach for the victim's things; an operation that has no entry
fails the test.
"""

import json
from itertools import groupby
from uuid import UUID

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.kit.uids import Noun, number_of, uid, uuid
from tests.api.native.calling import BASE, Native
from tests.api.native.reaching import ENTRIES, NOTHING, ask, entries, filled, lines
from tests.api.native.victim import HIDDEN, SENDER, Watch, lay
from tests.factories import Factories


def test_every_operation_has_an_entry() -> None:
    assert sorted(lines()) == sorted(ENTRIES)


@pytest.mark.parametrize("who", ["stranger", "sub"])
async def test_nothing_of_another_account_is_seen_or_changed(
    who: str, client: httpx2.AsyncClient, make: Factories, engine: AsyncEngine, subtests: pytest.Subtests
) -> None:
    victim = await make.account(senders=[SENDER], x_headers=["X-Shop"])
    other = await make.account(parent=victim if who == "sub" else None, senders=["own@other.example"])
    ids = await lay(make, engine, client, victim)
    own = str(uuid(Noun.AUDIENCE, (await make.audience(other, fields=["OWN"])).id))
    by_uid = {
        "audience": uid(Noun.AUDIENCE, number_in(ids["audience"], Noun.AUDIENCE)),
        "contact": uid(Noun.CONTACT, number_in(ids["contact"], Noun.CONTACT)),
        "campaign": uid(Noun.CAMPAIGN, number_in(ids["campaign"], Noun.CAMPAIGN)),
        "message": uid(Noun.TRANSACTIONAL, number_in(ids["message"], Noun.TRANSACTIONAL)),
    }
    watch = Watch(engine, victim.id)
    before = await watch.rows()
    for noun, several in groupby(lines(), key=lambda line: line.split("/")[1]):  # to look at all rows takes its time
        for line in several:
            with subtests.test(line):
                for reach in entries(line):
                    for named in (ids, {**ids, **by_uid}, *([{**ids, "audience": own}] if reach.own else [])):
                        answer = await ask(client, other.key, line, reach, named)
                        assert answer.status_code in reach.allowed, (reach, answer.status_code, answer.text)
                        assert HIDDEN not in answer.text, answer.text
        with subtests.test(f"rows after {noun}"):
            after = await watch.rows()
            changed = [table for table in before if after[table] != before[table]]
            before = after
            assert changed == []


async def test_no_header_makes_a_stranger_act_for_it(
    client: httpx2.AsyncClient, make: Factories, engine: AsyncEngine
) -> None:
    victim = await make.account(senders=[SENDER])
    sub = await make.account(parent=victim)
    ids = await lay(make, engine, client, victim)
    watch = Watch(engine, victim.id)
    before = await watch.rows()
    for key in ((await make.account()).key, sub.key):
        native = Native(client, key, **{"Trireme-Account": str(victim.public_id)})
        for line in lines():
            if ENTRIES[line] in (NOTHING, ENTRIES["GET /system/ready"]):
                continue
            answer = await native(line.partition(" ")[0], filled(line, ids))
            assert answer.status_code == 404, (line, answer.text)
    assert await watch.rows() == before


async def test_its_own_key_finds_all_of_it(
    client: httpx2.AsyncClient, make: Factories, engine: AsyncEngine, subtests: pytest.Subtests
) -> None:
    victim = await make.account(senders=[SENDER], x_headers=["X-Shop"])
    ids = await lay(make, engine, client, victim)
    key = victim.key
    for line in lines():
        with subtests.test(line):
            for reach in entries(line):
                answer = await ask(client, key, line, reach, ids)
                assert answer.status_code in reach.control, (reach, answer.status_code, answer.text)
                if line.endswith("/rotate-key"):
                    key = json.loads(answer.text)["api_key"]


async def test_without_a_good_key_nothing_is_there(client: httpx2.AsyncClient, make: Factories) -> None:
    account = await make.account()
    for line in lines():
        if line.startswith("GET /system/") and line not in {"GET /system/settings", "GET /system/queue"}:
            continue
        method, _, path = line.partition(" ")
        for headers in ({}, {"Authorization": f"Bearer {account.key[:-1]}"}, {"Authorization": f"Basic {account.key}"}):
            answer = await client.request(method, BASE + path, headers=headers)
            assert answer.status_code == 401, (line, headers, answer.text)
            assert answer.headers["www-authenticate"] == "Bearer"


def number_in(text: str, noun: Noun) -> int:
    number = number_of(noun, UUID(text))
    assert number
    return number
