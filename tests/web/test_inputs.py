"""Which input shows a value without changing it."""

import pytest

from app.core.errors import Fault
from app.models.audience_field import AudienceField, FieldType
from app.web.inputs import change_of, row_of


def field(kind: FieldType) -> AudienceField:
    return AudienceField(tag="F", label="F", type=kind, required=False, visible=True)


@pytest.mark.parametrize(
    ("type_", "stored", "kind", "shown"),
    [
        (FieldType.TEXT, "", "text", ""),
        (FieldType.TEXT, "a\r\nb", "textarea", "a\nb"),
        (FieldType.TEXTAREA, "", "textarea", ""),
        (FieldType.NUMBER, "-3.50", "number", "-3.50"),
        (FieldType.NUMBER, "1" * 16, "text", "1" * 16),
        (FieldType.DATE, "2021-12-04", "date", "2021-12-04"),
        (FieldType.TIME, "07:29", "time", "07:29"),
        (FieldType.DATETIME, "", "datetime-local", ""),
        (FieldType.DATETIME, "2021-12-04 07:29:01", "datetime-local", "2021-12-04T07:29:01"),
        (FieldType.DATETIME, "2021-12-04 07:29Z", "text", "2021-12-04 07:29Z"),
    ],
)
def test_a_value_has_the_input_that_keeps_it(type_: FieldType, stored: str, kind: str, shown: str) -> None:
    row = row_of(field(type_), stored)
    assert (row.kind, row.value) == (kind, shown)
    assert change_of(row, shown.replace("\n", "\r\n")) is None
    assert change_of(row, "other") == "other"


@pytest.mark.parametrize(
    ("type_", "fault", "sentence"),
    [
        (FieldType.TEXT, Fault.REQUIRED, "fault_required"),
        (FieldType.TEXT, Fault.TOO_LONG, "fault_too_long"),
        (FieldType.TEXT, Fault.INVALID, "fault_invalid"),
        (FieldType.NUMBER, Fault.INVALID, "fault_number"),
        (FieldType.DATE, Fault.INVALID, "fault_date"),
        (FieldType.DATETIME, Fault.INVALID, "fault_datetime"),
        (FieldType.TIME, Fault.INVALID, "fault_time"),
        (FieldType.TIME, Fault.REQUIRED, "fault_required"),
    ],
)
def test_a_fault_has_a_sentence(type_: FieldType, fault: Fault, sentence: str) -> None:
    row = row_of(field(type_), "").with_answer("x", fault)
    assert (row.fault, row.value) == (sentence, "x")
    assert row.kind == "text"
