"""Templates, audiences and campaigns found by any of their fields. Reads the tables of others; owns none.

    fields    what can be asked about each noun
    find      a page of objects that meet conditions, and how many there are in all
    count     how many
    load      the objects of a page, in order

Imports: campaigns and audiences (their values), models, db, kit; `re2` for regular expressions.
"""

from app.core.finding.fields import Noun, has_extra, kinds
from app.core.finding.regexes import MAX_PATTERN, UnreadablePattern, check_pattern
from app.core.finding.service import count, find, load
from app.core.finding.values import Condition, Kind, Operator, Order, Page, Scalar, as_number

__all__ = [
    "MAX_PATTERN",
    "Condition",
    "Kind",
    "Noun",
    "Operator",
    "Order",
    "Page",
    "Scalar",
    "UnreadablePattern",
    "as_number",
    "check_pattern",
    "count",
    "find",
    "has_extra",
    "kinds",
    "load",
]
