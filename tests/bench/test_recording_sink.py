"""The recording SMTP server: what it notes, and that it answers as a server does."""

import smtplib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.processes import Process, wait_until
from bench.record import Reader

MAIL = b"Message-ID: <%d@example.com>\r\nSubject: WORD-%d of many\r\n\r\n"
ENVELOPE = b"MAIL FROM:<bounces+%d@example.com>\r\nRCPT TO:<r%d@example.org>\r\nDATA\r\n"

Start = Callable[..., tuple[int, Reader]]
Connect = Callable[[int], "Client"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    running: list[Process] = []

    def begin(*options: object) -> tuple[int, Reader]:
        process = Process("bench.recording_sink", tmp_path / "record", *options)
        running.append(process)
        return int(process.line()), Reader(tmp_path / "record")

    yield begin
    for process in running:
        process.stop()


class Client:
    """A client that pipelines."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.file = self.socket.makefile("rb")
        assert self.reply() == b"220"
        self.socket.sendall(b"EHLO client\r\n")
        assert self.reply() == b"250"

    def reply(self) -> bytes:
        while True:
            line = self.file.readline()
            if line[3:4] != b"-":
                return line[:3]

    def replies(self, count: int) -> list[bytes]:
        return [self.reply() for _ in range(count)]

    def close(self) -> None:
        self.file.close()
        self.socket.close()


@pytest.fixture
def connect() -> Iterator[Connect]:
    clients: list[Client] = []

    def made(port: int) -> Client:
        clients.append(Client(port))
        return clients[-1]

    yield made
    for client in clients:
        client.close()


@pytest.mark.parametrize("size", [0, 500, 30_000, 300_000, 3_000_000])
@pytest.mark.parametrize("options", [(), ("--latency-ms", 1)])
def test_mails_of_any_size_are_noted_before_their_reply(
    start: Start, connect: Connect, size: int, options: tuple[object, ...]
) -> None:
    port, record = start("--mark", "WORD-", *options)
    client = connect(port)
    client.socket.sendall(ENVELOPE % (0, 0))
    assert client.replies(3) == [b"250", b"250", b"354"]
    for number in range(3):
        body = MAIL % (number, number) + (b"x" * 75 + b"\r\n") * (size // 77)
        client.socket.sendall(body + b".\r\n" + ENVELOPE % (number + 1, number + 1))
        assert client.replies(4) == [b"250", b"250", b"250", b"354"]
        assert record.count == number + 1
    client.close()
    mails = record.new()
    assert [mail.recipient for mail in mails] == ["r0@example.org", "r1@example.org", "r2@example.org"]
    assert [mail.marks for mail in mails] == [("0",), ("1",), ("2",)]
    assert mails[2].sender == "bounces+2@example.com"
    assert mails[2].message_id == "2@example.com"
    assert mails[0].at <= mails[2].at
    assert {mail.session for mail in mails} == {1}
    assert record.new() == []
    wait_until("the end of the session", lambda: record.live == 0, 10)
    assert record.dropped == 1


def test_the_end_of_a_mail_is_found_wherever_the_pieces_are_cut(start: Start, connect: Connect) -> None:
    port, record = start()
    client = connect(port)
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.socket.sendall(ENVELOPE % (0, 0))
    client.replies(3)
    mail = MAIL % (0, 0) + b"a line\r\n..a stuffed dot\r\n" * 200 + b".\r\n" + ENVELOPE % (1, 1)
    for cut in (1, 2, 3, 4, 5, len(ENVELOPE), len(ENVELOPE) + 2, len(mail) // 2):
        before = record.count
        client.socket.sendall(mail[:-cut])
        client.socket.sendall(mail[-cut:])
        assert client.replies(4) == [b"250", b"250", b"250", b"354"]
        assert record.count == before + 1


def test_a_client_that_waits_for_each_reply_and_several_recipients_are_served(start: Start) -> None:
    port, record = start()
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        client.sendmail("a@example.com", ["b@example.org", "c@example.org"], "Subject: x\r\n\r\n.\r\nhello")
    assert [mail.recipient for mail in record.new()] == ["b@example.org", "c@example.org"]
    wait_until("the end of the session", lambda: record.live == 0, 10)
    assert record.dropped == 0


def test_a_share_of_the_recipients_is_told_to_come_back_so_often(start: Start, connect: Connect) -> None:
    port, record = start("--defer", 0.5, "--defer-times", 2)
    refused = 0
    for _ in range(3):
        for number in range(20):
            client = connect(port)
            client.socket.sendall(ENVELOPE % (number, number))
            replies = client.replies(3)
            assert replies in ([b"250", b"250", b"354"], [b"250", b"451", b"503"])
            refused += replies[1] == b"451"
            client.close()
    assert 0 < refused < 40
    assert refused % 2 == 0
    assert record.count == 0


def test_slow_replies_keep_their_order(start: Start, connect: Connect) -> None:
    port, record = start("--latency-ms", 2, "--slow-ms", 30)
    client = connect(port)
    client.socket.sendall(ENVELOPE % (0, 0))
    client.replies(3)
    client.socket.sendall(MAIL % (0, 0) + b".\r\nQUIT\r\n")
    assert client.replies(2) == [b"250", b"221"]
    assert client.file.read() == b""
    assert record.count == 1
