"""Tokens that confirm a subscription."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail import confirmation

KEY, OLD = b"k" * 32, b"o" * 32


@given(st.integers(0, confirmation.MAX_ID))
def test_a_token_is_read_back_under_any_of_the_keys(contact_id: int) -> None:
    token = confirmation.token(OLD, contact_id)
    assert len(token) == confirmation.LENGTH
    assert confirmation.read([KEY, OLD], token) == contact_id
    assert confirmation.read([KEY], token) is None
    assert confirmation.read([], token) is None


@given(st.integers(0, confirmation.LENGTH - 1), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_an_altered_token_is_none(place: int, char: str) -> None:
    token = confirmation.token(KEY, 123_456)
    altered = token[:place] + char + token[place + 1 :]
    assert confirmation.read([KEY], altered) == (123_456 if altered == token else None)


@given(st.text(max_size=60))
def test_other_text_is_none(text: str) -> None:
    assert confirmation.read([KEY], text) is None


@pytest.mark.parametrize("contact_id", [-1, confirmation.MAX_ID + 1])
def test_an_id_out_of_range_is_refused(contact_id: int) -> None:
    with pytest.raises(ValueError, match="out of range"):
        confirmation.token(KEY, contact_id)


def test_a_token_ends_where_it_ends() -> None:
    assert confirmation.read([KEY], confirmation.token(KEY, 5) + "\n") is None
