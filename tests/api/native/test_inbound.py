"""`POST /api/trireme/v1/inbound`: a mail that came back, handed over by HTTP."""

from datetime import UTC, datetime

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import driver_connection
from app.settings import Settings
from tests.factories import Factories
from tests.factories.copies import CopySpec
from tests.smtpd.returning import PERSONAL, VACATION, dsn, return_path, unsubscribe_address

PATH = "/api/trireme/v1/inbound"


@pytest.fixture
async def key(make: Factories) -> str:
    return (await make.account("operator@accounts.example", role="admin")).key


async def bring(
    client: httpx2.AsyncClient, key: str, raw: bytes, kind: str = "message/rfc822", **query: str
) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": kind}
    return await client.post(PATH, content=raw, params=query, headers=headers)


async def test_a_report_is_applied_once(
    client: httpx2.AsyncClient, key: str, settings: Settings, make: Factories, engine: AsyncEngine
) -> None:
    at = datetime.now(UTC).replace(microsecond=0)
    jo, ann = await make.copies(
        [CopySpec((await make.account()).id, 1, at, f"{one}@example.org") for one in ("jo", "ann")]
    )
    path = return_path(settings, jo, at)
    answer = await bring(client, key, dsn(path), recipient=path, sender="")
    assert (answer.status_code, answer.json()) == (
        200, {"outcome": "bounced", "detail": "bad-mailbox", "bounce_type": "hard"},
    )  # fmt: skip
    assert (await bring(client, key, dsn(path), recipient=path)).json()["outcome"] == "known"
    ignored = await bring(client, key, VACATION, recipient=path)
    assert ignored.json()["outcome"] == "ignored"
    to = unsubscribe_address(settings, ann, at)
    assert (await bring(client, key, PERSONAL, recipient=to)).json()["outcome"] == "unsubscribed"
    async with driver_connection(engine) as connection:
        assert await connection.fetchval("SELECT count(*) FROM bounces") == 1
        assert await connection.fetchval("SELECT count(*) FROM unsubscriptions") == 1


async def test_it_is_refused(client: httpx2.AsyncClient, key: str, settings: Settings, make: Factories) -> None:
    path = return_path(settings, 1, datetime.now(UTC))
    writer = await make.api_key((await make.account()).id, "read", "write", "send")
    assert (await bring(client, "nobody's", b"", recipient=path)).status_code == 401
    assert (await bring(client, writer, b"", recipient=path)).status_code == 403
    assert (await bring(client, key, b"{}", "application/json", recipient=path)).status_code == 415
    assert (await bring(client, key, b"")).status_code in {400, 422}
    assert (await bring(client, key, b"", recipient="bounces+" + "a" * 24 + "@x.example")).status_code == 404
    assert (await bring(client, key, b"", recipient="jo@example.org")).status_code == 404
    assert (await bring(client, key, b"x" * (27 * 1024 * 1024), recipient=path)).status_code == 413
    assert (await bring(client, key, b"x" * 3_000_000, recipient=path)).json()["outcome"] == "ignored"
