"""Email ids: made and read."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from app.core.messages import email_id, parse_email_id

SECONDS = st.integers(0, 2**34 - 1).map(lambda at: datetime.fromtimestamp(at, UTC))


def test_it_looks_as_documented() -> None:
    at = datetime(2016, 11, 22, tzinfo=UTC)
    assert email_id(at, 0x125A8749, "mail-1") == "20161122000000.0000125a8749@mail-1"


@given(SECONDS, st.integers(1, 2**48 - 1))
def test_what_was_made_is_read(at: datetime, message_id: int) -> None:
    assert parse_email_id(email_id(at, message_id, "mail-1")) == (at, message_id)


@given(st.text(max_size=80))
def test_anything_else_is_none(text: str) -> None:
    found = parse_email_id(text)
    assert found is None or email_id(*found, text.partition("@")[2]) == text
