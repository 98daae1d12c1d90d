"""`/api/trireme/v1/sandbox`, over HTTP."""

from collections.abc import Sequence
from datetime import UTC, datetime

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import sandbox
from app.core.sandbox import Arrival
from app.db.engine import driver_connection
from app.main import create_app
from app.settings import Delivery, Settings
from tests.factories import Factories, MadeAccount
from tests.factories.copies import CopySpec

BASE = "/api/trireme/v1/sandbox/messages"
AT = datetime(2026, 11, 5, 9, 0, 0, 123456, tzinfo=UTC)
RICH = (
    b"From: =?utf-8?q?J=C3=B6?= <jo@example.com>\r\nTo: b@example.org\r\nSubject: =?utf-8?b?R3LDvMOfZQ==?=\r\n"
    b" folded\r\nX-One: 1\r\nX-One: 2\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain; charset=latin-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"Gr=FC=DFe\r\n--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--b--\r\n"
)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def keep(
    engine: AsyncEngine,
    make: Factories,
    account: MadeAccount | None,
    *,
    subjects: Sequence[str] = ("Hello",),
    to: str = "b@example.org",
    raw: bytes | None = None,
) -> None:
    second = datetime.now(UTC).replace(microsecond=0)
    ids: list[int] = []
    if account is not None:
        ids = await make.copies([CopySpec(account_id=account.id, sender_id=1, accepted_at=second) for _ in subjects])
    arrivals = [
        Arrival(
            received_at=AT,
            envelope_from="bounces@example.net",
            recipients=(to,),
            raw=raw or f"From: jo@example.com\r\nSubject: {subject}\r\n\r\nx\r\n".encode(),
            accepted_at=second if ids else None,
            message_id=ids[number] if ids else None,
            email_id=f"email-{ids[number]}" if ids else "",
        )
        for number, subject in enumerate(subjects)
    ]
    async with driver_connection(engine) as connection:
        await sandbox.store(connection, arrivals, max_messages=1000)


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account()


async def test_one_mail_in_the_list(
    client: httpx2.AsyncClient, engine: AsyncEngine, make: Factories, account: MadeAccount
) -> None:
    await keep(engine, make, account, raw=RICH)
    answer = await client.get(BASE, headers=bearer(account.key))
    assert answer.status_code == 200
    (mail,) = answer.json()["data"]
    assert answer.json() == {"data": [mail], "next_cursor": None, "has_more": False}
    assert mail == {
        "id": mail["id"],
        "email_id": mail["email_id"],
        "envelope": {"from": "bounces@example.net", "recipients": ["b@example.org"]},
        "from": "Jö <jo@example.com>",
        "subject": "Grüße folded",
        "size": len(RICH),
        "created_at": "2026-11-05T09:00:00.123Z",
    }
    assert mail["email_id"].startswith("email-")


async def test_one_mail_taken_apart(
    client: httpx2.AsyncClient, engine: AsyncEngine, make: Factories, account: MadeAccount
) -> None:
    await keep(engine, make, account, raw=RICH)
    (mail,) = (await client.get(BASE, headers=bearer(account.key))).json()["data"]

    answer = await client.get(f"{BASE}/{mail['id']}", headers=bearer(account.key))
    assert answer.status_code == 200
    assert answer.json().items() >= mail.items()
    assert [(header["name"], header["value"]) for header in answer.json()["headers"]][2:5] == [
        ("Subject", "Grüße folded"),
        ("X-One", "1"),
        ("X-One", "2"),
    ]
    assert answer.json()["parts"] == [
        {"content_type": "text/plain", "filename": None, "size": 5, "text": "Grüße"},
        {"content_type": "application/pdf", "filename": "a.pdf", "size": 3, "text": None},
    ]

    answer = await client.get(f"{BASE}/{mail['id']}/raw", headers=bearer(account.key))
    assert answer.headers["content-type"] == "message/rfc822"
    assert answer.content == RICH


async def test_pages_are_newest_first_and_survive_new_mail(
    client: httpx2.AsyncClient, engine: AsyncEngine, make: Factories, account: MadeAccount
) -> None:
    await keep(engine, make, account, subjects=[str(number) for number in range(5)])
    query = {"limit": "2", "count": "true"}
    first = (await client.get(BASE, params=query, headers=bearer(account.key))).json()
    assert [mail["subject"] for mail in first["data"]] == ["4", "3"]
    assert first["has_more"] is True
    assert first["total"] == 5

    await keep(engine, make, account, subjects=["5"])
    seen = []
    while first["next_cursor"]:
        query = {"limit": "2", "cursor": first["next_cursor"]}
        first = (await client.get(BASE, params=query, headers=bearer(account.key))).json()
        seen += [mail["subject"] for mail in first["data"]]
    assert seen == ["2", "1", "0"]
    assert "total" not in first


