"""Whatever comes, in whatever pieces: what is kept is what was sent, and nothing else."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from app.smtpd.content import ContentReader
from app.smtpd.limits import Budget, Limits
from app.smtpd.wire import Closed, Wire
from tests.smtpd.talking import Client, Recorder, listening

LINES = st.lists(st.text("ab.\0", max_size=6).map(str.encode), max_size=12)
NOISE = st.lists(
    st.sampled_from(
        [
            b"\r\n",
            b"\n",
            b"\r",
            b".",
            b"\r\n.\r\n",
            b"DATA\r\n",
            b"MAIL FROM:<a@b.c>\r\n",
            b"RCPT TO:<d@e.f>\r\n",
            b"EHLO x\r\n",
            b"RSET\r\n",
            b"x" * 3000,
            b"\x00\xff",
            b"STARTTLS\r\n",
            b"AUTH PLAIN\r\n",
            b"NOOP\r\n",
        ]
    ),
    max_size=40,
).map(b"".join)


class Fed(Wire):
    """A wire whose input comes in given pieces."""

    def __init__(self, pieces: list[bytes]) -> None:
        super().__init__(lambda _: None)
        self.pieces = pieces

    async def fill(self, seconds: float, *, firm: bool = False) -> None:
        del seconds, firm
        if not self.pieces:
            raise Closed
        self.input += self.pieces.pop(0)


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    pieces, at = [], 0
    for size in sizes:
        pieces.append(data[at : at + size])
        at += size
    return [piece for piece in [*pieces, data[at:]] if piece]


async def read(pieces: list[bytes], limits: Limits) -> tuple[bytes, str, bytes]:
    wire, budget = Fed(pieces), Budget(limits.buffered_bytes)
    reader = ContentReader(wire, limits, budget)
    content = await reader.read(asyncio.get_running_loop().time() + 100)
    reader.close()
    assert budget.left == limits.buffered_bytes
    return content.raw, content.refusal, bytes(wire.input) + b"".join(wire.pieces)


@given(LINES, st.lists(st.integers(1, 7), max_size=30))
async def test_a_stuffed_mail_comes_out_as_it_was(lines: list[bytes], sizes: list[int]) -> None:
    mail = b"".join(line + b"\r\n" for line in lines)
    stuffed = b"".join((b"." + line if line.startswith(b".") else line) + b"\r\n" for line in lines)
    sent = stuffed + b".\r\nQUIT\r\n"
    assert await read(cut(sent, sizes), Limits()) == (mail, "", b"QUIT\r\n")
    kept = await read(cut(sent, sizes), Limits(kept_bytes=5))
    assert mail.startswith(kept[0][:4])


@given(
    st.lists(st.sampled_from([b"a", b"\r", b"\n", b"\r\n", b"."]), max_size=25),
    st.lists(st.integers(1, 5), max_size=20),
)
async def test_a_bare_line_end_is_always_seen(parts: list[bytes], sizes: list[int]) -> None:
    content = b"".join(parts) + b"\r\n"
    sent = content + b".\r\n"
    end = (b"\r\n" + sent).find(b"\r\n.\r\n")
    content = sent[:end]
    is_bare = content.replace(b"\r\n", b"").strip(b"a.") != b"" or any(
        byte in content.replace(b"\r\n", b"") for byte in b"\r\n"
    )
    _, refusal, _ = await read(cut(sent, sizes), Limits())
    assert bool(refusal) is is_bare


@settings(max_examples=60)
@given(st.lists(NOISE, max_size=5))
async def test_noise_never_breaks_the_listener(noise: list[bytes]) -> None:
    service = Recorder()
    async with listening(service, Limits(command_seconds=5)) as server:
        client = await Client.connect(server.port)
        for piece in noise:
            client.writer.write(piece)
        client.writer.write_eof()
        lines = await client.rest()
        assert lines[0].startswith("220")
        assert all(line[:3].isdigit() for line in lines)
        client.close()
        other = await Client.connect(server.port)
        assert await other.codes(b"EHLO x\r\nQUIT\r\n", 3) == ["220", "250", "221"]
        other.close()
