"""Signatures, checked by an independent verifier."""

import re
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from app.mail import compose
from app.mail.compose import Compiled, Content, assemble
from app.mail.dkim import Signer, body_hash, make_key, record_value
from app.mail.headers import header_lines
from tests.mail import verifying

RSA = make_key()
ED25519 = make_key("ed25519")
DATE = datetime(2016, 11, 22, tzinfo=UTC)


def verify(raw: bytes, record: str) -> bool:
    return verifying.verify(raw, {"mail1._domainkey.example.com": record})


def mail(text: str = "Hello\n", subject: str = "Hi") -> Compiled:
    headers = (("From", '"Jörg" <jo@example.com>'), ("To", "a@example.org, b@example.org"), ("Subject", subject))
    return compose.compile(Content(headers, text, None), message_id="1@mail-1", date=DATE, boundary="b")


@pytest.mark.parametrize("key", [RSA, ED25519], ids=["rsa", "ed25519"])
@pytest.mark.parametrize("text", ["", "Hello\n", "a  b \t c  \n\n\n", "\n\n", "Grüße " * 200, "<p>\t x</p>\n" * 50])
def test_signatures_verify(key: tuple[str, str], text: str) -> None:
    one = mail(text)
    extra = header_lines(
        [
            ("Feedback-ID", "1:2:3"),
            ("List-Unsubscribe", "<https://x.example/u/" + "a" * 90 + ">,  <mailto:u@x.example>"),
        ]
    )
    line = Signer("example.com", "mail1", key[0]).sign(one.head, one.body, extra)
    assert line.endswith(b"\r\n")
    assert max(map(len, line.split(b"\r\n"))) <= 78
    raw = assemble(one, extra, line)
    assert verify(raw, key[1])
    assert not verify(raw.replace(b"Feedback-ID: 1", b"Feedback-ID: 2"), key[1])
    assert not verify(raw + b"more\r\n", key[1])


@pytest.mark.parametrize("key", [RSA, ED25519], ids=["rsa", "ed25519"])
def test_a_second_from_breaks_the_signature(key: tuple[str, str]) -> None:
    one = mail()
    line = Signer("example.com", "mail1", key[0]).sign(one.head, one.body, signed_at=1_479_772_800)
    assert b"h=from:from:to:" in line
    assert b" t=1479772800;" in line
    assert not verify(assemble(one, b"From: other@example.com\r\n", line), key[1])


def test_the_body_hash_is_reusable_and_relaxed() -> None:
    one = mail("a b\n")
    signer = Signer("example.com", "mail1", RSA[0])
    line = signer.sign(one.head, b"not looked at", hashed_body=body_hash(one.body))
    assert verify(assemble(one, b"", line), RSA[1])
    # RFC 6376, 3.4.5, and the empty body of 3.4.4
    assert body_hash(b" C \r\nD \t E\r\n\r\n\r\n") == body_hash(b" C\r\nD E\r\n")
    assert body_hash(b"") == body_hash(b"\r\n\r\n") == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    assert body_hash(b"x") == body_hash(b"x \r\n")


@settings(max_examples=40)
@given(st.text(alphabet="a \t.=ä\n", max_size=80), st.text(alphabet="a \t.,=ä", max_size=120))
def test_any_mail_verifies(text: str, subject: str) -> None:
    one = mail(text, subject)
    raw = assemble(one, b"", Signer("example.com", "mail1", RSA[0]).sign(one.head, one.body))
    assert verify(raw, RSA[1])


def test_the_record_is_the_same_from_every_form_of_the_key() -> None:
    pem, value = RSA
    assert re.match(r"v=DKIM1; k=rsa; p=MII[A-Za-z0-9+/=]+\Z", value)
    assert record_value(pem) == record_value(pem.encode()) == value
    assert record_value(ED25519[0]) == ED25519[1]
    assert ED25519[1].startswith("v=DKIM1; k=ed25519; p=")


@pytest.mark.parametrize("domain", ["", "example.com; x=1", "exam\r\nple.com", "-x"])
def test_a_bad_domain_is_refused(domain: str) -> None:
    with pytest.raises(ValueError, match="domain"):
        Signer(domain, "mail1", RSA[0])


@pytest.mark.parametrize("selector", ["_", "-", "mail_1-", "_s1", "-s1", "s1_", "a" * 63])
def test_every_selector_that_senders_may_have_signs(selector: str) -> None:
    one = mail()
    raw = assemble(one, b"", Signer("example.com", selector, RSA[0]).sign(one.head, one.body))
    assert verifying.verify(raw, {f"{selector}._domainkey.example.com": RSA[1]})


@pytest.mark.parametrize("selector", ["", "s 1", "s;x=1", "s\r\n1", "ä", ".s1"])
def test_a_bad_selector_is_refused(selector: str) -> None:
    with pytest.raises(ValueError, match="selector"):
        Signer("example.com", selector, RSA[0])


def test_other_keys_are_refused() -> None:
    pem = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ValueError, match="RSA or Ed25519"):
        Signer("example.com", "mail1", pem)
    with pytest.raises(ValueError, match="PEM"):
        Signer("example.com", "mail1", "nonsense")
