"""What all request bodies have in common. Source: docs/contract/native.md, 1, "Bodies".

A request model derives from `Body`: unknown members are refused, and numbers, booleans and texts are never made of one
another. For `PATCH` every member has a default, and `given` tells which ones the request has.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, model_validator
from pydantic_core import CoreSchema, PydanticCustomError

MAX_DEPTH = 32
"""Levels of objects and lists in a body."""
_STRICT = frozenset({"int", "float", "bool", "str"})


def _make_strict(schema: Any) -> None:
    if isinstance(schema, dict):
        if schema.get("type") in _STRICT:
            schema["strict"] = True
        for key, part in schema.items():
            if key == "fields" and isinstance(part, dict):  # its keys are names that the model chose
                _make_strict(list(part.values()))
            elif key not in {"metadata", "serialization", "default"}:
                _make_strict(part)
    elif isinstance(schema, list | tuple):
        for part in schema:
            _make_strict(part)


def check_text(value: Any, field: str, depth: int = 0) -> None:
    """See that every text in a JSON value can be stored: no NUL, no half of a surrogate pair.

    Args:
        value: Of any form.
        field: The member it belongs to, for the error.
        depth: Levels above it.

    Raises:
        PydanticCustomError: It holds such a text, or more levels than `MAX_DEPTH`; its context names the field.
    """
    if isinstance(value, str):
        if "\0" in value or (not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value)):
            raise PydanticCustomError("characters", "holds characters that can't be stored", {"field": field})
    elif isinstance(value, dict | list):
        if depth >= MAX_DEPTH:
            raise PydanticCustomError("characters", "is nested too deeply", {"field": field})
        inner = [*value, *value.values()] if isinstance(value, dict) else value
        for one in inner:
            check_text(one, field, depth + 1)


class Body(BaseModel):
    """Base of all request models: plain values keep their type, texts can be stored, every member is known."""

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[BaseModel], handler: GetCoreSchemaHandler) -> CoreSchema:
        """Make plain values strict, and them alone: UUIDs, times and enums come as text."""
        schema = handler(source)
        _make_strict(schema)
        return schema

    @model_validator(mode="before")
    @classmethod
    def _storable(cls, values: Any) -> Any:
        if isinstance(values, dict):
            for name, value in values.items():
                check_text(name, "")
                check_text(value, name)
        return values


def given(body: BaseModel) -> dict[str, Any]:
    """Return the members that a request has, for a merge patch (RFC 7396): null is there and clears.

    Nested models come as dictionaries of what they were given, too.
    """
    return body.model_dump(exclude_unset=True)
