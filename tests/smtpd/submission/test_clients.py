"""Programs' stock clients, from their call to what a receiving server gets."""

import asyncio
import contextlib
import email.policy
import random
import re
import smtplib
import ssl
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.mime.text import MIMEText
from pathlib import Path

import aiosmtplib
import httpx2

from app.core.messages import email_id
from app.settings import Settings
from tests.delivery.mailing import read
from tests.delivery.test_identities import sign
from tests.factories import Factories
from tests.factories.accounts import PASSWORD, MadeAccount
from tests.fixtures.smtp_server import client_context
from tests.mail import verifying
from tests.smtpd.submission.conftest import Ledger, Listening, Raw, Sink

BLOB = random.Random(5).randbytes(40_000)
LINK = '<html><body><a href="https://shop.example/a">A</a></body></html>\n'


def letter(to: str = "jo@example.org") -> EmailMessage:
    message = EmailMessage(policy=email.policy.SMTP)
    message["Received"] = "from inside (inside [10.0.0.1]) by relay"
    message["From"] = "News <news@example.com>"
    message["To"] = to
    message["Bcc"] = "hidden@example.org"
    message["X-Campaign"] = "<June>"
    message["Subject"] = "Grüße aus Köln"
    message["X-Order"] = "4711"
    message.set_content("Good day.\n.\n..\n")
    message.add_alternative(LINK, subtype="html")
    message.add_attachment(BLOB, maintype="application", subtype="pdf", filename="invoice.pdf")
    return message


async def test_django_and_smtplib_over_starttls_arrive_whole(
    listening: Listening, certificate: Path, account: MadeAccount, make: Factories, sink: Sink
) -> None:
    details = await sign(make, account.id, "news@example.com")

    def django(port: int) -> None:
        """What EMAIL_BACKEND smtp does with EMAIL_USE_TLS: connect, starttls, login, sendmail of octets, quit."""
        connection = smtplib.SMTP("localhost", port, local_hostname="web-1", timeout=20)
        connection.starttls(context=client_context())
        connection.login(account.username, PASSWORD)
        message = letter().as_bytes(policy=email.policy.SMTP)
        connection.sendmail("news@example.com", ["jo@example.org", "hidden@example.org"], message)
        connection.quit()

    async with listening(certificate_file=certificate, host="localhost") as submission:
        await asyncio.to_thread(django, submission.port)
    received = await sink.received(2)
    assert sorted(one.recipient for one in received) == ["hidden@example.org", "jo@example.org"]
    for got in received:
        octets = got.data.replace(b"\r\n..", b"\r\n.")
        assert verifying.verify(octets, {details.dkim_name or "": details.dkim_record or ""})
        message = read(got)
        names = [name for name in message if name not in {"DKIM-Signature", "X-Trireme-Message"}]
        assert names == [
            *("Received", "From", "To", "X-Campaign", "Subject", "X-Order", "MIME-Version", "Content-Type"),
            *("Date", "Message-ID", "Feedback-ID"),
        ]
        assert re.fullmatch(r"\d+:\d+:smtp:mail-1", message["Feedback-ID"])
        [attachment] = message.iter_attachments()
        assert attachment.get_content() == BLOB
        original, sent = letter().as_bytes(), octets
        assert sent.partition(b"\r\n\r\n")[2] == sized(original.partition(b"\r\n\r\n")[2], sent)


def sized(body: bytes, sent: bytes) -> bytes:
    """The body with the boundaries of another making of the same mail."""
    marks = list(dict.fromkeys(re.findall(rb"={15}\d+==", body)))
    theirs = list(dict.fromkeys(re.findall(rb"={15}\d+==", sent.partition(b"\r\n\r\n")[2])))
    for mark, other in zip(marks, theirs, strict=True):
        body = body.replace(mark, other)
    return body


async def test_aiosmtplib_pipelines_and_gets_the_email_id(
    listening: Listening, account: MadeAccount, ledger: Ledger, settings: Settings
) -> None:
    async with listening() as submission:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=submission.port, start_tls=False)
        async with client:
            await client.ehlo()
            assert client.supports_extension("smtputf8")
            await client.login(account.username, account.key)
            _, reply = await client.send_message(letter(), recipients=["jo@example.org"])
    [row] = await ledger.rows("SELECT id, accepted_at, kind, x_headers, mail_id FROM messages")
    named = email_id(row["accepted_at"], row["id"], settings.node_name)
    assert reply == f"2.0.0 Ok: queued as {named}"
    assert (row["kind"], row["x_headers"]) == ("smtp", {"X-Campaign": "June"})
    [mail] = await ledger.rows("SELECT headers, text, html, raw FROM mails")
    assert (mail["headers"], mail["text"], mail["html"]) == ([["Subject", "Grüße aus Köln"]], None, None)
    assert b"hidden@" not in mail["raw"]


