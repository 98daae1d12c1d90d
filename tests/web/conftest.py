"""A campaign that was sent to one contact, a single mail, and the tokens of both."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import messages
from app.core.audiences import Audience
from app.core.contacts import Contact
from app.core.messages import Copy, Owner
from app.db.engine import driver_connection
from app.kit.secrets import derive
from app.mail.tracking import Purpose, Tokens
from app.settings import Settings
from tests.factories import Factories, MadeAccount

HTML = """<html><body><p>Hello {FIRST_NAME}</p>
<a href="https://shop.example/sale">Sale</a>
<a href="https://shop.example/for/{{ FIRST_NAME }}?list={LIST_UID}&amp;year={CURRENT_YEAR}">You</a>
<a href="https://{{ HOST }}/landing">Where you want</a>
<a href="https://shop.example/out?u={{ UNSUBSCRIBE_URL | url_encode }}">Out</a>
<a href="{WEB_VIEW_URL}">In the browser</a><script>alert(1)</script>
</body></html>"""
SINGLE_HTML = '<html><body><a href="https://shop.example/receipt">Receipt</a>{FIRST_NAME}</body></html>'
SINGLE = """
    WITH mail AS (
        INSERT INTO mails (id, accepted_at, account_id, headers, text, html, tracking, links)
        VALUES (nextval('message_ids'), $3, $1, '[["Subject", "Receipt"]]', $4, $5, 7, $6)
        RETURNING id, accepted_at, account_id
    )
    INSERT INTO messages (id, accepted_at, accepted_ms, account_id, sender_id, mail_id, kind, state, recipient,
        delivered_at, finished_at)
    SELECT nextval('message_ids'), accepted_at, 0, account_id, $2, id, 'send', 'delivered', $7, $3, $3
    FROM mail
    RETURNING id
"""


@dataclass(frozen=True)
class Links:
    """The paths of a copy's links."""

    message_id: int
    accepted_at: datetime
    tokens: Tokens

    @property
    def pixel(self) -> str:
        return f"/t/o/{self.of(Purpose.OPEN)}.gif"

    @property
    def unsubscribe(self) -> str:
        return f"/u/{self.of(Purpose.UNSUBSCRIBE)}"

    @property
    def web_view(self) -> str:
        return f"/w/{self.of(Purpose.WEB_VIEW)}"

    @property
    def profile(self) -> str:
        return f"/p/{self.of(Purpose.PROFILE)}"

    def click(self, number: int = 0) -> str:
        return f"/t/c/{self.tokens.click(number).decode()}"

    def of(self, purpose: Purpose) -> str:
        return self.tokens.of(purpose).decode()


def links_of(secret: str, message_id: int, accepted_at: datetime) -> Links:
    """The links a copy has under a secret key."""
    seconds = int(accepted_at.timestamp())
    tokens = Tokens(derive(secret, "tracking"), accepted_at=seconds, message_id=message_id, links=20)
    return Links(message_id, accepted_at, tokens)


class Stage:
    """What the tests look at."""

    def __init__(self, engine: AsyncEngine, settings: Settings, make: Factories) -> None:
        self.engine = engine
        self.settings = settings
        self.make = make
        self.account: MadeAccount
        self.audience: Audience
        self.contact: Contact
        self.links: Links

    async def set_up(self) -> None:
        self.account = await self.make.account(senders=["news@example.com"])
        fields = {
            "FIRST_NAME": "text",
            "HOST": "text",
            "NOTE": "textarea",
            "AGE": "number",
            "BORN": "date",
            "MET": "datetime",
            "CALL_AT": "time",
        }
        self.audience = await self.make.audience(self.account, fields=fields, from_email="news@example.com")
        values = {"FIRST_NAME": "Jo & <b>Co</b>", "HOST": "jo.example", "MET": "2021-12-04 07:29"}
        self.contact = await self.make.contact(self.audience, "jo@readers.example", fields=values)
        self.links = await self.campaign_links()

    async def campaign_links(self, *, audiences: Sequence[Audience] = (), html: str = HTML) -> Links:
        """Send a campaign to the audience; return the links of its first copy."""
        copy = (await self.campaign_copies(audiences or (self.audience,), html))[0]
        return links_of(self.settings.secret_keys[0], copy.message_id, copy.accepted_at)

    async def campaign_copies(self, audiences: Sequence[Audience], html: str = HTML) -> list[Copy]:
        campaign = await self.make.campaign(self.account, audiences, html=html, from_email="news@example.com")
        run = await self.make.sending(campaign)
        async with driver_connection(self.engine) as connection:
            (claimable,) = [one for one in await messages.open_runs(connection) if one.id == run.id]
            owner = Owner("here", uuid4())
            chunk = await messages.claim_chunk(connection, owner, claimable, limit=10, lease_seconds=60, default_cap=0)
        return chunk.copies

    async def single_links(
        self,
        *,
        account: MadeAccount | None = None,
        recipient: str = "jo@readers.example",
        text: str | None = None,
        html: str | None = SINGLE_HTML,
        links: Sequence[str] | None = ("https://shop.example/receipt",),
    ) -> Links:
        """Lay down a single mail that was delivered; return the links of its copy."""
        account = account or self.account
        sender = next(iter(account.senders.values()))
        at = datetime.now(UTC).replace(microsecond=0)
        rows = await self.fetch(SINGLE, account.id, sender, at, text, html, links, recipient)
        return links_of(self.settings.secret_keys[0], rows[0]["id"], at)

    async def fetch(self, statement: str, *args: object) -> list[asyncpg.Record]:
        async with driver_connection(self.engine) as connection:
            return list(await connection.fetch(statement, *args))

    async def count(self, table: str) -> int:
        return int((await self.fetch(f"SELECT count(*) FROM {table}"))[0][0])  # noqa: S608 names of the tests

    async def contact_row(self) -> dict[str, Any]:
        row = dict((await self.fetch("SELECT * FROM contacts WHERE id = $1", self.contact.id))[0])
        fields = row["fields"]
        return {**row, "fields": orjson.loads(fields) if isinstance(fields, str) else fields}

    async def traces(self) -> int:
        """Everything a recipient's link may leave behind."""
        tables = ("opens", "clicks", "engagements", "unsubscriptions", "suppressions", "domain_events")
        return sum([await self.count(table) for table in tables])


@pytest.fixture
async def stage(engine: AsyncEngine, settings: Settings, make: Factories) -> Stage:
    stage = Stage(engine, settings, make)
    await stage.set_up()
    await stage.fetch("DELETE FROM domain_events")
    return stage
