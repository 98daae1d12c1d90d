"""Mail that comes back by SMTP: what is taken, what it leads to, and what it can not do."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import driver_connection, make_engine
from app.settings import Intake, Settings
from app.smtpd.intake.process import IntakeServer
from tests.factories import Factories, MadeAccount
from tests.factories.copies import CopySpec
from tests.fixtures.bare import bare_settings
from tests.smtpd.returning import PERSONAL, VACATION, arf, dsn, return_path, token_of, unsubscribe_address
from tests.smtpd.talking import Client

JO, ANN = "jo@example.org", "ann@example.org"


@dataclass
class Mailroom:
    """A listener, two copies of one account, and what became of them."""

    settings: Settings
    engine: AsyncEngine
    port: int
    account: MadeAccount
    at: datetime
    jo: int
    ann: int

    def path(self, message_id: int) -> str:
        return return_path(self.settings, message_id, self.at)

    async def bring(self, raw: bytes, *recipients: str, sender: str = "") -> str:
        """Hand a mail over as another server does; return the last reply."""
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=self.port, start_tls=False) as client:
            await client.mail(sender)
            for recipient in recipients:
                await client.rcpt(recipient)
            response = await client.data(raw)
            return f"{response.code} {response.message}"

    async def rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        async with driver_connection(self.engine) as connection:
            return [dict(row) for row in await connection.fetch(query, *values)]

    async def bounced(self) -> list[int]:
        return [row["message_id"] for row in await self.rows("SELECT message_id FROM bounces ORDER BY 1")]

    async def suppressed(self) -> dict[str, str]:
        rows = await self.rows("SELECT address, reason FROM suppressions ORDER BY 1")
        return {row["address"]: row["reason"] for row in rows}

    async def untouched(self) -> bool:
        tables = ("bounces", "complaints", "unsubscriptions", "suppressions", "domain_events")
        counts = [(await self.rows(f"SELECT count(*) AS n FROM {table}"))[0]["n"] for table in tables]  # noqa: S608
        return not any(counts)


@pytest.fixture
async def room(settings: Settings, engine: AsyncEngine, make: Factories) -> AsyncIterator[Mailroom]:
    settings = settings.model_copy(update={"intake": Intake(port=0)})
    account = await make.account(senders=["news@example.com"])
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
    jo, ann = await make.copies([CopySpec(account.id, 1, at, JO), CopySpec(account.id, 1, at, ANN)])
    async with IntakeServer(settings, engine) as server:
        yield Mailroom(settings, engine, server.port, account, at, jo, ann)


async def test_a_failure_report_bounces_its_copy(room: Mailroom) -> None:
    raw = dsn(room.path(room.jo))
    assert (await room.bring(raw, room.path(room.jo))).startswith("250 ")
    (row,) = await room.rows("SELECT * FROM bounces")
    assert (row["message_id"], row["bounce_type"], row["category"], row["code"]) == (
        room.jo, "hard", "bad-mailbox", "5.1.1",
    )  # fmt: skip
    assert "User unknown in virtual mailbox table" in row["diagnostic"]
    assert row["full_content"] == raw.decode()
    assert await room.suppressed() == {JO: "hardbounce"}
    (copy,) = await room.rows("SELECT state, delivered_at, bounced_at FROM messages WHERE id = $1", room.jo)
    assert copy["state"] == "bounced"
    assert copy["delivered_at"] is not None
    counts = await room.rows("SELECT sum(hard_bounces) AS hard, sum(soft_bounces) AS soft FROM hourly_counts")
    assert counts == [{"hard": 1, "soft": 0}]


async def test_the_same_report_again_is_taken_and_changes_nothing(room: Mailroom) -> None:
    raw = dsn(room.path(room.jo))
    for _ in range(3):
        assert (await room.bring(raw, room.path(room.jo))).startswith("250 ")
    many = [room.bring(raw, room.path(room.jo)) for _ in range(20)]
    assert {reply[:3] for reply in await asyncio.gather(*many)} == {"250"}
    assert await room.bounced() == [room.jo]
    assert await room.rows("SELECT sum(hard_bounces) AS hard FROM daily_counts") == [{"hard": 1}]
    assert await room.rows("SELECT type, count(*) AS n FROM domain_events GROUP BY 1 ORDER BY 1") == [
        {"type": "email.bounced", "n": 1}, {"type": "suppression.added", "n": 1},
    ]  # fmt: skip


async def test_reports_of_many_sessions_share_commits(room: Mailroom, make: Factories) -> None:
    people = [f"r{number}@example.org" for number in range(30)]
    ids = await make.copies([CopySpec(room.account.id, 1, room.at, one) for one in people])
    replies = await asyncio.gather(*(room.bring(dsn(room.path(which)), room.path(which)) for which in ids))
    assert {reply[:3] for reply in replies} == {"250"}
    assert await room.bounced() == ids
    assert await room.suppressed() == dict.fromkeys(people, "hardbounce")
    assert await room.rows("SELECT sum(hard_bounces) AS hard FROM hourly_counts") == [{"hard": 30}]
    (commits,) = await room.rows("SELECT count(DISTINCT xmin::text) AS n FROM bounces")
    assert commits["n"] < len(people)


async def test_a_copy_that_somebody_holds_keeps_no_other_report_waiting(room: Mailroom) -> None:
    async with driver_connection(room.engine) as connection, asyncio.timeout(20):
        async with connection.transaction():
            await connection.execute("SELECT FROM messages WHERE id = $1 FOR UPDATE", room.jo)
            held = asyncio.create_task(room.bring(dsn(room.path(room.jo)), room.path(room.jo)))
            await room.bring(dsn(room.path(room.ann), ANN), room.path(room.ann))
            assert not held.done()
            assert await room.bounced() == [room.ann]
        assert (await held).startswith("250 ")
    assert await room.bounced() == [room.jo, room.ann]


async def test_a_report_that_postgresql_refuses_fails_no_other(room: Mailroom) -> None:
    rule = "CONSTRAINT not_jo"
    await room.rows(f"ALTER TABLE bounces ADD {rule} CHECK (recipient <> '{JO}')")
    try:
        brought = [room.bring(dsn(room.path(which)), room.path(which)) for which in (room.jo, room.ann)]
        refused, taken = await asyncio.gather(*brought, return_exceptions=True)
    finally:
        await room.rows(f"ALTER TABLE bounces DROP {rule}")
    assert isinstance(refused, aiosmtplib.SMTPDataError)
    assert refused.code == 451
    assert str(taken).startswith("250 ")
    assert await room.bounced() == [room.ann]


async def test_a_report_touches_its_own_copy_whomever_it_names(room: Mailroom) -> None:
    raw = dsn(room.path(room.ann), ANN, returned=f"X-Trireme-Message: {token_of(room.settings, room.ann, room.at)}")
    assert (await room.bring(raw, room.path(room.jo))).startswith("250 ")
    assert await room.bounced() == [room.jo]
    assert ANN not in await room.suppressed()


async def test_a_mail_for_several_addresses_is_applied_to_each(room: Mailroom) -> None:
    raw = dsn(room.path(room.jo), status="4.2.2", said="452 4.2.2 Mailbox full")
    address = unsubscribe_address(room.settings, room.ann, room.at)
    await room.bring(raw, room.path(room.jo), room.path(room.ann), address, room.path(room.jo))
    assert await room.bounced() == [room.jo, room.ann]
    assert await room.suppressed() == {}, "a report unsubscribes nobody"


@pytest.mark.parametrize("action", ["delayed", "relayed", "delivered", "expanded"])
async def test_other_actions_make_nothing(room: Mailroom, action: str) -> None:
    status = "4.4.1" if action == "delayed" else "2.0.0"
    raw = dsn(room.path(room.jo), action=action, status=status, said="451 4.4.1 try later")
    assert (await room.bring(raw, room.path(room.jo))).startswith("250 ")
    assert await room.untouched()


async def test_automatic_replies_and_small_talk_make_nothing(room: Mailroom) -> None:
    for raw in (VACATION, PERSONAL, b"", b"\r\n", b"\xff\xfe\x00" * 1000 + b"\r\n"):
        for sender in ("", JO):
            for address in (room.path(room.jo), "fbl@bounces.example.com"):
                assert (await room.bring(raw, address, sender=sender)).startswith("250 ")
    assert (await room.bring(VACATION, unsubscribe_address(room.settings, room.jo, room.at))).startswith("250 ")
    assert await room.untouched()


@pytest.mark.parametrize("to_return_path", [True, False])
async def test_a_feedback_report_makes_a_complaint(room: Mailroom, to_return_path: bool) -> None:
    raw = arf(token_of(room.settings, room.jo, room.at))
    address = room.path(room.jo) if to_return_path else f"fbl@{room.settings.bounce_domain}"
    for _ in range(2):
        assert (await room.bring(raw, address, sender="abusedesk@provider.example")).startswith("250 ")
    (row,) = await room.rows("SELECT message_id, source, full_content FROM complaints")
    assert (row["message_id"], row["source"], row["full_content"]) == (room.jo, "provider.example", raw.decode())
    assert await room.suppressed() == {JO: "complaint"}
    assert await room.rows("SELECT sum(complaints) AS n FROM daily_counts") == [{"n": 1}]


async def test_forged_feedback_makes_nothing(room: Mailroom) -> None:
    ann = token_of(room.settings, room.ann, room.at)
    fbl = f"fbl@{room.settings.bounce_domain}"
    other = room.settings.model_copy(update={"secret_keys": ["another key that is quite long enough"]})
    await room.bring(arf(ann), room.path(room.jo))  # the address says jo, the mail says ann
    await room.bring(arf(token_of(other, room.jo, room.at)), fbl)
    await room.bring(arf("a" * 24), fbl)
    await room.bring(arf(ann, kind="not-spam"), fbl)
    await room.bring(dsn(fbl, JO), fbl)
    unsubscribe = unsubscribe_address(room.settings, room.jo, room.at)
    await room.bring(arf(unsubscribe.partition("+")[2].partition("@")[0]), fbl)
    await room.bring(arf(ann), unsubscribe)
    assert await room.untouched()


async def test_a_mail_to_the_address_of_list_unsubscribe_unsubscribes(room: Mailroom) -> None:
    for _ in range(2):
        await room.bring(PERSONAL, unsubscribe_address(room.settings, room.jo, room.at), sender=JO)
    assert await room.rows("SELECT message_id, means FROM unsubscriptions") == [
        {"message_id": room.jo, "means": "mail"}
    ]
    assert await room.suppressed() == {JO: "unsubscribe"}


async def test_what_is_gone_is_taken_and_dropped(room: Mailroom, make: Factories) -> None:
    (other,) = await make.copies([CopySpec((await make.account()).id, 1, room.at, JO)])
    await room.rows(
        "UPDATE accounts SET deleted_at = now() WHERE id = (SELECT account_id FROM messages WHERE id = $1)", other
    )
    long_ago = room.at - timedelta(days=3000)
    for message_id, at in ((other, room.at), (room.jo, long_ago), (room.ann + 1000, room.at)):
        path = return_path(room.settings, message_id, at)
        assert (await room.bring(dsn(path), path)).startswith("250 ")
        assert (await room.bring(arf(token_of(room.settings, message_id, at)), path)).startswith("250 ")
        assert (await room.bring(PERSONAL, unsubscribe_address(room.settings, message_id, at))).startswith("250 ")
    assert await room.untouched()


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("bounces+aaaaaaaaaaaaaaaaaaaaaaaa@bounces.example.com", 550),
        ("nobody@bounces.example.com", 550),
        ("jo@example.org", 550),
        ("fbl@example.org", 550),
        ("fbl@dynrp.example.com", 550),
        ("fbl@BOUNCES.example.com.", 250),
    ],
)
async def test_recipients_are_checked(room: Mailroom, address: str, code: int) -> None:
    client = await Client.connect(room.port)
    await client.codes(b"EHLO x\r\nMAIL FROM:<>\r\n", 3)
    (reply,) = await client.say(f"RCPT TO:<{address}>\r\n".encode())
    client.close()
    assert reply.startswith(str(code))
    if code == 550:
        expected = "5.1.1 no such mailbox" if address.endswith("@bounces.example.com") else "5.7.1 relaying denied"
        assert reply == f"550 {expected}"


async def test_tokens_of_another_purpose_or_domain_are_refused(room: Mailroom) -> None:
    path = room.path(room.jo)
    token = token_of(room.settings, room.jo, room.at)
    mailbox = unsubscribe_address(room.settings, room.jo, room.at)
    client = await Client.connect(room.port)
    await client.codes(b"EHLO x\r\nMAIL FROM:<>\r\n", 3)
    for address in (
        f"unsubscribe+{token}@{room.settings.bounce_domain}",
        mailbox.replace("unsubscribe+", "bounces+"),
        path.replace("bounces.example.com", "example.com"),
        path.replace(token, "a" * len(token)).replace("bounces.example.com", "dynrp.example.com"),
        mailbox.replace("bounces.example.com", "dynrp.example.com"),
    ):
        assert await client.codes(f"RCPT TO:<{address}>\r\n".encode()) == ["550"], address
    client.close()


@pytest.mark.parametrize(
    "change", ["return_path_ok = true", "email = 'news@example.net'", "return_path_ok = false", "deleted_at = now()"]
)
async def test_a_customers_return_path_is_ours_whatever_became_of_its_sender(room: Mailroom, change: str) -> None:
    for value in ("return_path_ok = true", change):
        await room.rows(f"UPDATE senders SET {value} WHERE account_id = $1", room.account.id)  # noqa: S608
    path = room.path(room.jo).replace("bounces.example.com", "dynrp.Example.com")
    assert (await room.bring(dsn(path), path)).startswith("250 ")
    assert await room.bounced() == [room.jo]


async def test_too_many_mails_of_one_client_are_put_off(settings: Settings, engine: AsyncEngine) -> None:
    settings = settings.model_copy(update={"intake": Intake(port=0, mails_per_minute=2)})
    async with IntakeServer(settings, engine) as server:
        client = await Client.connect(server.port)
        await client.codes(b"EHLO x\r\n", 2)
        assert await client.codes(b"MAIL FROM:<>\r\nRSET\r\n" * 3, 6) == ["250", "250", "250", "250", "450", "250"]
        client.close()


async def test_without_a_database_mail_is_put_off(tmp_path: Path) -> None:
    settings = bare_settings(tmp_path).model_copy(update={"intake": Intake(port=0)})
    engine = make_engine(settings)
    at = datetime.now(UTC)
    path = return_path(settings, 1, at).encode()
    async with IntakeServer(settings, engine) as server:
        client = await Client.connect(server.port)
        await client.codes(b"EHLO x\r\n", 2)
        sent = b"MAIL FROM:<>\r\nRCPT TO:<" + path + b">\r\nDATA\r\n" + dsn(path.decode()) + b".\r\n"
        assert await client.codes(sent, 4) == ["250", "250", "354", "451"]
        client.close()
    await engine.dispose()