FILTERS: list[tuple[dict[str, str], list[str]]] = [
    ({"to": "B@EXAMPLE.org"}, ["one 100%", "two_2"]),
    ({"to": "nobody"}, []),
    ({"from": "jo@"}, ["other", "one 100%", "two_2"]),
    ({"from": "bounces@EXAMPLE.net", "subject": "TWO"}, ["two_2"]),
    ({"subject": "%"}, ["one 100%"]),
    ({"subject": "_"}, ["two_2"]),
    ({"subject": "\\"}, []),
    ({"subject": "t\0wo"}, ["two_2"]),
]


async def test_filters_match_a_part_ignoring_case(
    client: httpx2.AsyncClient, engine: AsyncEngine, make: Factories, account: MadeAccount
) -> None:
    await keep(engine, make, account, subjects=["two_2", "one 100%"])
    await keep(engine, make, account, subjects=["other"], to="c@example.org")
    for query, subjects in FILTERS:
        answer = (await client.get(BASE, params={**query, "count": "1"}, headers=bearer(account.key))).json()
        assert [mail["subject"] for mail in answer["data"]] == subjects, query
        assert answer["total"] == len(subjects)


async def test_an_account_sees_its_own_and_an_admin_all(
    client: httpx2.AsyncClient, engine: AsyncEngine, make: Factories
) -> None:
    admin = await make.account(role="admin")
    jo = await make.account()
    sub = await make.account(parent=jo)
    await keep(engine, make, jo, subjects=["jo"])
    await keep(engine, make, sub, subjects=["sub"])
    await keep(engine, make, None, subjects=["nobody"])

    async def subjects(key: str) -> list[str]:
        return [mail["subject"] for mail in (await client.get(BASE, headers=bearer(key))).json()["data"]]

    assert await subjects(admin.key) == ["nobody", "sub", "jo"]
    assert await subjects(jo.key) == ["jo"]
    assert await subjects(sub.key) == ["sub"]

    everything = (await client.get(BASE, headers=bearer(admin.key))).json()["data"]
    for path in ("", "/raw"):
        answer = await client.get(f"{BASE}/{everything[0]['id']}{path}", headers=bearer(jo.key))
        assert answer.status_code == 404
        assert answer.json()["type"] == "/problems/not-found"

    assert (await client.delete(BASE, headers=bearer(jo.key))).status_code == 204
    assert await subjects(admin.key) == ["nobody", "sub"]
    assert (await client.delete(BASE, headers=bearer(admin.key))).status_code == 204
    assert await subjects(admin.key) == []


async def test_scopes_hold(client: httpx2.AsyncClient, make: Factories, account: MadeAccount) -> None:
    reading = await make.api_key(account.id, "read")
    sending = await make.api_key(account.id, "send")
    assert (await client.get(BASE, headers=bearer(reading))).status_code == 200
    assert (await client.get(BASE, headers=bearer(sending))).status_code == 403
    assert (await client.delete(BASE, headers=bearer(reading))).status_code == 403
    assert (await client.delete(BASE)).status_code == 401
    assert (await client.get(BASE, headers={"User-Api-Key": account.key})).status_code == 401
    assert (await client.get(BASE, params={"apikey": account.key})).status_code == 401


BAD_VALUES = [
    (f"{BASE}?limit=0", 400),
    (f"{BASE}?limit=201", 400),
    (f"{BASE}?limit=x", 400),
    (f"{BASE}?cursor=nonsense", 400),
    (f"{BASE}?cursor=eyJrIjoxZTN9", 400),
    (f"{BASE}?cursor=%00", 400),
    (f"{BASE}?subject={'x' * 400}", 400),
    (f"{BASE}?subject=%00", 200),
    (f"{BASE}/7", 400),
    (f"{BASE}/00000000-0000-0000-0000-000000000007", 404),
    (f"{BASE}/00000000-0000-8000-8000-000000000007", 404),
]


async def test_bad_values(client: httpx2.AsyncClient, account: MadeAccount) -> None:
    for path, status in BAD_VALUES:
        answer = await client.get(path, headers=bearer(account.key))
        assert answer.status_code == status, path


async def test_without_the_sandbox_route_there_is_no_sandbox(settings: Settings, make: Factories) -> None:
    account = await make.account()
    delivery = Delivery(route="relay", relay_url="smtp://127.0.0.1:1")
    app = create_app(settings.model_copy(update={"delivery": delivery}))
    async with app.running(), httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://t") as client:
        assert (await client.get(BASE, headers=bearer(account.key))).status_code == 404
        assert (await client.delete(BASE, headers=bearer(account.key))).status_code == 404
        assert (await client.get(BASE)).status_code == 401
