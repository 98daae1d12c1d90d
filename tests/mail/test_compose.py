"""Composed mail, read back by the standard library's parser."""

import email
import re
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail import compose
from app.mail.addresses import parse_mailbox
from app.mail.compose import Compiled, Content, assemble
from app.mail.headers import clean, header_line, header_lines, is_header_name

DATE = datetime(2016, 11, 22, 0, 0, 5, tzinfo=UTC)
HEADERS = (("From", '"Doe, Jo" <jo@example.com>'), ("To", "a@example.org"), ("Subject", "Hi"))


def compiled(*headers: tuple[str, str], text: str | None = "Hello", html: str | None = None) -> Compiled:
    return compose.compile(Content(headers, text, html), message_id="1@mail-1", date=DATE, boundary="=_b1")


def parsed(one: Compiled) -> EmailMessage:
    raw = assemble(one)
    check_wire(raw)
    message = email.message_from_bytes(raw, policy=SMTP)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def check_wire(raw: bytes) -> None:
    """What SMTP needs of a mail that nobody looks at again."""
    assert raw.endswith(b"\r\n")
    assert not re.search(rb"[^\r]\n|\r[^\n]", raw)
    lines = raw.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert not any(line.startswith(b".") for line in lines)
    assert b"\x00" not in raw


def content_of(part: EmailMessage) -> str:
    content = part.get_content()
    assert isinstance(content, str)
    return content.replace("\r\n", "\n")


def read_lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()


def test_a_plain_text_stays_as_it_is() -> None:
    one = compiled(*HEADERS, text="Hello\nthere")
    assert one.head == (
        b'From: "Doe, Jo" <jo@example.com>\r\nTo: a@example.org\r\nSubject: Hi\r\n'
        b"Date: Tue, 22 Nov 2016 00:00:05 +0000\r\nMessage-ID: <1@mail-1>\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n"
    )
    assert one.body == b"Hello\r\nthere\r\n"
    assert not one.needs_smtputf8


def test_both_bodies_are_alternatives_with_the_text_first() -> None:
    message = parsed(compiled(*HEADERS, text="Grüße", html="<p>Grüße</p>"))
    assert message.get_content_type() == "multipart/alternative"
    kinds = [part.get_content_type() for part in message.iter_parts()]
    assert kinds == ["text/plain", "text/html"]
    assert [content_of(part).strip() for part in message.iter_parts() if isinstance(part, EmailMessage)] == [
        "Grüße",
        "<p>Grüße</p>",
    ]


def test_html_alone_is_one_part_and_nothing_is_an_empty_text() -> None:
    assert parsed(compiled(*HEADERS, text=None, html="<p>x</p>")).get_content_type() == "text/html"
    assert content_of(parsed(compiled(*HEADERS, text=None))) == "\n"


def test_given_dates_and_ids_are_kept() -> None:
    message = parsed(compiled(*HEADERS, ("DATE", "Mon, 21 Nov 2016 00:00:00 +0000"), ("Message-Id", "<mine@x>")))
    assert message.get_all("Date") == ["Mon, 21 Nov 2016 00:00:00 +0000"]
    assert message.get_all("Message-ID") == ["<mine@x>"]


def test_structure_is_ours_and_bcc_never_leaves() -> None:
    message = parsed(compiled(*HEADERS, ("Content-Type", "text/evil"), ("Bcc", "b@x.org"), ("MIME-version", "9")))
    assert message.get_content_type() == "text/plain"
    assert message["Bcc"] is None
    assert message.get_all("MIME-Version") == ["1.0"]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("a\n" * 100, "7bit"),
        ("a" * 998, "7bit"),
        ("a" * 999, "quoted-printable"),
        (".dot", "quoted-printable"),
        ("a\n.b", "quoted-printable"),
        ("Grüße an alle in der Stadt", "quoted-printable"),
        ("Привет всем", "base64"),
        ("a\x00b", "quoted-printable"),
    ],
)
def test_the_encoding_fits_the_text(text: str, encoding: str) -> None:
    message = parsed(compiled(*HEADERS, text=text))
    assert message["Content-Transfer-Encoding"] == encoding
    assert content_of(message).removesuffix("\n") == text.removesuffix("\n")


