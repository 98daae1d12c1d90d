"""Calls over real sockets: pinned to checked addresses, short of everything, and honest about what went wrong."""

# ruff: noqa: RUF001 full-width digits are one of the tricks
import asyncio
import gzip
from collections.abc import Sequence

import pytest

from app.outbound import Failed, Refused, TimedOut, client
from app.outbound.client import Answer, Client
from app.outbound.targets import parse
from app.settings import Outbound
from tests.fixtures.smtp_server import server_context
from tests.fixtures.web_server import Writer, answering, hang, reset, web_server

ANYWHERE = Outbound(allow_private_networks=True)
PUBLIC = "93.184.216.34"


class Resolver:
    """Names by a script: each look-up gets the next answer, and the last one again and again."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, name: str) -> Sequence[str]:
        self.asked.append(name)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


LOOPBACK = ["127.0.0.1"]


async def test_a_call_keeps_name_path_and_query() -> None:
    resolver = Resolver(LOOPBACK)
    async with web_server() as server, Client(ANYWHERE, resolve=resolver) as calls:
        url = f"http://Hooks.Example:{server.port}/b%2Fc?e=jo%40example.org&d=a%20b#f"
        assert await calls.get(url, timeout_seconds=5) == Answer(200)
    head = server.requests[0].decode()
    assert head.startswith("GET /b%2Fc?e=jo%40example.org&d=a%20b HTTP/1.1\r\n")
    fields = dict(line.split(": ", 1) for line in head.splitlines()[1:] if line)
    assert fields == {"Host": f"hooks.example:{server.port}", "User-Agent": "Trireme", "Accept": "*/*"}
    assert resolver.asked == ["hooks.example"]


async def test_an_ipv6_address_is_called_and_named_in_brackets() -> None:
    async with web_server(host="::1") as server, Client(ANYWHERE, resolve=Resolver(["::1"])) as calls:
        for host in ("[::1]", "six.example"):
            assert await calls.get(f"http://{host}:{server.port}/", timeout_seconds=5) == Answer(200)
            assert f"\r\nHost: {host}:{server.port}\r\n".encode() in server.requests[-1]


@pytest.mark.parametrize(
    "url",
    [
        "http://h.example", "https://h.example:80/@@:1/?@x=%zz", "http://[2606:4700::1111]:8080/a?b", "http://8.8.8.8//a@b:c",
        "http://bücher.example/%2e%2e/../?http://127.0.0.1/", "https://a_b.example:65535/?q#f@127.0.0.1",
    ],
)  # fmt: skip
def test_the_library_reads_the_same_host_out_of_a_url(url: str) -> None:
    target = parse(url)
    read = client._url(target)
    assert (read.scheme, read.raw_host, read.port) == (target.scheme, target.host, target.port)
    assert (read.raw_path, read.raw_query_string, read.raw_fragment) == (target.path, target.query, "")


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0", "[::]", "127.0.0.2"),
        *("127.1", "0x7f.1", "2130706433", "0177.0.0.1", "localhost.", "127.0.0.1.", "user@127.0.0.1", "１２７.0.0.1"),
        *(
            "inside.example",
            "[64:ff9b::7f00:1]",
            "[64:ff9b:1::7f00:1]",
            "[2002:7f00:1::]",
            "10.0.0.1",
            "169.254.169.254",
        ),
    ],
)
async def test_nobody_inside_is_called(host: str) -> None:
    async with web_server() as server, Client(Outbound(), resolve=Resolver(LOOPBACK)) as calls:
        with pytest.raises(Refused):
            await calls.get(f"http://{host}:{server.port}/", timeout_seconds=5)
        with pytest.raises(Refused):
            await calls.get(f"http://{host}:0/", timeout_seconds=5)
    assert server.connections == 0


async def test_the_system_s_idea_of_localhost_is_not_called() -> None:
    async with web_server() as server, Client(Outbound()) as calls:
        with pytest.raises(Refused):
            await calls.get(f"http://localhost:{server.port}/", timeout_seconds=5)
    assert server.connections == 0


@pytest.mark.parametrize(
    "found", [[PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC], ["fd00::1"], ["::ffff:127.0.0.1"], ["?"]]
)
async def test_every_address_of_a_name_is_checked(found: list[str]) -> None:
    async with web_server() as server, Client(Outbound(), resolve=Resolver(found)) as calls:
        with pytest.raises(Refused):
            await calls.get(f"http://h.example:{server.port}/", timeout_seconds=5)
    assert server.connections == 0


async def test_a_name_that_changes_its_mind_is_asked_once() -> None:
    """DNS rebinding: what was checked is what is connected to, and the second answer is never asked for."""
    resolver = Resolver([PUBLIC], LOOPBACK)
    async with web_server() as server, Client(Outbound(), resolve=resolver) as calls:
        # The suite lets nobody out, so the connection to the public address fails; none goes to the loopback.
        with pytest.raises(Failed):
            await calls.get(f"http://h.example:{server.port}/", timeout_seconds=5)
    assert resolver.asked == ["h.example"]
    assert server.connections == 0


async def test_the_last_look_is_at_the_socket() -> None:
    async with Client(Outbound(), resolve=Resolver([PUBLIC])) as calls:
        with pytest.raises(Refused):
            calls._socket((2, 1, 6, "", ("127.0.0.1", 80)))


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer(code: int) -> None:
    async with web_server() as inner, web_server() as server, Client(ANYWHERE) as calls:
        moved = f"HTTP/1.1 {code} Moved\r\nLocation: http://127.0.0.1:{inner.port}/\r\nContent-Length: 0\r\n\r\n"
        server.behave = answering(moved.encode())
        assert await calls.get(f"http://127.0.0.1:{server.port}/", timeout_seconds=5) == Answer(code)
    assert inner.connections == 0


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with web_server() as proxy, web_server() as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        async with Client(ANYWHERE) as calls:
            await calls.get(f"http://127.0.0.1:{server.port}/", timeout_seconds=5)
    assert (proxy.connections, server.connections) == (0, 1)


async def test_cookies_are_not_kept_and_connections_are() -> None:
    cookie = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
    async with web_server(answering(cookie)) as server, Client(ANYWHERE) as calls:
        for _ in range(3):
            await calls.get(f"http://127.0.0.1:{server.port}/", timeout_seconds=5)
    assert server.connections == 1
    assert not [head for head in server.requests if b"Cookie" in head]


async def test_a_body_without_end_is_not_read() -> None:
    sent = 0

    async def flood(_: bytes, writer: Writer) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()
            sent += 65536

    async with web_server(flood) as server, Client(ANYWHERE) as calls:
        async with asyncio.timeout(5):
            assert await calls.get(f"http://127.0.0.1:{server.port}/", timeout_seconds=10) == Answer(200)
    assert sent < 16 * 1024 * 1024, "what the kernels' buffers hold, and no more"


async def test_a_compressed_body_is_not_unpacked() -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    async with web_server(answering(head + bomb)) as server, Client(ANYWHERE) as calls:
        assert await calls.get(f"http://127.0.0.1:{server.port}/", timeout_seconds=5) == Answer(200)
    assert b"Accept-Encoding" not in server.requests[0]


async def test_a_body_that_drips_does_not_hold_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "BODY_SECONDS", 0.05)

    async def drip(head: bytes, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 202 OK\r\nContent-Length: 10\r\n\r\nx")
        await hang(head, writer)

    async with web_server(drip) as server, Client(ANYWHERE) as calls:
        assert await calls.get(f"http://127.0.0.1:{server.port}/", timeout_seconds=10) == Answer(202)


async def test_silence_is_a_time_out() -> None:
    async with web_server(hang) as server, Client(ANYWHERE) as calls:
        with pytest.raises(TimedOut):
            await calls.get(f"http://127.0.0.1:{server.port}/", timeout_seconds=0.2)


@pytest.mark.parametrize(
    "octets",
    [
        b"220 mail.example ESMTP\r\n",
        b"\x00" * 100,
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(10_000)) + b"\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
    ],
    ids=["smtp", "zeros", "long-field", "many-fields", "status"],
)
async def test_what_is_no_http_fails(octets: bytes) -> None:
    async with web_server(answering(octets)) as server, Client(ANYWHERE) as calls:
        with pytest.raises(Failed):
            await calls.get(f"http://127.0.0.1:{server.port}/", timeout_seconds=2)


async def test_a_broken_connection_and_a_closed_port_fail() -> None:
    async with Client(ANYWHERE) as calls:
        async with web_server(reset) as server:
            with pytest.raises(Failed, match="lost"):
                await calls.get(f"http://127.0.0.1:{server.port}/", timeout_seconds=5)
        with pytest.raises(Failed, match="no connection"):
            await calls.get(f"http://127.0.0.1:{server.port}/", timeout_seconds=5)
        with pytest.raises(Failed):
            await calls.get("http://127.0.0.1:1/", timeout_seconds=5)


async def test_tls_asks_for_the_name_and_takes_no_certificate_on_trust() -> None:
    asked: list[str | None] = []
    context = server_context.__wrapped__()  # one of its own, which may listen to what is asked
    context.sni_callback = lambda _connection, name, _context: asked.append(name)
    async with web_server(context=context) as server, Client(ANYWHERE, resolve=Resolver(LOOPBACK)) as calls:
        with pytest.raises(Failed, match="TLS"):
            await calls.get(f"https://sink.example:{server.port}/", timeout_seconds=5)
    assert asked == ["sink.example"]
    assert not server.requests


async def test_a_client_outside_of_its_block_says_so() -> None:
    with pytest.raises(RuntimeError):
        await Client(ANYWHERE).get("http://127.0.0.1:1/", timeout_seconds=1)
