"""What a session takes and refuses, over a socket."""

import aiosmtplib
import pytest

from app.smtpd.limits import Limits
from tests.smtpd.talking import Recorder, listening, mail, talking

HELLO = b"Subject: Hello\r\n\r\nHello\r\n"
LONG = b"x" * 3000


async def test_an_ordinary_client_is_served() -> None:
    service = Recorder()
    async with (
        listening(service) as server,
        aiosmtplib.SMTP(hostname="127.0.0.1", port=server.port, start_tls=False) as client,
    ):
        await client.sendmail("a@example.com", ["b@example.org", "c@example.org"], HELLO + b".dot\r\n..dots\r\n")
    (got,) = service.mails
    assert (got.sender, got.recipients) == ("a@example.com", ("b@example.org", "c@example.org"))
    assert got.raw == HELLO + b".dot\r\n..dots\r\n"
    assert (got.size, got.cut) == (len(got.raw), False)


async def test_ehlo_offers_what_is_supported() -> None:
    async with talking(Limits(message_bytes=5000)) as (client, _):
        (reply,) = await client.say(b"EHLO client.example\r\n")
    offered = {line[4:] for line in reply.split("|")[1:]}
    assert offered == {"PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 5000", "ENHANCEDSTATUSCODES"}


async def test_transactions_may_be_pipelined_whole() -> None:
    async with talking() as (client, service):
        assert await client.codes(mail(HELLO) * 50 + b"QUIT\r\n", 201) == ["250", "250", "354", "250"] * 50 + ["221"]
    assert [got.raw for got in service.mails] == [HELLO] * 50


async def test_bytes_may_come_one_by_one() -> None:
    async with talking() as (client, service):
        for byte in mail(HELLO + b"..\r\n"):
            client.writer.write(bytes([byte]))
            await client.writer.drain()
        assert [await client.reply() for _ in range(4)] == [
            "250 2.1.0 OK", "250 2.1.5 OK", "354 end with <CRLF>.<CRLF>", "250 2.0.0 kept",
        ]  # fmt: skip
    assert [got.raw for got in service.mails] == [HELLO + b".\r\n"]


async def test_an_empty_mail_is_a_mail() -> None:
    async with talking() as (client, service):
        assert await client.codes(mail(b""), 4) == ["250", "250", "354", "250"]
    assert [got.raw for got in service.mails] == [b""]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"FOO\r\n", "500"),
        (b"\r\n", "500"),
        (b"MAIL\r\n", "501"),
        (b"MAIL FROM:a@example.com\r\n", "501"),
        (b"MAIL TO:<a@example.com>\r\n", "501"),
        (b"MAIL FROM:<a b@example.com>\r\n", "501"),
        (b"MAIL FROM:<" + b"a" * 300 + b"@example.com>\r\n", "501"),
        (b"MAIL FROM:<a@example.com> RET=FULL\r\n", "555"),
        (b"MAIL FROM:<a@example.com> SIZE=99999999999\r\n", "552"),
        (b"MAIL FROM:<a@example.com> SIZE=x\r\n", "555"),
        ("MAIL FROM:<ä@example.com>\r\n".encode(), "553"),
        (b"MAIL FROM:<crash@example.com>\r\n", "451"),
        (b"RCPT TO:<b@example.org>\r\n", "503"),
        (b"DATA\r\n", "503"),
        (b"DATA now\r\n", "501"),
        (b"STARTTLS\r\n", "503"),
        (b"AUTH PLAIN AGEAYg==\r\n", "503"),
        (b"NOOP " + LONG + b"\r\n", "500"),
        (b"NOOP \xff\xfe\r\n", "500"),
    ],
)
async def test_what_is_wrong_is_refused_and_the_session_goes_on(sent: bytes, code: str) -> None:
    async with talking() as (client, service):
        assert await client.codes(sent) == [code]
        assert await client.codes(mail(HELLO), 4) == ["250", "250", "354", "250"]
    assert len(service.mails) == 1


async def test_mail_needs_a_hello_and_no_mail_under_way() -> None:
    service = Recorder()
    async with listening(service) as server, talking(service=service) as (client, _):
        assert await client.codes(b"MAIL FROM:<>\r\nMAIL FROM:<>\r\nRSET\r\nMAIL FROM:<>\r\n", 4) == [
            "250", "503", "250", "250",
        ]  # fmt: skip
        fresh = await type(client).connect(server.port)
        await fresh.line()
        assert await fresh.codes(b"MAIL FROM:<>\r\n") == ["503"]
        fresh.close()


