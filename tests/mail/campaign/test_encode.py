"""Segments of quoted-printable, decoded by the standard library in any order."""

import base64
import hashlib
import quopri
import re
from html import escape
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.campaign.encode import Mode, is_simple, plain_value, quoted_text, remembered, written
from app.mail.dkim import body_hash

MODES = tuple(Mode(*one) for one in product((False, True), repeat=2))
TEXTS = st.lists(
    st.one_of(
        st.text(max_size=90),
        st.sampled_from(
            [
                " ",
                "  ",
                ".",
                "..",
                "=",
                "\t",
                "\r\n",
                "\n",
                "\r",
                "é",
                "x" * 73,
                "x" * 74,
                "x" * 75,
                "x" * 76,
                " x" * 40,
            ]
        ),
    ),
    max_size=8,
).map("".join)


def unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()


def check(encoded: bytes) -> None:
    assert encoded.isascii()
    assert encoded == b"" or encoded.endswith(b"\r\n")
    lines = encoded.split(b"\r\n")
    assert max(map(len, lines)) <= 76
    assert not any(line.startswith(b".") or line.endswith(b" ") or b"  " in line for line in lines)
    assert not re.search(rb"[^\r]\n|\r[^\n]|\t|\x00", encoded)


@given(st.lists(st.tuples(TEXTS, st.booleans()), max_size=6), TEXTS)
def test_segments_join_to_the_whole(segments: list[tuple[str, bool]], end: str) -> None:
    parts = [written(text, MODES)[1] if is_value and text else quoted_text(text) for text, is_value in segments]
    parts.append(quoted_text(end, last=True))
    for part in parts:
        check(part)
    whole = b"".join(parts)
    shown = quopri.decodestring(whole).replace(b"\r\n", b"\n").decode()
    # A line end that two segments share is one of each: CR, then LF, are two when they are cut apart.
    expected = "".join(unix(text) for text, _ in segments) + unix(end)
    assert shown == (expected if unix(end).endswith("\n") else expected + "\n")
    assert body_hash(whole + b"--x--\r\n") == _plain_hash(whole + b"--x--\r\n")


def _plain_hash(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


@given(TEXTS.filter(bool) | st.from_regex(r"[ -~]{1,80}", fullmatch=True))
def test_values_are_written_in_each_mode_with_and_without_the_short_way(text: str) -> None:
    shown = {False: text, True: escape(text)}
    expected = tuple(
        quoted_text(shown[mode.escape]) if mode.quoted else plain_value(shown[mode.escape]) for mode in MODES
    )
    assert written(text, MODES) == remembered(text, MODES) == expected


def test_the_short_way_is_for_simple_values_alone() -> None:
    assert all(map(is_simple, ("Anna", "a b.c", "x" * 71)))
    assert not any(map(is_simple, ("", " a", ".a", "a  b", "a&b", "a=b", "é", "x" * 72)))


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("", b""),
        ("a", b"a=\r\n"),
        ("a ", b"a =\r\n"),
        ("a  ", b"a =20=\r\n"),
        ("a \nb", b"a=20\r\nb=\r\n"),
        (".a\n..b\n", b"=2Ea\r\n=2E.b\r\n"),
        ("\t=", b"=09=3D=\r\n"),
        ("é", b"=C3=A9=\r\n"),
        ("\ud800", b"?=\r\n"),
        ("x" * 76, b"x" * 75 + b"=\r\nx=\r\n"),
        ("x" * 74 + "é", b"x" * 74 + b"=\r\n=C3=A9=\r\n"),
        ("." * 75, b"=2E" + b"." * 72 + b"=\r\n=2E.=\r\n"),
    ],
)
def test_examples(text: str, encoded: bytes) -> None:
    assert quoted_text(text) == encoded


def test_the_last_text_ends_its_line() -> None:
    assert quoted_text("a", last=True) == b"a\r\n"
    assert quoted_text("a\n", last=True) == b"a\r\n"
    assert quoted_text("a ", last=True) == b"a=20\r\n"
    assert quoted_text("", last=True) == b"\r\n"


def test_plain_values_have_network_line_ends() -> None:
    assert plain_value("a\nb\r\nc\rdé") == "a\r\nb\r\nc\r\ndé".encode()
    assert plain_value("é\ud800") == "é?".encode()
