"""Parameters with a shape: offsets, flags and date ranges. A bad one is noted, not raised.

May import the parameters, dates and errors of this family.

Source: docs/contract/dyn-email.md, sections 3.3 and 3.4.
"""

from datetime import datetime

from app.api.dyn.dates import parse_end, parse_start
from app.api.dyn.errors import Problems
from app.api.dyn.params import Params

MAX_OFFSET = 2**62
"""Larger offsets are read as this one: past the end of anything."""

_FLAGS = {"1": True, "0": False, "true": True, "false": False}


def read_start_index(params: Params, problems: Problems) -> int:
    """Return the offset of a page, 0 when there is none; notes one that is not a non-negative integer."""
    text = (params.text("startindex") or "0").strip()
    if not (text.isascii() and text.isdecimal()):
        problems.not_valid("startindex")
        return 0
    digits = text.lstrip("0")
    return min(int(digits or 0), MAX_OFFSET) if len(digits) < len(str(MAX_OFFSET)) else MAX_OFFSET


def read_flag(params: Params, name: str, problems: Problems) -> bool | None:
    """Return a flag, None when it is absent; notes a value other than 1, 0, true and false."""
    text = params.text(name)
    if text is None:
        return None
    flag = _FLAGS.get(text.strip().lower())
    if flag is None:
        problems.not_valid(name)
    return flag


def read_range(params: Params, problems: Problems) -> tuple[datetime | None, datetime | None]:
    """Return start and end of a half-open range, UTC, each None when absent; notes what is not a date.

    `starttime` and `endtime` win over `startdate` and `enddate`. What an absent bound means is the caller's to say.
    """
    start_text = params.text("starttime") or params.text("startdate")
    end_text = params.text("endtime") or params.text("enddate")
    start = parse_start(start_text) if start_text else None
    end = parse_end(end_text) if end_text else None
    if start_text and start is None:
        problems.not_valid("starttime")
    if end_text and end is None:
        problems.not_valid("endtime")
    return start, end
