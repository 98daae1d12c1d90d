"""Replies, in whatever pieces they come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.smtp.outcome import MAX_REPLY, Status, from_reply, from_us
from app.mail.smtp.replies import Reply, ReplyParser


def parse(*pieces: bytes) -> list[Reply]:
    parser = ReplyParser()
    return [reply for piece in pieces for reply in parser.feed(piece)]


@pytest.mark.parametrize(
    ("raw", "code", "enhanced", "text"),
    [
        (b"250 2.1.0 Ok\r\n", 250, "2.1.0", "250 2.1.0 Ok"),
        (b"250 Ok\n", 250, "", "250 Ok"),
        (b"250\r\n", 250, "", "250"),
        (b"550-5.7.1 First\r\n550-5.7.1 second\r\n550 5.7.1 third\r\n", 550, "5.7.1", "550 5.7.1 First second third"),
        (b"550-First\r\n550 second\r\n", 550, "", "550 First second"),
        ("550 Ungültig\r\n".encode(), 550, "", "550 Ungültig"),
        (b"550 \xff\r\n", 550, "", "550 \ufffd"),
        (b"550 5.1.1x\r\n", 550, "", "550 5.1.1x"),
    ],
)
def test_replies_are_read(raw: bytes, code: int, enhanced: str, text: str) -> None:
    for pieces in ([raw], [raw[:5], raw[5:]], [bytes([octet]) for octet in raw], [raw, raw]):
        reply = parse(*pieces)[-1]
        assert (reply.code, reply.enhanced, reply.text) == (code, enhanced, text)


@pytest.mark.parametrize(
    "raw", [b"hello\r\n", b"2500 x\r\n", b"\r\n", b"25\r\n", b"250 " + b"x" * 3000, b"250-x\r\n" * 101]
)
def test_other_things_are_refused(raw: bytes) -> None:
    parser = ReplyParser()
    assert len(parser.feed(b"250 good\r\n" + raw)) == 1  # what came before still counts
    assert parser.broken
    assert parser.feed(b"250 good\r\n") == []


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_no_octets_do_harm(pieces: list[bytes]) -> None:
    for reply in parse(*pieces):
        outcome = from_reply(reply, "host")
        assert outcome.reply.isprintable() or not any(ord(char) < 32 for char in outcome.reply)
        assert len(outcome.reply) <= MAX_REPLY


def test_an_outcome_follows_the_code() -> None:
    assert [from_reply(Reply(code, ("x",)), "h").status for code in (250, 354, 421, 450, 550, 999)] == [
        Status.DELIVERED, Status.DEFERRED, Status.DEFERRED, Status.DEFERRED, Status.REJECTED, Status.DEFERRED,
    ]  # fmt: skip
    ours = from_us(Status.DEFERRED, "4.4.1", "a\r\nb\x00" + "c" * 2000)
    assert ours.reply.startswith("abc")
    assert (ours.code, len(ours.reply)) == (0, MAX_REPLY)
