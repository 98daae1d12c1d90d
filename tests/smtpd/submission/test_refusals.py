"""What is refused, in which words, and what is recorded of it."""

import asyncio
import base64
import time

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import accounts
from app.core.accounts import Scope
from app.db.unit_of_work import unit_of_work
from app.settings import Quota, Send, Settings
from app.smtpd.limits import Limits
from app.smtpd.submission.process import SubmissionServer
from tests.factories import Factories
from tests.factories.accounts import PASSWORD, MadeAccount
from tests.smtpd.submission.conftest import Ledger, Listening, Opening, Raw

GOOD = "From: News <news@example.com>\r\nTo: jo@example.org\r\nSubject: Hi\r\n\r\nGood day.\r\n.\r\n"


async def test_nobody_sends_without_logging_in(submission: SubmissionServer, ledger: Ledger) -> None:
    async with await Raw.open(submission.port) as raw:
        await raw.say("EHLO client.example")
        assert (await raw.mail(GOOD)).startswith("530 5.7.0")
    assert await ledger.count() == 0


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
async def test_password_and_key_log_in(submission: SubmissionServer, account: MadeAccount, mechanism: str) -> None:
    for secret in (PASSWORD, account.key, PASSWORD):
        async with await Raw.open(submission.port) as raw:
            await raw.say("EHLO client.example")
            if mechanism == "PLAIN":
                assert await raw.say("AUTH PLAIN") == "334 "
                word = f"\0{account.username.upper()}\0{secret}"
                reply = await raw.say(base64.b64encode(word.encode()).decode())
            else:
                await raw.say("AUTH LOGIN")
                await raw.say(base64.b64encode(account.username.encode()).decode())
                reply = await raw.say(base64.b64encode(secret.encode()).decode())
            assert reply.startswith("235 2.7.0")
            assert (await raw.mail(GOOD)).startswith("250 2.0.0 Ok: queued as ")


async def test_wrong_secrets_do_not_log_in(submission: SubmissionServer, account: MadeAccount, make: Factories) -> None:
    other = await make.account()
    reader = await make.api_key(account.id, Scope.READ)
    sender = await make.api_key(account.id, Scope.SEND)
    wrong: tuple[tuple[str, str], ...] = (
        (account.username, "no"),
        (account.username, other.key),
        ("nobody@x.example", PASSWORD),
    )
    wrong += ((other.username, account.key), (account.username, reader), (account.username, ""))
    for username, secret in wrong:
        async with await Raw.open(submission.port) as raw:
            assert (await raw.log_in(username, secret))[:3] in {"535", "501"}
            assert (await raw.mail(GOOD)).startswith("530")
    async with await Raw.open(submission.port) as raw:
        assert (await raw.log_in(account.username, sender)).startswith("235")


async def test_after_many_failures_a_client_has_to_wait(listening: Listening, account: MadeAccount) -> None:
    async with listening(failed_logins=3) as server, await Raw.open(server.port) as raw:
        replies = [await raw.log_in(account.username, f"wrong {number}") for number in range(3)]
        assert [reply[:3] for reply in replies] == ["535"] * 3
        assert (await raw.log_in(account.username, PASSWORD)).startswith("454 4.7.0")


async def test_many_attempts_at_once_are_no_way_around(listening: Listening, account: MadeAccount) -> None:
    async with listening(failed_logins=3) as server:

        async def attempt(number: int) -> str:
            async with await Raw.open(server.port) as raw:
                return (await raw.log_in(account.username, f"wrong {number}"))[:3]

        replies = await asyncio.gather(*map(attempt, range(12)))
    assert sorted(replies) == ["454"] * 9 + ["535"] * 3


async def test_many_good_logins_at_once_are_no_failures(listening: Listening, account: MadeAccount) -> None:
    async with listening(failed_logins=2) as server:

        async def log_in(secret: str) -> str:
            async with await Raw.open(server.port) as raw:
                return (await raw.log_in(account.username, secret))[:3]

        assert set(await asyncio.gather(*map(log_in, [PASSWORD, account.key] * 10))) == {"235"}


