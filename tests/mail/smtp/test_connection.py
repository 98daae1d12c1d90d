"""One session, against a real server that can misbehave, with and without PIPELINING."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.mail.smtp.outcome import Status
from app.mail.smtp.pipelined import LARGE
from tests.fixtures.smtp_server import DROP, EXTENSIONS, STALL, SmtpServer, reply_and_drop
from tests.mail.smtp.kit import DATA, job, open_to, route_to

PLAIN = tuple(word for word in EXTENSIONS if word != "PIPELINING")


@pytest.fixture(params=[EXTENSIONS, PLAIN], ids=["pipelined", "sequential"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[SmtpServer]:
    async with SmtpServer(extensions=request.param) as running:
        yield running


async def test_a_message_arrives_as_it_was_given(server: SmtpServer) -> None:
    connection = await open_to(route_to(server))
    outcome = await connection.send(job())
    assert (outcome.status, outcome.code, outcome.enhanced) == (Status.DELIVERED, 250, "2.0.0")
    assert (outcome.reply, outcome.host) == ("250 2.0.0 Ok: queued", "sink.example")
    assert outcome.duration_ms >= 0
    [message] = server.messages
    assert (message.mail_from, message.recipients, message.data) == ("bounces@example.com", ["jo@example.org"], DATA)
    assert message.mail_options == f"SIZE={len(DATA)}"
    assert "EHLO mail.example.com" in server.commands
    connection.close()


async def test_many_messages_share_a_session(server: SmtpServer) -> None:
    connection = await open_to(route_to(server))
    for number in range(5):
        assert (await connection.send(job(f"r{number}@example.org"))).status == Status.DELIVERED
    assert [message.recipient for message in server.messages] == [f"r{n}@example.org" for n in range(5)]
    assert server.connections == 1
    connection.close()
    assert not connection.usable


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "dot"])
@pytest.mark.parametrize(
    ("reply", "status"), [("550 5.1.1 No such user", Status.REJECTED), ("451 4.3.0 Later", Status.DEFERRED)]
)
async def test_a_refusal_at_any_stage_is_an_outcome_and_the_session_goes_on(
    server: SmtpServer, stage: str, reply: str, status: Status
) -> None:
    server.on(stage, reply, times=1)
    connection = await open_to(route_to(server))
    outcome = await connection.send(job())
    assert (outcome.status, outcome.reply, outcome.enhanced) == (status, reply, reply.split()[1])
    assert not connection.was_stale
    assert (await connection.send(job("b@example.org"))).status == Status.DELIVERED
    assert [message.recipient for message in server.messages] == ["b@example.org"]
    assert server.connections == 1
    connection.close()


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "body"])
async def test_a_connection_lost_before_the_dot_is_deferred(server: SmtpServer, stage: str) -> None:
    server.on(stage, DROP)
    connection = await open_to(route_to(server))
    outcome = await connection.send(job(data=DATA + b"x\r\n" * (64 * LARGE // 3)))
    expected = Status.IN_DOUBT if stage == "body" and "PIPELINING" not in server.extensions else Status.DEFERRED
    assert (outcome.status, outcome.code, outcome.enhanced) == (expected, 0, "4.4.2")
    assert not connection.usable
    assert not connection.was_stale  # the first message of a session is not tried again
    assert server.messages == []


async def test_a_connection_lost_after_the_dot_is_in_doubt(server: SmtpServer) -> None:
    server.on("dot", DROP)
    connection = await open_to(route_to(server))
    outcome = await connection.send(job())
    assert (outcome.status, outcome.code, outcome.enhanced) == (Status.IN_DOUBT, 0, "4.4.2")


async def test_silence_after_the_dot_is_in_doubt_and_before_it_deferred(server: SmtpServer) -> None:
    server.on("dot", STALL, times=1)
    server.on("rcpt", STALL, match="slow@")
    for recipient, status, code in (
        ("jo@example.org", Status.IN_DOUBT, "4.4.2"),
        ("slow@example.org", Status.DEFERRED, "4.4.1"),
    ):
        connection = await open_to(route_to(server), reply_timeout=0.2)
        outcome = await connection.send(job(recipient))
        assert (outcome.status, outcome.enhanced) == (status, code)
        assert not connection.usable


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "dot"])
async def test_421_is_deferred_and_ends_the_session(server: SmtpServer, stage: str) -> None:
    server.on(stage, reply_and_drop("421 4.3.2 Going down"))
    connection = await open_to(route_to(server))
    outcome = await connection.send(job())
    assert (outcome.status, outcome.code, outcome.enhanced) == (Status.DEFERRED, 421, "4.3.2")
    assert not connection.usable


async def test_a_session_closed_between_messages_is_stale(server: SmtpServer) -> None:
    connection = await open_to(route_to(server))
    assert (await connection.send(job())).status == Status.DELIVERED
    server.on("mail", reply_and_drop("421 4.4.2 Idle too long"))
    outcome = await connection.send(job())
    assert outcome.status == Status.DEFERRED
    assert connection.was_stale
    connection = await open_to(route_to(server))
    server.clear()
    assert (await connection.send(job())).status == Status.DELIVERED
    server.on("mail", DROP)
    assert (await connection.send(job())).status == Status.DEFERRED
    assert connection.was_stale


async def test_the_journal_is_called_before_the_dot_and_only_when_it_comes(server: SmtpServer) -> None:
    calls: list[int] = []
    server.on("rcpt", "550 no", match="bad@")
    connection = await open_to(route_to(server))
    await connection.send(job(before=lambda: calls.append(len(server.messages))))
    await connection.send(job("bad@example.org", before=lambda: calls.append(-1)))
    assert calls == [0]
    connection.close()


async def test_without_a_journal_entry_nothing_leaves(server: SmtpServer) -> None:
    def fail() -> None:
        raise OSError("disk full")

    connection = await open_to(route_to(server))
    outcome = await connection.send(job(before=fail))
    assert (outcome.status, outcome.enhanced) == (Status.DEFERRED, "4.3.0")
    assert "disk full" in outcome.reply
    assert not connection.usable
    assert server.messages == []


@pytest.mark.parametrize(
    "answer", ["nonsense", "250", "999 what", "250-" + "x" * 3000, "2x0 hm", "250 \x1b[31mred\x07"]
)
async def test_odd_replies_harm_nobody(server: SmtpServer, answer: str) -> None:
    server.on("dot", answer)
    connection = await open_to(route_to(server), reply_timeout=0.3)
    outcome = await connection.send(job())
    assert outcome.status in {Status.DELIVERED, Status.IN_DOUBT}
    assert (outcome.status == Status.DELIVERED) == answer.startswith("250 ") or answer == "250"
    assert outcome.reply.isprintable()


async def test_replies_in_the_wrong_place_end_the_session(server: SmtpServer) -> None:
    server.on("data", "250 2.0.0 fine")
    connection = await open_to(route_to(server))
    assert (await connection.send(job())).status == Status.DEFERRED
    assert not connection.usable


async def test_long_replies_are_cut(server: SmtpServer) -> None:
    server.on("rcpt", "\r\n".join(f"550-5.7.1 {'long ' * 60}" for _ in range(9)) + "\r\n550 5.7.1 end")
    connection = await open_to(route_to(server))
    outcome = await connection.send(job())
    assert len(outcome.reply) == 1000
    assert outcome.reply.count("5.7.1") == 1
    connection.close()


async def test_replies_have_a_limit(server: SmtpServer) -> None:
    server.on("dot", "250-x\r\n" * 9000 + "250 x")
    connection = await open_to(route_to(server))
    assert (await connection.send(job())).status == Status.IN_DOUBT


async def test_utf8_needs_the_extension(server: SmtpServer) -> None:
    connection = await open_to(route_to(server))
    assert (await connection.send(job("jörg@example.org"))).status == Status.DELIVERED
    assert (
        await connection.send(job(smtputf8=True, data="Subject: ä\r\n\r\nx\r\n".encode()))
    ).status == Status.DELIVERED
    assert server.messages[0].recipient == "jörg@example.org"
    assert "SMTPUTF8" in server.messages[0].mail_options
    assert "BODY=8BITMIME" not in server.messages[0].mail_options
    assert "BODY=8BITMIME" in server.messages[1].mail_options
    connection.close()
    server.extensions = ("PIPELINING",)
    connection = await open_to(route_to(server))
    for message in (job("jörg@example.org"), job(smtputf8=True)):
        outcome = await connection.send(message)
        assert (outcome.status, outcome.code, outcome.enhanced) == (Status.REJECTED, 0, "5.6.7")
    assert (await connection.send(job())).status == Status.DELIVERED
    assert server.messages[-1].mail_options == ""
    connection.close()


async def test_a_message_over_the_servers_limit_is_not_tried(server: SmtpServer) -> None:
    server.extensions = ("PIPELINING", "SIZE 10")
    connection = await open_to(route_to(server))
    outcome = await connection.send(job())
    assert (outcome.status, outcome.enhanced) == (Status.REJECTED, "5.3.4")
    assert not any(command.startswith("MAIL") for command in server.commands)
    connection.close()


@pytest.mark.parametrize(
    "address", ["", "a@x.org>\r\nRCPT TO:<b@x.org", "a b@x.org", "a@x.org> X", '"a\nb"@x.org', "a\ud800@x.org"]
)
async def test_no_command_can_be_injected(server: SmtpServer, address: str) -> None:
    connection = await open_to(route_to(server))
    assert (await connection.send(job(address))).enhanced == "5.1.3"
    if address:
        assert (await connection.send(job(sender=address))).enhanced == "5.1.3"
    assert (await connection.send(job('"a b>"@x.org', sender=""))).status == Status.DELIVERED
    assert server.messages[0].mail_from == ""
    connection.close()


async def test_large_bodies_arrive_whole(server: SmtpServer) -> None:
    data = DATA + b"".join(b"%d line of a large mail\r\n" % number for number in range(60_000))
    connection = await open_to(route_to(server))
    assert (await connection.send(job(data=data))).status == Status.DELIVERED
    assert (await connection.send(job(data=b"X: y\r\n\r\nno line end"))).status == Status.DELIVERED
    assert [message.data for message in server.messages] == [data, b"X: y\r\n\r\nno line end\r\n"]
    connection.close()


async def test_an_aborted_session_says_what_is_known(server: SmtpServer) -> None:
    server.on("dot", STALL)
    connection = await open_to(route_to(server))
    journal = asyncio.Event()
    sending = asyncio.create_task(connection.hand_over(job(before=journal.set)))
    await journal.wait()
    await asyncio.sleep(0)
    connection.abort()
    outcome = await sending
    assert outcome is not None
    assert (outcome.status, outcome.reply) == (Status.IN_DOUBT, "interrupted")
    assert not connection.usable


async def test_an_aborted_session_gives_back_what_it_has_not_begun(server: SmtpServer) -> None:
    server.on("mail", STALL)
    connection = await open_to(route_to(server))
    message = job()
    sending = asyncio.create_task(connection.hand_over(message))
    async with asyncio.timeout(5):
        while not any(line.startswith("MAIL") for line in server.commands):  # noqa: ASYNC110 it has nobody to tell
            await asyncio.sleep(0.01)
    connection.abort()
    assert await sending is None
    assert connection.given_back == [message]
    assert message.composed == 0


async def test_a_withdrawn_message_is_given_back_and_leaves_nothing_behind(server: SmtpServer) -> None:
    connection = await open_to(route_to(server))
    first, second, third = job("a@example.org"), job("b@example.org"), job("c@example.org")
    second.withdrawn = True
    outcomes = await asyncio.gather(connection.hand_over(first), connection.hand_over(second))
    assert outcomes[0] is not None
    assert (outcomes[0].status, outcomes[1]) == (Status.DELIVERED, None)
    assert connection.given_back == [second]
    assert not connection.usable  # a lone dot would have delivered an empty mail
    connection = await open_to(route_to(server))
    assert (await connection.send(third)).status == Status.DELIVERED
    assert [message.recipient for message in server.messages] == ["a@example.org", "c@example.org"]
    assert second.dots == 0
    connection.close()


async def test_a_message_that_can_not_be_composed_is_deferred(server: SmtpServer) -> None:
    connection = await open_to(route_to(server))
    message = job()
    message.broken = True
    outcome = await connection.send(message)
    assert (outcome.status, outcome.code, outcome.enhanced) == (Status.DEFERRED, 0, "4.3.0")
    assert "no such template" in outcome.reply
    assert (server.messages, message.dots) == ([], 0)


async def test_a_greylisted_recipient_is_taken_the_second_time() -> None:
    async with SmtpServer(greylist=True) as server:
        connection = await open_to(route_to(server))
        assert (await connection.send(job())).status == Status.DEFERRED
        assert (await connection.send(job())).status == Status.DELIVERED
        connection.close()


async def test_a_lone_dot_ends_data_that_was_taken_without_a_recipient() -> None:
    async with SmtpServer() as server:
        server.on("rcpt", "550 5.1.1 no", times=1)
        server.on("data", "354 Go on", times=1)
        connection = await open_to(route_to(server))
        assert (await connection.send(job())).status == Status.REJECTED
        assert (await connection.send(job("b@example.org"))).status == Status.DELIVERED
        assert [message.recipient for message in server.messages] == ["b@example.org"]
        assert server.connections == 1
        connection.close()


async def test_the_next_envelope_travels_with_the_body() -> None:
    async with SmtpServer() as server:
        connection = await open_to(route_to(server))
        outcomes = await connection.send_all([job("a@example.org"), job("b@example.org")])
        assert [outcome.status for outcome in outcomes] == [Status.DELIVERED] * 2
        assert [message.recipient for message in server.messages] == ["a@example.org", "b@example.org"]
        assert any(chunk.startswith(b"MAIL") and b"RCPT" in chunk and b"DATA\r\n" in chunk for chunk in server.chunks)
        connection.close()


@pytest.mark.parametrize("stage", ["mail", "rcpt", "dot"])
async def test_a_refused_message_does_not_disturb_the_one_behind_it(stage: str) -> None:
    async with SmtpServer() as server:
        server.on(stage, "550 5.7.1 no", match="" if stage != "rcpt" else "b@", times=1)
        connection = await open_to(route_to(server))
        jobs = [job("a@example.org"), job("b@example.org"), job("jörg@example.org"), job("d@example.org")]
        outcomes = await connection.send_all(jobs)
        assert [outcome.status for outcome in outcomes].count(Status.REJECTED) == 1
        assert len(server.messages) == 3
        assert server.connections == 1
        connection.close()