def test_a_boundary_that_occurs_is_replaced() -> None:
    message = parsed(compiled(*HEADERS, text="--=_b1\n", html="x"))
    assert next(content_of(part) for part in message.iter_parts() if isinstance(part, EmailMessage)).strip() == "--=_b1"
    with pytest.raises(ValueError, match="boundary"):
        compose.compile(Content((), "a", "b"), message_id="x", date=DATE, boundary='"')


def test_display_names_are_encoded_and_addresses_left_alone() -> None:
    one = compiled(("From", '"Müller, Jörg" <jo@example.com>'), ("To", "Ann <a@x.org>, Jörg Ä <b@x.org>, c@x.org"))
    assert one.head.isascii()
    message = parsed(one)
    assert str(message["From"]) == '"Müller, Jörg" <jo@example.com>'
    assert [(a.display_name, a.addr_spec) for a in message["To"].addresses] == [
        ("Ann", "a@x.org"),
        ("Jörg Ä", "b@x.org"),
        ("", "c@x.org"),
    ]


def test_utf8_local_parts_need_smtputf8_and_idn_domains_do_not() -> None:
    assert compiled(("To", "jörg@x.org")).needs_smtputf8
    idn = compiled(("To", "Jö <jo@bücher.example>"))
    assert not idn.needs_smtputf8
    assert b"<jo@xn--bcher-kva.example>" in idn.head


def test_encoded_words_pass_unchanged() -> None:
    one = compiled(("From", "=?utf-8?q?J=C3=B6?= <jo@example.com>"), ("Subject", "=?utf-8?b?w6Q=?= plain"))
    assert b"From: =?utf-8?q?J=C3=B6?= <jo@example.com>\r\nSubject: =?utf-8?b?w6Q=?= plain\r\n" in one.head
    mixed = parsed(compiled(("Subject", "=?utf-8?b?w6Q=?= ö =?utf-8?b?w6Q=?= x")))
    assert mixed["Subject"] == "ä ö ä x"


def test_what_is_no_address_harms_nobody() -> None:
    head = compiled(("Resent-From", "ä; not an address\r\nBcc: x@y.org")).head
    assert head.isascii()
    assert b"\nBcc" not in head


def test_long_values_are_folded_at_78() -> None:
    to = ", ".join(f"recipient{n}@example.org" for n in range(40))
    one = compiled(("To", to), ("References", " ".join(f"<{n}@x>" for n in range(99))), ("X-Long", "x" * 2000))
    assert max(map(len, one.head.split(b"\r\n"))) <= 78
    message = parsed(one)
    assert [a.addr_spec for a in message["To"].addresses] == [f"recipient{n}@example.org" for n in range(40)]
    assert message["X-Long"] == "x" * 2000


@pytest.mark.parametrize("name", ["", "A B", "A:", "A\r\nB", "Ä", "x" * 201])
def test_a_bad_header_name_is_refused(name: str) -> None:
    assert not is_header_name(name)
    with pytest.raises(ValueError, match="header name"):
        compiled((name, "x"))


def test_one_copy_has_signature_and_own_headers_first() -> None:
    one = compiled(*HEADERS)
    raw = assemble(one, [("X-Trireme-Message", "abc"), ("Feedback-ID", "1:2")], b"DKIM-Signature: v=1\r\n")
    assert raw.startswith(b"DKIM-Signature: v=1\r\nX-Trireme-Message: abc\r\nFeedback-ID: 1:2\r\nFrom: ")
    assert raw == assemble(
        one, header_lines([("X-Trireme-Message", "abc"), ("Feedback-ID", "1:2")]), b"DKIM-Signature: v=1\r\n"
    )


