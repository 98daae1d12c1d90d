"""One field of a form: which input shows a stored value without changing it. Pure; imports models' words.

Source: HTML, 4.10.5.1 (what each kind of input takes as its value); docs/contract/dynosend.md, section 7.
"""

import re
from dataclasses import dataclass, replace

from app.core.audiences import MAX_VALUE, AudienceField, FieldType
from app.core.errors import Fault

_LOCAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?\Z")
_MAX_NUMBER = 15
"""Digits up to which a number input keeps a number as it is."""
_FAULTS = {Fault.REQUIRED: "fault_required", Fault.TOO_LONG: "fault_too_long"}
_FAULTS_OF_TYPE = {
    FieldType.NUMBER: "fault_number",
    FieldType.DATE: "fault_date",
    FieldType.DATETIME: "fault_datetime",
    FieldType.TIME: "fault_time",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A field as it stands in the form.

    Attributes:
        tag: Name of the field and of its input.
        label: What people read.
        type: Of the field.
        required: Whether it needs a value.
        kind: `type` of the input, or `textarea`.
        value: What it shows.
        fault: What is wrong with it, in `texts.toml`; "" for nothing.
    """

    tag: str
    label: str
    type: str
    required: bool
    kind: str
    value: str
    fault: str = ""

    @property
    def id(self) -> str:
        """Name of the element."""
        return f"field-{self.tag.lower()}"

    @property
    def step(self) -> str:
        """Of inputs that have one; seconds count."""
        return {"number": "any", "time": "1", "datetime-local": "1"}.get(self.kind, "")

    @property
    def mode(self) -> str:
        """Which keyboard helps where the kind does not say."""
        return "decimal" if self.type == FieldType.NUMBER else ""

    @property
    def max_length(self) -> int | None:
        """Characters, for kinds that take any text."""
        return MAX_VALUE if self.kind in {"text", "textarea"} else None

    def with_answer(self, given: str | None, fault: Fault | None) -> "Row":
        """Return the row as it was filled in; with a fault it takes any text, so that people see what they wrote."""
        value = self.value if given is None else _lines(given)
        key = "" if fault is None else _FAULTS.get(fault) or _FAULTS_OF_TYPE.get(FieldType(self.type), "fault_invalid")
        kind = _kind(self.type, value) if not key else "textarea" if self.kind == "textarea" else "text"
        return replace(self, kind=kind, value=value, fault=key)


def row_of(field: AudienceField, stored: str) -> Row:
    """Return the row of a field with this value; "" for none."""
    value = stored.replace(" ", "T") if field.type == FieldType.DATETIME and _LOCAL.match(stored) else _lines(stored)
    return Row(field.tag, field.label, field.type, field.required, _kind(field.type, value), value)


def change_of(row: Row, given: str) -> str | None:
    """Return the new value of a row; None when the input still holds what it was given, and may."""
    value = _lines(given)
    return None if value == row.value and not is_missing(row, given) else value


def is_missing(row: Row, given: str) -> bool:
    """Say whether a value is needed and was left out."""
    return row.required and not given.strip()


def _kind(type_: str, value: str) -> str:
    match type_:
        case FieldType.TEXTAREA:
            return "textarea"
        case FieldType.NUMBER:
            return "number" if len(value) <= _MAX_NUMBER else "text"
        case FieldType.DATE | FieldType.TIME:
            return str(type_)
        case FieldType.DATETIME:
            return "datetime-local" if not value or _LOCAL.match(value) else "text"
        case _:
            return "textarea" if "\n" in value else "text"  # a line input would lose the breaks


def _lines(text: str) -> str:
    """Return text with line breaks as forms show them: a browser sends CR LF for each."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
