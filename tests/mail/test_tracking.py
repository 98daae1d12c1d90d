"""Tokens of links: what is made is read, what is altered is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.tracking import CLICK_LENGTH, LENGTH, MAX_LINKS, Purpose, Tokens, link_chars, read, read_click

KEY = b"k" * 32
OTHER = b"o" * 32
ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
TIMES = st.integers(0, (1 << 34) - 1)
IDS = st.integers(0, (1 << 48) - 1)


def tokens(accepted_at: int = 1_700_000_000, message_id: int = 1_234_567, links: int = 20) -> Tokens:
    return Tokens(KEY, accepted_at=accepted_at, message_id=message_id, links=links)


@given(TIMES, IDS)
def test_tokens_come_back(accepted_at: int, message_id: int) -> None:
    made = tokens(accepted_at, message_id)
    for purpose in Purpose:
        token = made.of(purpose).decode()
        assert len(token) == LENGTH
        assert read([OTHER, KEY], token, purpose) == (accepted_at, message_id)
    payload, *macs = made.pieces()
    assert [payload + mac for mac in macs[: len(Purpose)]] == [made.of(purpose) for purpose in Purpose]
    assert len(macs) == len(Purpose) + 20
    for number, mac in enumerate(macs[len(Purpose) :]):
        click = payload + link_chars(number) + mac
        assert click == made.click(number)
        assert len(click) == CLICK_LENGTH
        assert read_click([KEY, OTHER], click.decode()) == (accepted_at, message_id, number)


def test_a_token_is_good_for_its_purpose_alone() -> None:
    made = tokens()
    seen = {made.of(purpose) for purpose in Purpose}
    assert len(seen) == len(Purpose)
    for purpose in Purpose:
        for other in set(Purpose) - {purpose}:
            assert read([KEY], made.of(purpose).decode(), other) is None
        assert read([OTHER], made.of(purpose).decode(), purpose) is None
        assert read([], made.of(purpose).decode(), purpose) is None
    assert read_click([OTHER], made.click(0).decode()) is None


@given(TIMES, IDS, st.integers(0, 19), st.integers(0, CLICK_LENGTH - 1), st.sampled_from(ALPHABET + "A=1é"))
def test_an_altered_click_is_none(accepted_at: int, message_id: int, number: int, place: int, char: str) -> None:
    token = tokens(accepted_at, message_id).click(number).decode()
    altered = token[:place] + char + token[place + 1 :]
    if altered != token:
        assert read_click([KEY], altered) is None


@given(TIMES, IDS, st.sampled_from(Purpose), st.integers(0, LENGTH - 1), st.sampled_from(ALPHABET + "Z0 \n"))
def test_an_altered_token_is_none(accepted_at: int, message_id: int, purpose: Purpose, place: int, char: str) -> None:
    token = tokens(accepted_at, message_id).of(purpose).decode()
    altered = token[:place] + char + token[place + 1 :]
    if altered != token:
        assert read([KEY], altered, purpose) is None


@given(st.one_of(st.text(max_size=40), st.text(ALPHABET, min_size=LENGTH, max_size=CLICK_LENGTH)))
def test_foreign_text_is_none(text: str) -> None:
    assert read_click([KEY], text) is None
    assert all(read([KEY], text, purpose) is None for purpose in Purpose)


def test_tokens_of_other_lengths_are_none() -> None:
    made = tokens()
    token, click = made.of(Purpose.OPEN).decode(), made.click(1).decode()
    for wrong in (token[:-1], token + "a", token + "\n", token.upper(), ""):
        assert read([KEY], wrong, Purpose.OPEN) is None
    for wrong in (click[:-1], click + "a", click + "\n", click.upper(), token):
        assert read_click([KEY], wrong) is None


def test_the_number_of_links_is_bounded() -> None:
    made = tokens(links=MAX_LINKS)
    last = made.click(MAX_LINKS - 1).decode()
    assert read_click([KEY], last) == (1_700_000_000, 1_234_567, MAX_LINKS - 1)
    with pytest.raises(ValueError, match="out of range"):
        tokens(links=MAX_LINKS + 1)
    with pytest.raises(ValueError, match="out of range"):
        tokens(accepted_at=1 << 34)
    with pytest.raises(ValueError, match="out of range"):
        tokens(message_id=1 << 48)
