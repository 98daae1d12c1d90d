"""Large audiences for trying things out and for benchmarks: `trireme seed`. Imports the core's front doors.

Addresses are under .test, which no mail ever reaches (RFC 2606, 2). Each call makes another audience.
"""

import asyncio
import random
import sys
import time
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import asyncpg
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from app.cli.asking import settings_for_asking
from app.cli.configuration import NotConfigured
from app.cli.plan import USERNAME
from app.cli.seed_content import HTML, SUBJECT
from app.cli.state import DataDirectory
from app.core import accounts, audiences, campaigns, contacts, senders
from app.core.contacts import ContactRow
from app.core.errors import CoreError, Invalid, NotFound
from app.core.senders import SenderStatus
from app.db.engine import driver_connection, make_engine
from app.db.unit_of_work import unit_of_work
from app.kit.uids import Noun, uid
from app.settings import Settings

STATEMENT_SECONDS = 300.0
CHUNK = 20_000
"""Contacts of one transaction."""
DOMAINS = 200
"""Recipient domains; the n-th has a share in proportion to 1/n, as receivers in the world nearly have."""
SENDER = "news@sender.test"
"""From address of a seeded campaign when the account has none that is ready."""
FIELDS = ("FIRST_NAME", "LAST_NAME", "CITY", "PLAN_NAME", "VIP")
FIRST_NAMES = ("Ann", "Ben", "Chi", "Dora", "Emil", "Fatou", "Göran", "Huong", "Igor", "João", "Kim", "Linh")
LAST_NAMES = ("Okafor", "Nguyen", "Smith", "Müller", "Garcia", "Sato", "Silva", "Kowalski", "O'Neill", "Tran")
CITIES = ("Hue", "Lagos", "Lima", "Oslo", "Porto", "Quito", "Rome", "Zürich")
PLANS = ("Free", "Standard", "Premium")
DONE, REFUSED, CANNOT_LOOK = 0, 1, 2
_NO_ANSWER = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, SQLAlchemyError, TimeoutError)


def run(data_dir: Path, *, count: int, account: str, audience: str, campaign: bool) -> int:
    """Make an audience, contacts and, if asked, a campaign; print their uids.

    Returns:
        0; 1 when it is refused, 2 when there is no database to write to.
    """
    username = account or str(DataDirectory(data_dir).runtime().get("username") or USERNAME)
    try:
        settings = settings_for_asking(data_dir, statement_seconds=STATEMENT_SECONDS)
        asyncio.run(_seed(settings, username, count, audience, campaign))  # noqa: TID251 a command owns its loop
    except NotConfigured as error:
        print(error, file=sys.stderr)
        return CANNOT_LOOK
    except CoreError as error:
        print(f"Refused: {error}.", file=sys.stderr)
        return REFUSED
    except _NO_ANSWER as error:
        print(f"The database gave no answer: {error!r}", file=sys.stderr)
        return CANNOT_LOOK
    return DONE


def rows(start: int, stop: int) -> Iterator[ContactRow]:
    """Yield the contacts of these numbers, the same in every call."""
    chance = random.Random(start)  # noqa: S311 nothing secret
    weights = list(accumulate(1 / rank for rank in range(1, DOMAINS + 1)))
    domains = chance.choices(range(1, DOMAINS + 1), cum_weights=weights, k=stop - start)
    for number, domain in zip(range(start, stop), domains, strict=True):
        fields = {
            "FIRST_NAME": FIRST_NAMES[number % len(FIRST_NAMES)],
            "LAST_NAME": LAST_NAMES[number % len(LAST_NAMES)],
            "CITY": CITIES[number % len(CITIES)],
            "PLAN_NAME": PLANS[number % len(PLANS)],
        }
        if number % 10 == 0:
            fields["VIP"] = "yes"
        yield ContactRow(f"person{number}@mail{domain:03}.test", fields, ("seeded",))


async def _seed(settings: Settings, username: str, count: int, name: str, campaign: bool) -> None:
    engine = make_engine(settings, pool_size=1)
    try:
        account_id, audience_id = await _audience(engine, username, name)
        print(f"audience={uid(Noun.AUDIENCE, audience_id)}")
        rate = await _contacts(engine, account_id, audience_id, count)
        print(f"contacts={count}")
        print(f"contacts_per_second={rate:.0f}")
        if campaign:
            print(f"campaign={uid(Noun.CAMPAIGN, await _campaign(engine, account_id, audience_id, name))}")
    finally:
        await engine.dispose()


async def _audience(engine: AsyncEngine, username: str, name: str) -> tuple[int, int]:
    """Make the audience with its fields; return the ids of account and audience.

    Raises:
        NotFound: There is no such account.
    """
    async with unit_of_work(engine) as write:
        account = await accounts.find_by_username(write, username)
        if account is None:
            raise NotFound(f"there is no account {username}")
        audience = await audiences.create(write, account.id, name=name)
        for tag in FIELDS:
            label = tag.replace("_", " ").capitalize()
            await audiences.add_field(write, account.id, audience.id, tag=tag, label=label)
        return account.id, audience.id


async def _contacts(engine: AsyncEngine, account_id: int, audience_id: int, count: int) -> float:
    """Add the contacts, telling how far it is; return how many were added in a second.

    Raises:
        Invalid: One of them was not accepted.
    """
    began = time.monotonic()
    async with driver_connection(engine) as connection:
        for start in range(1, count + 1, CHUNK):
            stop = min(start + CHUNK, count + 1)
            added = await contacts.add_many(
                connection, account_id, audience_id, list(rows(start, stop)), source="imported"
            )
            if added.bad:
                raise Invalid([added.bad[0].fault])
            print(f"{stop - 1} of {count} contacts", file=sys.stderr)
    return count / max(time.monotonic() - began, 1e-9)


async def _campaign(engine: AsyncEngine, account_id: int, audience_id: int, name: str) -> int:
    """Make a campaign for the audience; return its id."""
    async with unit_of_work(engine) as write:
        ready = [one.email for one in await senders.list_page(write, account_id) if one.status == SenderStatus.READY]
        if not ready:
            sender = await senders.add(write, account_id, email=SENDER, require_verification=False)
            ready = [sender.email]
        campaign = await campaigns.create(
            write,
            account_id,
            name=f"{name}: campaign",
            audience_ids=[audience_id],
            subject=SUBJECT,
            html=HTML,
            from_email=ready[0],
            from_name="Seeded sender",
        )
        return campaign.id
