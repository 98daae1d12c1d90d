"""Tokens and return paths."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.verp import decode, encode, return_path, token_of

KEY = b"k" * 32
TIMES = st.integers(0, 2**34 - 1)
IDS = st.integers(0, 2**48 - 1)


@given(TIMES, IDS)
def test_a_token_names_its_copy(accepted_at: int, message_id: int) -> None:
    token = encode(KEY, accepted_at=accepted_at, message_id=message_id)
    assert re.fullmatch(r"[a-z2-7]{24}", token)
    assert decode([b"new" * 12, KEY], token) == (accepted_at, message_id)


@given(TIMES, IDS, st.integers(0, 23), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_a_changed_token_names_nothing(accepted_at: int, message_id: int, place: int, letter: str) -> None:
    token = encode(KEY, accepted_at=accepted_at, message_id=message_id)
    changed = token[:place] + letter + token[place + 1 :]
    assert decode([KEY], changed) == ((accepted_at, message_id) if changed == token else None)


@given(st.text(max_size=30))
def test_any_text_decodes_to_nothing(text: str) -> None:
    assert decode([KEY], text) is None


def test_keys_and_purposes_are_apart() -> None:
    token = encode(KEY, accepted_at=1, message_id=2, purpose=b"unsubscribe")
    assert decode([KEY], token) is None
    assert decode([b"x"], token, purpose=b"unsubscribe") is None
    assert decode([KEY], token, purpose=b"unsubscribe") == (1, 2)


@pytest.mark.parametrize(("accepted_at", "message_id"), [(2**34, 0), (0, 2**48), (-1, 0), (0, -1)])
def test_numbers_out_of_range_are_refused(accepted_at: int, message_id: int) -> None:
    with pytest.raises(ValueError, match="range"):
        encode(KEY, accepted_at=accepted_at, message_id=message_id)


TOKEN = encode(KEY, accepted_at=1_479_772_800, message_id=7)


@pytest.mark.parametrize(
    ("recipient", "local"),
    [
        ("jo@example.org", f"bounces+{TOKEN}+jo=example.org"),
        ("jo+tag@example.org", f"bounces+{TOKEN}+jo+tag=example.org"),
        ("j" * 40 + "@example.org", f"bounces+{TOKEN}"),
        ('"jo doe"@example.org', f"bounces+{TOKEN}"),
        ("jörg@example.org", f"bounces+{TOKEN}"),
    ],
)
def test_the_return_path_carries_the_recipient_when_it_can(recipient: str, local: str) -> None:
    path = return_path(TOKEN, recipient, "bounce.example")
    assert path == f"{local}@bounce.example"
    assert token_of(path) == TOKEN
    assert token_of(path.upper()) == TOKEN


@pytest.mark.parametrize(
    "address",
    ["", "jo@example.org", "bounces@x.org", "bounces+short@x.org", f"other+{TOKEN}@x.org", f"bounces+{TOKEN}x@x.org"],
)
def test_other_addresses_carry_no_token(address: str) -> None:
    assert token_of(address) is None


def test_the_unsubscribe_address_carries_one_too() -> None:
    assert token_of(f"unsubscribe+{TOKEN}@bounce.example", prefix="unsubscribe") == TOKEN
