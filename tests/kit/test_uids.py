from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.uids import MAX_NUMBER, Noun, number_of_uid, number_of_uuid, uid, uuid

NUMBERS = st.integers(1, MAX_NUMBER)
NOUNS = st.sampled_from(Noun)


@given(NOUNS, NUMBERS)
def test_a_uid_is_thirteen_digits_and_leads_back(noun: Noun, number: int) -> None:
    text = uid(noun, number)
    assert len(text) == 13
    assert set(text) <= set("0123456789abcdef")
    assert number_of_uid(noun, text) == number


@given(NOUNS, NUMBERS)
def test_a_uuid_is_of_version_8_and_leads_back(noun: Noun, number: int) -> None:
    value = uuid(noun, number)
    assert value.version == 8
    assert value.variant == UUID(int=0x8 << 76 | 0x2 << 62).variant
    assert number_of_uuid(noun, value) == number


@given(NOUNS, st.integers(0, MAX_NUMBER))
def test_every_uid_stands_for_one_number(noun: Noun, raw: int) -> None:
    text = f"{raw:013x}"
    number = number_of_uid(noun, text)
    assert number is None or uid(noun, number) == text


@given(NUMBERS)
def test_nouns_name_the_same_number_differently(number: int) -> None:
    assert len({uid(noun, number) for noun in Noun}) == len(Noun)
    assert len({uuid(noun, number) for noun in Noun}) == len(Noun)


@given(NOUNS, NOUNS, NUMBERS)
def test_a_uuid_of_another_noun_is_none_of_ours(noun: Noun, other: Noun, number: int) -> None:
    assert number_of_uuid(noun, uuid(other, number)) == (number if noun is other else None)


@given(NOUNS, st.text() | st.sampled_from(["", "0" * 12, "0" * 14, "G" * 13, "ABCDEF0123456", "0" * 13 + "\n"]))
def test_foreign_text_is_no_uid(noun: Noun, text: str) -> None:
    assert number_of_uid(noun, text) is None or (len(text) == 13 and text.isascii())


@given(NOUNS, st.uuids())
def test_a_foreign_uuid_is_none(noun: Noun, value: UUID) -> None:
    assert number_of_uuid(noun, value) is None


def test_neighbours_look_unlike() -> None:
    names = [uid(Noun.CONTACT, number) for number in range(1, 1001)]
    assert len({name[:3] for name in names}) > 500
    assert len({name[-3:] for name in names}) > 500


def test_names_never_change() -> None:
    assert uid(Noun.CONTACT, 1) == "7b222296bf36e"
    assert str(uuid(Noun.CONTACT, 1)) == "7b222296-bf36-8ede-92d1-95970fc3b5df"


@pytest.mark.parametrize("number", [-1, 0, MAX_NUMBER + 1])
def test_what_is_no_number_of_a_row_has_no_name(number: int) -> None:
    with pytest.raises(ValueError, match="number"):
        uid(Noun.AUDIENCE, number)
    with pytest.raises(ValueError, match="number"):
        uuid(Noun.AUDIENCE, number)
    assert number_of_uuid(Noun.AUDIENCE, uuid4()) is None