VALUES = st.one_of(
    st.text(max_size=120),
    st.lists(
        st.sampled_from(
            ["a", "ä", " ", "  ", "\r\n", "x" * 90, "\t", "€uro", "=?", "?=", "\x00", "例", "\r\nBcc: x@x.org"]
        ),
        max_size=30,
    ).map("".join),
)


@given(VALUES)
def test_any_subject_comes_back_and_injects_nothing(value: str) -> None:
    line = header_line("Subject", value)
    assert line.isascii()
    assert not re.search(rb"\r\n(?! [^\r\n]*[^ \r\n])(?!\Z)", line)
    assert max(map(len, line.split(b"\r\n"))) <= 998
    message = email.message_from_bytes(line + b"\r\n", policy=SMTP)
    assert message.keys() == ["Subject"]
    if "=?" not in value:  # what looks like an encoded word is passed on as one
        assert clean(str(message["Subject"])) == clean(value)


@pytest.mark.parametrize("name", ["X-A", "X-" + "a" * 198])
@pytest.mark.parametrize(
    "value", ["a" * 900, f"a{' ' * 1200}b", f"{'a' * 899}{' ' * 89}{'b' * 899}", "=?utf-8?q?a?=" * 60]
)
def test_no_line_is_too_long_for_smtp(name: str, value: str) -> None:
    line = header_line(name, value)
    assert max(map(len, line.split(b"\r\n"))) <= 998
    said = str(email.message_from_bytes(line + b"\r\n", policy=SMTP)[name])
    assert "=?" in value or said.split() == value.split()


@given(VALUES, VALUES)
def test_any_address_header_injects_nothing(first: str, second: str) -> None:
    line = header_line("To", f"{first} <a@x.org>, {second}")
    assert email.message_from_bytes(line + b"\r\n").keys() == ["To"]
    assert max(map(len, line.split(b"\r\n"))) <= 998


NAMES = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Zs"], exclude_characters='"\\='),
    min_size=1,
    max_size=100,
)


@given(NAMES)
def test_any_display_name_comes_back(name: str) -> None:
    line = header_line("From", f'"{name}" <a@x.org>')
    message = email.message_from_bytes(line + b"\r\n", policy=SMTP)
    assert message["From"].addresses[0].addr_spec == "a@x.org"
    # The modern parser puts blanks between adjacent encoded words of a phrase; the older one reads them by RFC 2047.
    phrase = email.message_from_bytes(line + b"\r\n")["From"].removesuffix(" <a@x.org>")
    encoded = "=?" in phrase
    shown = str(make_header(decode_header(phrase))) if encoded else parse_mailbox(f"{phrase} <a@x.org>").name
    assert shown == name


BODIES = st.one_of(
    st.text(max_size=500),
    st.lists(
        st.sampled_from(
            [".", "..", "a", "ä" * 30, "x" * 75, " ", "\t", "\r\n", "\n", "\r", "=", "-", "x" * 990, "From "]
        ),
        max_size=40,
    ).map("".join),
)


@given(BODIES, BODIES)
def test_any_bodies_come_back(text: str, html: str) -> None:
    message = parsed(compiled(*HEADERS, text=text, html=html))
    parts = [content_of(part) for part in message.iter_parts() if isinstance(part, EmailMessage)]
    for part, given_text in zip(parts, (text, html), strict=True):
        whole = read_lines(given_text).removesuffix("\n") + "\n"
        assert part in {whole, whole[:-1]}  # the last line end may be the delimiter's
    single = parsed(compiled(*HEADERS, text=text))
    assert content_of(single).removesuffix("\n") == read_lines(text).removesuffix("\n")
    if single["Content-Transfer-Encoding"] != "7bit":
        assert max(map(len, compiled(text=text).body.split(b"\r\n"))) <= 76
