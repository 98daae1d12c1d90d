"""Clients that mean harm: smuggling, floods, endless lines, silence. Nothing gets through, and the listener goes on."""

import asyncio

import pytest

from app.smtpd.limits import Limits
from tests.smtpd.talking import Client, Recorder, listening, mail, talking

HELLO = b"Subject: Hello\r\n\r\nHello\r\n"
SMUGGLED = b"MAIL FROM:<evil@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nsmuggled\r\n.\r\n"
ENDS = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r.\r",
    b"\r\n.\n",
    b"\r\n.\r",
    b"\r.\r\n",
    b"\n.\r",
    b"\r\n\x00.\r\n",
    b"\r\r\n.\r\n\n",
]


@pytest.mark.parametrize("end", ENDS)
async def test_only_crlf_dot_crlf_ends_a_mail(end: bytes) -> None:
    async with talking() as (client, service):
        replies = await client.codes(
            b"MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nhello" + end + SMUGGLED, 4
        )
        assert replies[:3] == ["250", "250", "354"]
        # Refused as a whole for its bare CR or LF; one end here is none at all, and then it is all one mail.
        assert replies[3] == ("250" if b"\x00" in end else "550")
    assert [got.sender for got in service.mails] in ([], ["a@example.com"])
    assert b"evil" not in b"".join(got.sender.encode() for got in service.mails)


@pytest.mark.parametrize("place", [10, 131_070, 131_071, 131_072, 131_073, 131_074, 262_143, 299_990])
@pytest.mark.parametrize("bare", [b"\r", b"\n"])
async def test_a_bare_line_end_is_seen_wherever_the_mail_was_cut(place: int, bare: bytes) -> None:
    content = bytearray(b"0123456789abcd\r\n" * 18_750)
    while any(byte in b"\r\n" for byte in content[place - 1 : place + 2]):
        place += 1
    content[place : place + 1] = bare
    async with talking() as (client, service):
        assert (await client.codes(mail(bytes(content)), 4))[3] == "550"
        assert (await client.codes(mail(bytes(content).replace(b"\r\n", b"").replace(bare, b"") + b"\r\n"), 4))[
            3
        ] == "250"
    assert len(service.mails) == 1


@pytest.mark.parametrize(
    "sent", [b"NOOP\n", b"NOOP\rQUIT\r\n", b"MAIL FROM:<a@example.com>\nRCPT TO:<b@c.example>\r\n"]
)
async def test_a_bare_line_end_in_a_command_ends_the_session(sent: bytes) -> None:
    async with talking() as (client, _):
        client.writer.write(sent)
        assert await client.rest() == ["521 5.5.2 bare CR or LF in a command"]


async def test_a_browser_is_sent_away() -> None:
    service = Recorder()
    async with listening(service) as server:
        client = await Client.connect(server.port)
        client.writer.write(b"POST / HTTP/1.1\r\nHost: mx\r\n\r\nEHLO x\r\n" + mail(HELLO))
        assert [line[:3] for line in await client.rest()] == ["220", "521"]
        client.close()
    assert service.mails == []


async def test_ten_thousand_commands_end_early() -> None:
    async with talking(Limits(idle_commands=100)) as (client, _):
        client.writer.write(b"NOOP\r\n" * 10_000)
        lines = await client.rest()
    assert len(lines) <= 100
    assert lines[-1].startswith("421 4.7.0")


async def test_mistakes_and_commands_are_counted() -> None:
    async with talking(Limits(mistakes=5)) as (client, _):
        client.writer.write(b"FOO\r\n" * 9)
        assert [line[:3] for line in await client.rest()] == ["500"] * 5 + ["421"]
    async with talking(Limits(commands=10)) as (client, service):
        client.writer.write(mail(HELLO) * 9)
        assert (await client.rest())[-1] == "421 4.7.0 too many commands"
    assert len(service.mails) == 3


async def test_guessing_recipients_ends_the_session() -> None:
    async with talking(Limits(mistakes=20)) as (client, _):
        client.writer.write(b"MAIL FROM:<>\r\n" + b"RCPT TO:<nobody@example.org>\r\n" * 100)
        lines = await client.rest()
    assert len(lines) == 22


async def test_a_line_without_end_ends_the_session() -> None:
    async with talking() as (client, _):
        client.writer.write(b"A" * 1_000_000)
        assert (await client.rest())[-1:] in (["500 5.5.6 line too long"], [])


@pytest.mark.parametrize("sent", [b"", b"NOO", b"MAIL FROM:<>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nnot the end"])
async def test_silence_ends_the_session(sent: bytes) -> None:
    async with talking(Limits(command_seconds=0.2)) as (client, service):
        client.writer.write(sent)
        assert (await client.rest())[-1] == "421 4.4.2 too slow"
    assert service.mails == []


async def test_a_trickle_ends_the_session() -> None:
    async with talking(Limits(command_seconds=0.3, content_seconds=0.6)) as (client, _):
        ended = asyncio.create_task(client.rest())
        begun = asyncio.get_running_loop().time()
        while not ended.done():
            client.writer.write(b"x")  # never a whole command, never silent
            await asyncio.wait([ended], timeout=0.05)
        assert asyncio.get_running_loop().time() - begun < 5
    async with talking(Limits(command_seconds=0.5, content_seconds=0.6)) as (client, service):
        await client.codes(b"MAIL FROM:<>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n", 3)
        ended = asyncio.create_task(client.rest())
        while not ended.done():
            client.writer.write(b"x\r\n")
            await asyncio.wait([ended], timeout=0.05)
        assert ended.result()[-1:] in (["421 4.4.2 too slow"], [])
    assert service.mails == []


async def test_a_session_ends_in_time_whatever_it_does() -> None:
    async with talking(Limits(session_seconds=0.4)) as (client, _):
        ended = asyncio.create_task(client.rest())
        while not ended.done():
            client.writer.write(mail(HELLO))
            await asyncio.wait([ended], timeout=0.02)
        assert ended.result()[-1:] in (["421 4.4.2 too slow"], [])


async def test_a_client_that_does_not_read_ends_in_time() -> None:
    service = Recorder()
    async with listening(service, Limits(command_seconds=0.3, idle_commands=10**9)) as server:
        client = await Client.connect(server.port)
        client.reader._transport.pause_reading()  # type: ignore[attr-defined]  # there is no public way
        for _ in range(400):
            client.writer.write(b"VRFY x\r\n" * 5000)
            try:
                await asyncio.wait_for(client.writer.drain(), 0.05)
            except (TimeoutError, ConnectionError):
                if not server.sessions:
                    break
        async with asyncio.timeout(10):
            while server.sessions:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        client.writer.transport.abort()


async def test_floods_of_connections_are_kept_out_and_others_served() -> None:
    service = Recorder()
    async with listening(service, Limits(connections=30, connections_per_address=20)) as server:
        clients = await asyncio.gather(*(Client.connect(server.port) for _ in range(100)))
        greetings = await asyncio.gather(*(client.line() for client in clients))
        assert sum(line.startswith("220") for line in greetings) == 20
        assert sum(line.startswith("421 4.7.0") for line in greetings) == 80
        for client in clients:
            client.close()
        async with asyncio.timeout(10):
            while server.sessions:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        late = await Client.connect(server.port)
        assert (await late.line()).startswith("220")
        late.close()
