"""Reading mail for display: no bytes make it fail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.sandbox.reading import content_of, decoded, header_lines


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain", "plain"),
        ("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("=?utf-8?b?R3LDvMOfZQ==?= <jo@example.com>", "Grüße <jo@example.com>"),
        ("=?iso-8859-1?q?=FC?= =?utf-8?q?=C3=9F?=", "üß"),
        ("=?nonsense?q?=ff?=", "\ufffd"),
        ("=?utf-8?b?!!!?=", "=?utf-8?b?!!!?="),
        ("a\0b", "ab"),
        ("50 =? 50", "50 =? 50"),
    ],
)
def test_encoded_words_are_decoded_as_far_as_possible(value: str, shown: str) -> None:
    assert decoded(value) == shown


def test_lines_are_unfolded_and_kept_in_order() -> None:
    raw = b"A: 1\r\n\t2\r\nno colon\r\nB:3\r\nA: 4\r\n\r\nC: body\r\n"
    assert list(header_lines(raw)) == [("A", "1 2"), ("B", "3"), ("A", "4")]
    assert list(header_lines(b"\r\nA: body\r\n")) == []
    assert list(header_lines(b"")) == []


def test_parts_are_the_leaves() -> None:
    raw = (
        b"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=nonsense\r\n\r\n"
        b"\xc3\xbc\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>x</p>\r\n--b\r\nContent-Type: image/png; name*=utf-8''%C3%BC.png\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--b--\r\n"
    )
    parts = content_of(raw).parts
    assert [(part.content_type, part.filename, part.size, part.text) for part in parts] == [
        ("text/plain", None, 2, "ü"),
        ("text/html", None, 8, "<p>x</p>"),
        ("image/png", "ü.png", 3, None),
    ]


@given(st.binary(max_size=2000))
def test_any_bytes_can_be_shown(raw: bytes) -> None:
    content = content_of(raw)
    assert "\0" not in "".join(name + value for name, value in content.headers)


MIME = st.lists(
    st.sampled_from(
        [
            b"Content-Type: multipart/mixed; boundary=b\r\n",
            b"Content-Type: message/rfc822\r\n",
            b"Content-Type: text/plain; charset=\xff\r\n",
            b"Content-Disposition: attachment; filename==?utf-8?q?=ff?=\r\n",
            b"Content-Transfer-Encoding: base64\r\n",
            b"Content-Transfer-Encoding: x-uuencode\r\n",
            b"Subject: =?utf-8?b?a?=\r\n",
            b"\r\n",
            b"--b\r\n",
            b"--b--\r\n",
            b"\xff\x00=\r\n",
        ]
    ),
    max_size=20,
)


@given(MIME)
def test_any_tree_can_be_shown(pieces: list[bytes]) -> None:
    for part in content_of(b"".join(pieces)).parts:
        assert part.size >= 0
        assert part.text is None or isinstance(part.text, str)
