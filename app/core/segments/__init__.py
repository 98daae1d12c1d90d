"""Contacts by conditions: filters, saved segments, pages and counts of them. Owns the table `segments`."""

from app.core.segments.checking import MAX_CONDITIONS, OPERATORS, condition_of, definition_of
from app.core.segments.compiling import Compiled, compiled
from app.core.segments.selecting import SAMPLE, Position, Preview, count, counts, position_of, preview, select_page
from app.core.segments.service import change, create, definition, delete, get, how_many, list_after
from app.core.segments.values import Condition, ContactFilter, Definition, Kind, Match, Sort
from app.core.segments.writing import conditions_out
from app.models.segment import Segment

__all__ = [
    "MAX_CONDITIONS",
    "OPERATORS",
    "SAMPLE",
    "Compiled",
    "Condition",
    "ContactFilter",
    "Definition",
    "Kind",
    "Match",
    "Position",
    "Preview",
    "Segment",
    "Sort",
    "change",
    "compiled",
    "condition_of",
    "conditions_out",
    "count",
    "counts",
    "create",
    "definition",
    "definition_of",
    "delete",
    "get",
    "how_many",
    "list_after",
    "position_of",
    "preview",
    "select_page",
]