async def test_nodemailers_conversation(listening: Listening, certificate: Path, account: MadeAccount) -> None:
    """Its stock conversation: EHLO, STARTTLS, EHLO, AUTH PLAIN, one command at a time, 8-bit text."""
    async with listening(certificate_file=certificate) as submission, await Raw.open(submission.port) as raw:
        raw.send("EHLO [127.0.0.1]\r\n")
        offered = await replies(raw)
        assert "STARTTLS" in offered
        assert (await raw.say("STARTTLS")).startswith("220")
        await raw.writer.start_tls(client_context(), server_hostname="localhost")
        raw.send("EHLO [127.0.0.1]\r\n")
        offered = await replies(raw)
        assert {"PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "AUTH PLAIN LOGIN"} <= offered
        assert "STARTTLS" not in offered
        assert (await raw.log_in(account.username, account.key)).startswith("235")
        text = "From: News <news@example.com>\r\nTo: jo@example.org\r\nSubject: x\r\n\r\n..Grüße\r\n.\r\n"
        assert (await raw.mail(text)).startswith("250 2.0.0 Ok: queued as ")
        assert (await raw.say("QUIT")).startswith("221")


async def replies(raw: Raw) -> set[str]:
    """The words of an answer to EHLO."""
    words: set[str] = set()
    while True:
        line = (await raw.reader.readline()).decode().rstrip()
        words.add(line[4:])
        if line[3:4] == " ":
            return words


async def test_tracking_follows_the_accounts_switches(
    listening: Listening, make: Factories, sink: Sink, ledger: Ledger
) -> None:
    tracked = await make.account(
        senders=["shop@example.com"], track_links=True, track_opens=True, track_unsubscribes=True
    )
    plain = await make.account(senders=["news@example.com"])

    def hand_over(port: int, account: MadeAccount, sender: str) -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
            client.login(account.username, account.key)
            message = letter()
            message.replace_header("From", sender)
            client.send_message(message, to_addrs=["jo@example.org", "ann@example.org"])

    async with listening() as submission:
        await asyncio.to_thread(hand_over, submission.port, tracked, "shop@example.com")
        await asyncio.to_thread(hand_over, submission.port, plain, "news@example.com")
    found: set[str] = set()
    for got in await sink.received(4):
        message = read(got)
        html = message.get_body(("html",))
        assert html is not None
        shown = html.get_content()
        [attachment] = message.iter_attachments()
        assert attachment.get_content() == BLOB
        if "shop@" in message["From"]:
            found |= set(re.findall(r"/t/[co]/(\w+)", shown))
            assert "List-Unsubscribe=One-Click" in message["List-Unsubscribe-Post"]
        else:
            assert shown.replace("\r\n", "\n") == LINK
            assert message["List-Unsubscribe"] is None
    assert len(found) == 4
    rows = await ledger.rows("SELECT tracking, links FROM mails ORDER BY id")
    assert [tuple(row.values()) for row in rows] == [(7, ["https://shop.example/a"]), (0, None)]


def span() -> dict[str, str]:
    """An hour before now to an hour after it, as the classic metrics take it."""
    now = datetime.now(UTC)
    return {
        name: str(int((now + timedelta(hours=step)).timestamp()))
        for name, step in (("start_time", -1), ("end_time", 1))
    }


async def test_it_stands_in_the_reports_as_smtp(
    listening: Listening, account: MadeAccount, client: httpx2.AsyncClient
) -> None:
    def hand_over(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as smtp:
            smtp.login(account.username, PASSWORD)
            message = MIMEText("Hello", _charset="utf-8")
            message["From"], message["To"], message["Subject"] = "news@example.com", "jo@example.org", "Plain"
            smtp.send_message(message)

    async with listening() as submission:
        await asyncio.to_thread(hand_over, submission.port)
    headers = {"Authorization": f"Bearer {account.key}"}
    native = (await client.get("/api/trireme/v1/messages", headers=headers)).json()
    [item] = native["data"]
    assert (item["kind"], item["subject"], item["recipient"]) == ("smtp", "Plain", "jo@example.org")
    query = {"apikey": account.key, "user_id": str(account.id), **span()}
    [classic] = (await client.get("/emails", params=query)).json()["data"]
    assert classic["email_id"] == item["email_id"]


async def test_a_client_that_hangs_up_before_its_answer_has_cancelled_nothing(
    listening: Listening, account: MadeAccount, ledger: Ledger
) -> None:
    async with listening() as submission:
        raw = await Raw.open(submission.port)
        await raw.log_in(account.username, account.key)
        for line in ("MAIL FROM:<news@example.com>", "RCPT TO:<jo@example.org>", "DATA"):
            await raw.say(line)
        raw.send("From: news@example.com\r\n\r\nHi\r\n.\r\n")
        await raw.writer.drain()
        raw.writer.write_eof()
        assert (await raw.reply()).startswith("250")
        raw.writer.close()
    assert await ledger.count() == 1


async def test_one_group_of_commands_may_come_at_once(
    listening: Listening, account: MadeAccount, ledger: Ledger
) -> None:
    async with listening() as submission, await Raw.open(submission.port) as raw:
        await raw.log_in(account.username, account.key)
        for _ in range(20):
            raw.send("MAIL FROM:<news@example.com> BODY=8BITMIME\r\nRCPT TO:<jo@example.org>\r\nDATA\r\n")
            assert [(await raw.reply())[:3] for _ in range(3)] == ["250", "250", "354"]
            raw.send("From: news@example.com\r\nSubject: x\r\n\r\nHi\r\n.\r\n")
            assert (await raw.reply()).startswith("250")
    assert await ledger.count() == 20


async def test_tls_is_refused_in_the_middle_of_other_commands(listening: Listening, certificate: Path) -> None:
    async with listening(certificate_file=certificate) as submission, await Raw.open(submission.port) as raw:
        await raw.say("EHLO x")
        raw.send("STARTTLS\r\nMAIL FROM:<a@b.example>\r\n")
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            assert (await raw.reply()).startswith("5")
