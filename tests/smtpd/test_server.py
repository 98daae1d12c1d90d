"""Opening, TLS and closing of the listener."""

import asyncio
import datetime as dt
import ipaddress
import ssl
from pathlib import Path

import aiosmtplib
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.smtpd.limits import Limits
from app.smtpd.pace import Pace, group_of
from app.smtpd.server import tls_context
from tests.smtpd.talking import Client, Recorder, listening, mail, talking

HELLO = b"Subject: Hello\r\n\r\nHello\r\n"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    addresses = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


async def test_starttls(certificate: Path) -> None:
    service = Recorder()
    async with listening(service, tls=tls_context(certificate, None)) as server:
        trusting = ssl.create_default_context(cafile=str(certificate))
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=server.port, start_tls=True, tls_context=trusting)
        async with client:
            assert not client.supports_extension("starttls"), "it is not offered twice"
            for _ in range(3):
                await client.sendmail("a@example.com", ["b@example.org"], HELLO + b"x" * 500_000 + b"\r\n")
    assert [got.size for got in service.mails] == [len(HELLO) + 500_002] * 3


async def test_commands_behind_starttls_are_not_taken_for_encrypted_ones(certificate: Path) -> None:
    async with talking(tls=tls_context(certificate, None)) as (client, service):
        client.writer.write(b"STARTTLS\r\n" + mail(HELLO))
        assert await client.rest() == ["521 5.5.1 nothing may follow STARTTLS"]
    assert service.mails == []


async def test_a_client_that_fails_at_tls_is_dropped(certificate: Path) -> None:
    async with talking(Limits(handshake_seconds=0.3), tls=tls_context(certificate, None)) as (client, _):
        assert await client.codes(b"STARTTLS\r\n") == ["220"]
        client.writer.write(b"EHLO plain.example\r\n" * 3)
        await client.rest_bytes()


async def test_closing_tells_idle_clients_and_answers_mails_under_way() -> None:
    service = Recorder()
    service.gate = asyncio.Event()
    async with listening(service) as server:
        idle, busy, writing = [await Client.connect(server.port) for _ in range(3)]
        for client in (idle, busy, writing):
            await client.say(b"EHLO x\r\n", 2)
        assert await busy.codes(mail(HELLO), 3) == ["250", "250", "354"]
        await asyncio.wait_for(service.arrived.wait(), 5)
        assert await writing.codes(b"MAIL FROM:<>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nhalf", 3) == [
            "250",
            "250",
            "354",
        ]
        closing = asyncio.create_task(server.__aexit__(None, None, None))
        assert await idle.rest() == ["421 4.3.2 stopping, come back later"]
        with pytest.raises(ConnectionRefusedError):
            await Client.connect(server.port)
        writing.writer.write(b" and the rest\r\n.\r\n")
        assert not closing.done()
        service.gate.set()
        assert await busy.rest() == ["250 2.0.0 kept", "421 4.3.2 stopping, come back later"]
        assert await writing.rest() == ["250 2.0.0 kept", "421 4.3.2 stopping, come back later"]
        await closing
        for client in (idle, busy, writing):
            client.close()
    assert len(service.mails) == 2


async def test_closing_waits_only_so_long() -> None:
    service = Recorder()
    service.gate = asyncio.Event()
    begun = asyncio.get_running_loop().time()
    async with listening(service, Limits(close_seconds=0.2)) as server:
        client = await Client.connect(server.port)
        await client.say(b"EHLO x\r\n", 2)
        await client.codes(mail(HELLO), 3)
        await asyncio.wait_for(service.arrived.wait(), 5)
    client.close()
    assert asyncio.get_running_loop().time() - begun < 5
    assert service.mails == []


def test_pace_allows_a_minutes_worth_for_each_client() -> None:
    pace = Pace(3)
    assert [pace.take("192.0.2.1") for _ in range(4)] == [True, True, True, False]
    assert pace.take("192.0.2.2")
    assert all(Pace(0).take("192.0.2.1") for _ in range(1000))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("", "", True),
    ],
)
def test_what_counts_as_one_client(one: str, other: str, same: bool) -> None:
    assert (group_of(one) == group_of(other)) is same
