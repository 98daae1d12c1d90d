import contextlib
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.audiences import MAX_VALUE, as_text, check_value
from app.core.errors import Fault, Invalid


@pytest.mark.parametrize(
    ("value", "text"),
    [(" x ", "x"), ("  ", None), (None, None), (True, "true"), (False, "false"), (5, "5"), (1.5, "1.5"),
     (["a", 2, True], "a,2,true"), ([], None), ("\u00e4", "\u00e4")],
)  # fmt: skip
def test_values_become_text(value: object, text: str | None) -> None:
    assert as_text("F", value) == text


@pytest.mark.parametrize("value", [{}, {"a": 1}, [["a"]], [{}], "\x00", "\ud800", object()])
def test_what_has_no_text_is_refused(value: object) -> None:
    with pytest.raises(Invalid, match="F must be a string"):
        as_text("F", value)


def test_a_value_has_a_longest_length() -> None:
    assert as_text("F", "x" * MAX_VALUE)
    with pytest.raises(Invalid) as caught:
        as_text("F", "x" * (MAX_VALUE + 1))
    assert caught.value.faults[0].fault is Fault.TOO_LONG


@pytest.mark.parametrize(
    ("kind", "good", "bad", "message"),
    [
        ("number", ["0", "-1", "3.14", "007"], ["", "1.", ".5", "+1", "1e5", "1,5", "٣", "1\n"], "must be a number"),
        ("date", ["2024-02-29", "0001-01-01"], ["2023-02-29", "2024-2-9", "20240229", "2024-02-29T00:00", "2024-02-29\n"], "is not a valid date"),
        ("datetime", ["2024-02-29T10:30", "2024-02-29 10:30:59", "2024-02-29T10:30Z", "2024-02-29T10:30:00+07:00", "2024-02-29 10:30-0330"], ["2024-02-29", "2024-02-30T10:30", "2024-02-29T24:30", "2024-02-29T10", "2024-02-29T10:30:00.5"], "is not a valid date"),
        ("time", ["00:00", "23:59:59"], ["24:00", "7:30", "10:60", "10", "10:30:00Z"], "is not a valid date"),
        ("text", ["anything"], [], ""),
        ("textarea", ["any\nthing"], [], ""),
    ],
)  # fmt: skip
def test_values_have_the_form_of_their_type(kind: str, good: list[str], bad: list[str], message: str) -> None:
    for text in good:
        check_value("F", kind, text)
    for text in bad:
        with pytest.raises(Invalid, match=f"F {message}"):
            check_value("F", kind, text)


@given(st.sampled_from(["number", "date", "datetime", "time", "text", "textarea"]), st.text())
def test_a_value_is_accepted_or_invalid_and_nothing_else(kind: str, text: str) -> None:
    with contextlib.suppress(Invalid):
        check_value("F", kind, text)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_any_json_value_has_a_text_or_is_invalid(value: object) -> None:
    try:
        text = as_text("F", value)
    except Invalid:
        return
    assert text is None or (text and text == text.strip() and "\x00" not in text)


@given(st.datetimes())
def test_every_moment_is_valid_in_its_types(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    check_value("F", "datetime", moment.isoformat())
    check_value("F", "datetime", moment.isoformat(" "))
    check_value("F", "date", moment.date().isoformat())
    check_value("F", "time", moment.time().isoformat("minutes"))
