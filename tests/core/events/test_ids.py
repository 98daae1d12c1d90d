"""Public ids of events."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.events import COPY_NUMBERS, ROW_NUMBERS, Event, EventId, Source, attempt_row, id_of, public_id
from app.core.events import read_public_id as read

IDS = st.builds(EventId, st.sampled_from(Source), st.integers(0, COPY_NUMBERS - 1), st.integers(0, ROW_NUMBERS - 1))


@given(IDS)
def test_an_id_leads_back_to_its_event(event: EventId) -> None:
    made = public_id(event)
    assert (made.version, made.variant) == (8, "specified in RFC 4122")
    assert read(made) == event


@given(st.integers(0, (1 << 128) - 1))
def test_a_foreign_uuid_is_none_or_leads_back(number: int) -> None:
    found = read(UUID(int=number))
    assert found is None or public_id(found) == UUID(int=number)


@given(IDS, st.integers(0, 127))
def test_an_id_with_another_bit_is_another(event: EventId, bit: int) -> None:
    assert read(UUID(int=public_id(event).int ^ 1 << bit)) != event


def test_ids_stay_what_they_are() -> None:
    assert str(public_id(EventId(Source.BOUNCED, 1))) == "744e7f6b-5d75-8eba-ada9-28490d41b35f"
    assert str(public_id(EventId(Source.TOLD, 0, 1))) == "1fa4289a-c7b0-88b4-8ff7-5b7a0ca8cab8"
    assert str(public_id(EventId(Source.OPENED, 2, 3))) == "5c2f7044-fded-8e63-ac3f-68e392c0ec3c"


@pytest.mark.parametrize("event", [EventId(Source.TOLD, COPY_NUMBERS), EventId(Source.TOLD, 0, ROW_NUMBERS)])
def test_numbers_out_of_range_have_no_id(event: EventId) -> None:
    with pytest.raises(ValueError, match="range"):
        public_id(event)


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        ("email.bounced", EventId(Source.BOUNCED, 7)),
        ("email.blocked", EventId(Source.BLOCKED, 7)),
        ("email.complained", EventId(Source.COMPLAINED, 7)),
        ("email.unsubscribed", EventId(Source.UNSUBSCRIBED, 7, 9)),
        ("suppression.added", EventId(Source.TOLD, 0, 9)),
        ("of.tomorrow", EventId(Source.TOLD, 0, 9)),
    ],
)
def test_a_row_of_the_outbox_has_the_id_of_what_it_tells(type_: str, expected: EventId) -> None:
    event = Event(
        9, datetime(2026, 1, 1, tzinfo=UTC), 1, type_, 7, datetime(2026, 1, 1, tzinfo=UTC), None, None, "", {}
    )
    assert id_of(event) == expected


def test_attempts_of_other_systems_are_apart_from_ours() -> None:
    rows = {attempt_row(1, 1), attempt_row(2, 1), attempt_row(1, 2), attempt_row(0, -1), attempt_row(0, -(2**51))}
    assert len(rows) == 5
    assert max(rows) < ROW_NUMBERS
