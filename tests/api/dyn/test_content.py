"""Bodies: encodings stated and detected."""

import base64
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.dyn.content import ContentEncoding, Undecodable, content_encoding, decode_body

LONG = "Grüße aus Köln, mit einem langen Satz, damit die Erkennung greift."
ENCODED = base64.b64encode(LONG.encode()).decode()
FOLDED = "\r\n".join(ENCODED[at : at + 40] for at in range(0, len(ENCODED), 40))


@pytest.mark.parametrize(
    ("stated", "encoding"),
    [("base64", "base64"), (" Quoted-Printable ", "quoted-printable"), ("8BIT", "8bit"), ("7bit", "7bit"), ("gzip", None), ("", None), (None, None)],
)  # fmt: skip
def test_the_stated_encoding(stated: str | None, encoding: str | None) -> None:
    assert content_encoding(stated) == encoding


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        ("R3LDvMOfZQ==", "Grüße"),
        (" R3LD\r\nvMOf\r\n ZQ==\n", "Grüße"),
        (base64.b64encode(b"caf\xe9").decode(), "café"),
        (base64.b64encode(b"a\0b").decode(), "ab"),
        ("aa /", base64.b64decode("aa+/").decode("latin-1")),
    ],
)
def test_stated_base64(text: str, decoded: str) -> None:
    assert decode_body(text, ContentEncoding.BASE64) == decoded


@pytest.mark.parametrize("text", ["***", "abc", "R3LD=vMOf", "Grüße", "R3LDvMOfZQ==R3LD"])
def test_what_is_no_base64(text: str) -> None:
    with pytest.raises(Undecodable):
        decode_body(text, ContentEncoding.BASE64)


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        ("Gr=C3=BC=c3=9Fe", "Grüße"),
        ("one=\r\ntwo= \t\nthree", "onetwothree"),
        ("caf=E9", "café"),
        ("plain ü", "plain ü"),
        ("a=3Db=00", "a=b"),
        ("line\r\nline", "line\r\nline"),
    ],
)
def test_stated_quoted_printable(text: str, decoded: str) -> None:
    assert decode_body(text, ContentEncoding.QUOTED_PRINTABLE) == decoded


@pytest.mark.parametrize("text", ["a=b", "1 + 1 =", "=GG", '<a href="x">', "=3"])
def test_what_is_no_quoted_printable(text: str) -> None:
    with pytest.raises(Undecodable):
        decode_body(text, ContentEncoding.QUOTED_PRINTABLE)


@pytest.mark.parametrize("stated", [ContentEncoding.EIGHT_BIT, ContentEncoding.SEVEN_BIT])
@pytest.mark.parametrize("text", [ENCODED, "a=3Db"])
def test_a_stated_plain_encoding_switches_detection_off(text: str, stated: ContentEncoding) -> None:
    assert decode_body(text, stated) == text


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        (ENCODED, LONG),
        (FOLDED + "\n", LONG),
        ("a=3Db", "a=b"),
        ('<a href=3D"x">soft=\n break</a>', '<a href="x">soft break</a>'),
        ("soft=\r\nbreak", "softbreak"),
    ],
)  # fmt: skip
def test_encodings_are_detected(text: str, decoded: str) -> None:
    assert decode_body(text, None) == decoded


@pytest.mark.parametrize(
    "text",
    [
        "Hello, world",
        base64.b64encode(b"short").decode(),
        ENCODED[:60],
        ENCODED[:40] + "\n" * 30,
        ENCODED + " ",
        "a" * 63,
        "a" * 64,
        base64.b64encode(b"\xff\xfe" * 40).decode(),
        "a=b and c=3Dd",
        "ü and =3D",
        '<a href="x">=3D</a>',
        "=41=42",
        "ends with =\n=",
        "",
    ],
)
def test_anything_else_is_taken_as_it_is(text: str) -> None:
    assert decode_body(text, None) == text


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=200))
def test_what_was_encoded_comes_back(text: str) -> None:
    encoded = base64.encodebytes(text.encode()).decode()
    assert decode_body(encoded, ContentEncoding.BASE64) == text
    printable = quopri.encodestring(text.encode(), quotetabs=True).decode()
    assert decode_body(printable, ContentEncoding.QUOTED_PRINTABLE) == text


@given(st.text(alphabet="=3Dab+/\r\n \t", max_size=100) | st.text())
def test_detection_never_fails(text: str) -> None:
    decode_body(text, None).replace("\0", "")
