import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.dyn.account_fields import is_url, offset_text, parse_offset


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("+0.00", 0), ("0.00", 0), ("-5.00", -300), ("5.30", 330), ("+13.00", 780), ("-12.00", -720), ("-0500", -300),
        ("+0530", 330), ("0530", 330), ("13.01", None), ("-12.30", None), ("5.60", None), ("5.5", None), ("5", None),
        ("UTC", None), ("+1400", None), ("--5.00", None), ("\u0665.00", None), ("5.00\n", None),
    ],
)  # fmt: skip
def test_offsets(text: str, minutes: int | None) -> None:
    assert parse_offset(text) == minutes


@given(st.integers(-720, 780))
def test_what_is_shown_is_read_back(minutes: int) -> None:
    assert parse_offset(offset_text(minutes)) == minutes


@given(st.text())
def test_any_text_is_answered(text: str) -> None:
    parse_offset(text)
    is_url(text)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("https://hooks.example.com/b?e=@email&x=@X-Campaign", True), ("HTTP://x.example:8080", True),
        ("http://[::1]/", True), ("http://", False), ("http:///path", False), ("ftp://x.example/", False),
        ("x.example", False), ("http://x.example/a b", False), ("http://x.example/\r\nX: y", False),
        ("http://[::1/", False), ("http://x.example:port/", False), ("http://x.example/" + "a" * 2000, False),
    ],
)  # fmt: skip
def test_urls(text: str, fits: bool) -> None:
    assert is_url(text) is fits