async def test_a_key_that_is_revoked_sends_nothing_more(
    listening: Listening, account: MadeAccount, engine: AsyncEngine, make: Factories
) -> None:
    key = await make.api_key(account.id, Scope.SEND)
    async with listening() as server, await Raw.open(server.port) as raw:
        assert (await raw.log_in(account.username, key)).startswith("235")
        assert (await raw.mail(GOOD)).startswith("250")
        async with unit_of_work(engine) as write:
            [row] = [one for one in await accounts.list_keys(write, account.id) if not one.is_primary]
            await accounts.revoke_key(write, account.id, row.id)
        reply = await raw.mail(GOOD)
        assert reply.startswith("530 5.7.0")
        assert (await raw.mail(GOOD)).startswith("530 5.7.0")


@pytest.mark.parametrize(
    "sender",
    [
        "From: stranger@example.com\r\n",
        "From: theirs@example.net\r\n",
        "From: news@example.com, theirs@example.net\r\n",
        "From: news@example.com\r\nFrom: theirs@example.net\r\n",
        "From: nobody\r\n",
        "Sender: news@example.com\r\n",
        "from: theirs@example.net\r\nX: y\r\n",
    ],
)
async def test_from_has_to_be_an_approved_sender(
    logged_in: Opening, make: Factories, ledger: Ledger, sender: str
) -> None:
    await make.account(senders=["theirs@example.net"])
    async with logged_in() as raw:
        reply = await raw.mail(f"{sender}Subject: x\r\nX-Campaign: June\r\n\r\nHi\r\n.\r\n", "jo@example.org")
        assert reply == "550 5.7.1 Error: sender is not approved"
        assert (await raw.mail(GOOD)).startswith("250")
    assert await ledger.issues() == [("unapprovedsender", "jo@example.org", "550 5.7.1 Error: sender is not approved")]
    assert (await ledger.rows("SELECT x_headers FROM issues"))[0]["x_headers"] == {"X-Campaign": "June"}


async def test_recipients_are_counted_and_checked(listening: Listening, account: MadeAccount, ledger: Ledger) -> None:
    limit = Send(max_recipients=3)
    async with listening(send=limit) as server, await Raw.open(server.port) as raw:
        await raw.log_in(account.username, account.key)
        await raw.say("MAIL FROM:<a@b.example>")
        replies = [await raw.say(f"RCPT TO:<{one}>") for one in ("x@y.example", "none", "X@Y.example", "z@y.example")]
        replies += [await raw.say(f"RCPT TO:<more{number}@y.example>") for number in range(2)]
        assert [reply[:9] for reply in replies] == [
            "250 2.1.5", "501 5.1.3", "250 2.1.5", "452 4.5.3", "452 4.5.3", "452 4.5.3",
        ]  # fmt: skip
        await raw.say("DATA")
        raw.send(GOOD)
        assert (await raw.reply()).startswith("250")
    assert await ledger.issues() == [
        ("invalidrecipient", "none", "501 5.1.3 Error: bad recipient address syntax"),
        ("toomanyrecipients", "z@y.example", "452 4.5.3 Error: too many recipients"),
    ]
    assert [row["recipient"] for row in await ledger.rows("SELECT recipient FROM messages")] == ["x@y.example"]


async def test_quota_and_size(listening: Listening, account: MadeAccount, ledger: Ledger) -> None:
    limits = Limits(message_bytes=2_000)
    async with listening(limits, quota=Quota(default_monthly=2)) as server, await Raw.open(server.port) as raw:
        await raw.log_in(account.username, account.key)
        too_large = "552 5.3.4 Error: message size exceeds fixed limit"
        assert await raw.say("MAIL FROM:<news@example.com> SIZE=2001") == too_large
        assert await raw.mail(GOOD.replace("day", "day" * 1000)) == too_large
        assert (await raw.mail(GOOD)).startswith("250")
        reply = await raw.mail(GOOD, "a@example.org", "b@example.org")
        assert reply == "452 4.3.1 Error: sending limit reached"
    assert [issue[0] for issue in await ledger.issues()] == ["toolarge", "toolarge", "limitreached"]
    assert await ledger.count() == 1