async def test_recipients_are_bounded_and_refused_ones_left_out() -> None:
    async with talking(Limits(recipients=2)) as (client, service):
        await client.codes(b"MAIL FROM:<>\r\n")
        for address, code in (("nobody@x.example", "550"), ("b@x.example", "250"), ("c@x.example", "250")):
            assert await client.codes(f"RCPT TO:<{address}>\r\n".encode()) == [code]
        assert await client.codes(b"RCPT TO:<d@x.example>\r\n") == ["452"]
        assert await client.codes(b"DATA\r\n" + HELLO + b".\r\n", 2) == ["354", "250"]
    assert service.mails[0].recipients == ("b@x.example", "c@x.example")


async def test_a_source_route_is_ignored_and_quotes_are_kept() -> None:
    async with talking() as (client, service):
        await client.codes(b'MAIL FROM:<>\r\nRCPT TO:<@relay.example:"b c"@example.org>\r\nDATA\r\n.\r\n', 4)
    assert service.mails[0].recipients == ('"b c"@example.org',)


async def test_an_address_with_utf8_needs_smtputf8() -> None:
    sent = "MAIL FROM:<ä@example.com> SMTPUTF8 BODY=8BITMIME\r\nRCPT TO:<ö@example.org>\r\nDATA\r\nä\r\n.\r\n".encode()
    async with talking() as (client, service):
        assert await client.codes(sent, 4) == ["250", "250", "354", "250"]
    assert (service.mails[0].sender, service.mails[0].utf8) == ("ä@example.com", True)


@pytest.mark.parametrize("size", [4999, 5000])
async def test_a_mail_of_the_largest_size_is_taken(size: int) -> None:
    async with talking(Limits(message_bytes=5000)) as (client, service):
        assert (await client.codes(mail(b"x" * (size - 2) + b"\r\n"), 4))[3] == "250"
    assert service.mails[0].size == size


async def test_a_larger_mail_is_refused_and_the_next_taken() -> None:
    async with talking(Limits(message_bytes=300_000)) as (client, service):
        for size in (299_999, 400_000):
            assert (await client.codes(mail(b"x" * size + b"\r\n"), 4))[3] == "552"
        assert (await client.codes(mail(HELLO), 4))[3] == "250"
    assert [got.raw for got in service.mails] == [HELLO]


async def test_only_the_beginning_is_kept_when_told_so() -> None:
    async with talking(Limits(kept_bytes=1000)) as (client, service):
        assert (await client.codes(mail(b"y" * 500_000 + b"\r\n"), 4))[3] == "250"
    (got,) = service.mails
    assert (got.raw, got.size, got.cut) == (b"y" * 1000, 500_002, True)


async def test_all_sessions_share_a_budget_and_give_it_back() -> None:
    limits = Limits(buffered_bytes=200_000)
    async with talking(limits) as (client, service):
        for _ in range(3):
            assert (await client.codes(mail(b"z" * 300_000 + b"\r\n"), 4))[3] == "452"
            assert (await client.codes(mail(b"z" * 150_000 + b"\r\n"), 4))[3] == "250"
    assert len(service.mails) == 3


async def test_a_crash_of_the_service_is_451_and_the_session_goes_on() -> None:
    async with talking() as (client, service):
        assert (await client.codes(mail(b"crash\r\n"), 4))[3] == "451"
        assert (await client.codes(mail(HELLO), 4))[3] == "250"
    assert len(service.mails) == 1


async def test_a_client_that_sends_everything_and_stops_writing_is_answered() -> None:
    async with talking() as (client, service):
        client.writer.write(mail(HELLO))
        client.writer.write_eof()
        assert [line[:3] for line in await client.rest()] == ["250", "250", "354", "250"]
    assert len(service.mails) == 1


async def test_auth_plain_and_login() -> None:
    service = Recorder()
    service.login_offered = True
    async with talking(service=service) as (client, _):
        (hello,) = await client.say(b"EHLO client.example\r\n")
        assert "AUTH PLAIN LOGIN" in hello
        assert await client.say(b"AUTH CRAM-MD5\r\n") == ["504 5.5.4 unknown mechanism"]
        assert await client.codes(b"AUTH PLAIN !!!\r\nAUTH PLAIN AGEA\r\n", 2) == ["501", "535"]
        assert await client.say(b"AUTH LOGIN\r\n") == ["334 VXNlcm5hbWU6"]
        assert await client.say(b"am9AZXhhbXBsZS5jb20=\r\n") == ["334 UGFzc3dvcmQ6"]
        assert await client.codes(b"*\r\n") == ["501"]
        assert await client.codes(b"AUTH PLAIN\r\nAGpvAHJpZ2h0\r\n", 2) == ["334", "235"]
        assert await client.codes(b"AUTH PLAIN AGpvAHJpZ2h0\r\n") == ["503"]
    assert service.logins[-1] == ("jo", "right")