async def test_nothing_is_smuggled_behind_a_mail(logged_in: Opening, ledger: Ledger) -> None:
    inner = "MAIL FROM:<x@y.example>\r\nRCPT TO:<z@y.example>\r\nDATA\r\nFrom: news@example.com\r\n\r\nsmuggled\r\n"
    for end in ("\n.\n", "\n.\r\n", "\r.\r", "\r\n.\n", "\r\n.\r", "\r.\r\n"):
        async with logged_in() as raw:
            reply = await raw.mail(f"From: news@example.com\r\nSubject: x\r\n\r\nHi{end}{inner}\r\n.\r\n")
            assert reply == "554 5.6.0 Error: bare CR or LF in the message"
            assert (await raw.say("NOOP")).startswith("250")  # nothing else was taken for commands
    assert await ledger.count() == 0
    assert {issue[0] for issue in await ledger.issues()} == {"invalidmessage"}


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        ("Subject\r\n", "header section can not be read"),
        ("Bcc : x@y.example\r\n", "header section can not be read"),
        ("X: y\r\n" * 3000, "too many header fields"),
        ("X: " + "y" * 5000 + "\r\n", "header line too long"),
        ("X: " + "y z" * 200_000 + "\r\n", "header section too large"),
        ("Content-Type: multipart/mixed; boundary=b\r\n\r\n" + "--b\r\n\r\nx\r\n" * 10_000, "too many body parts"),
    ],
)
async def test_hostile_mails_are_refused_and_the_session_goes_on(
    logged_in: Opening, ledger: Ledger, head: str, reason: str
) -> None:
    async with logged_in() as raw:
        reply = await raw.mail(f"From: news@example.com\r\n{head}\r\nHi\r\n.\r\n")
        assert reply == f"554 5.6.0 Error: {reason}"
        assert (await raw.mail(GOOD)).startswith("250")
    assert await ledger.issues() == [("invalidmessage", "jo@example.org", reply)]


async def test_without_tls_a_stranger_can_not_log_in(listening: Listening, account: MadeAccount) -> None:
    async with listening() as server, await Raw.open(server.port) as raw:
        from app.smtpd.submission import desk  # noqa: PLC0415 the test's own machine is always near

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(desk, "_is_loopback", lambda _: False)
            assert (await raw.log_in(account.username, account.key)).startswith("5")
            assert "STARTTLS" in await raw.mail(GOOD)


async def test_without_postgresql_a_mail_is_put_off(
    settings: Settings, engine: AsyncEngine, account: MadeAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.core.messages.batcher.PATIENCE_SECONDS", 0.2)
    async with SubmissionServer(settings, engine) as server, await Raw.open(server.port) as raw:
        await raw.log_in(account.username, account.key)
        assert (await raw.mail(GOOD)).startswith("250")

        async def away(_: object) -> None:
            raise ConnectionRefusedError

        monkeypatch.setattr("app.db.engine.KeptConnection.get", away)
        assert (await raw.mail(GOOD)).startswith("451 4.3.0")


async def test_a_suppressed_recipient_does_not_change_the_answer(
    logged_in: Opening, account: MadeAccount, make: Factories, ledger: Ledger
) -> None:
    await make.suppression(account.id, "gone@example.org")
    async with logged_in() as raw:
        assert (await raw.mail(GOOD, "gone@example.org", "jo@example.org")).startswith("250 2.0.0")
    rows = await ledger.rows("SELECT recipient, state, kind FROM messages ORDER BY id")
    assert [tuple(row.values()) for row in rows] == [
        ("gone@example.org", "blocked", "smtp"),
        ("jo@example.org", "queued", "smtp"),
    ]


async def test_a_password_is_hashed_once_and_a_changed_one_counts_at_once(
    submission: SubmissionServer, account: MadeAccount, engine: AsyncEngine
) -> None:
    async with await Raw.open(submission.port) as raw:
        assert (await raw.log_in(account.username, PASSWORD)).startswith("235")
    hashed = await accounts.hash_password("another password")
    async with unit_of_work(engine) as write:
        row = await accounts.find_by_username(write, account.username)
        assert row is not None
        row.password_hash = hashed
    async with await Raw.open(submission.port) as raw:
        assert (await raw.log_in(account.username, PASSWORD)).startswith("535")
        began = time.perf_counter()
        assert (await raw.log_in(account.username, "another password")).startswith("235")
        assert time.perf_counter() - began < 10
