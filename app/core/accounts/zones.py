"""Time zones of accounts: names of the IANA database, and offsets where only those are known. Imports the errors.

Source: docs/contract/native.md, 2, "time_zone".
"""

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from app.core.errors import Fault, FieldFault, Invalid

UTC_NAME = "UTC"
_MAX_LENGTH = 64
_MINUTES = 60
_LEAST, _MOST = -12 * 60, 14 * 60
"""Offsets that the IANA database has names for, in minutes."""
_OFFSET = re.compile(r"UTC([+-])(\d\d):([0-5]\d)\Z", re.ASCII)
_NOT_ZONES = frozenset({"localtime", "Factory"})


def zone_of_offset(minutes: int) -> str:
    """Return the name of an offset: `UTC`, `Etc/GMT-2` (whole hours; its sign is that of POSIX), else `UTC+05:30`.

    Args:
        minutes: East of UTC.
    """
    if not minutes:
        return UTC_NAME
    hours, rest = divmod(abs(minutes), _MINUTES)
    if not rest and _LEAST <= minutes <= _MOST:
        return f"Etc/GMT{'-' if minutes > 0 else '+'}{hours}"
    return f"UTC{'+' if minutes > 0 else '-'}{hours:02}:{rest:02}"


def read_zone(text: str) -> tuple[str | None, int]:
    """Return the zone to keep and its offset in minutes: that of its standard time in the present year.

    Args:
        text: A name of the IANA database as it is spelt there, or an offset as `zone_of_offset` writes it, which
            gives None for the zone.

    Raises:
        Invalid: It is neither.
    """
    if match := _OFFSET.match(text):
        minutes = (int(match[2]) * _MINUTES + int(match[3])) * (-1 if match[1] == "-" else 1)
        if _LEAST <= minutes <= _MOST:
            return None, minutes
    if len(text) <= _MAX_LENGTH and text in _names():
        return text, _standard_minutes(ZoneInfo(text))
    raise Invalid([FieldFault("time_zone", Fault.INVALID, "is not a time zone of the IANA database")])


def _standard_minutes(zone: ZoneInfo) -> int:
    year = datetime.now(UTC).year
    for month in (1, 7):
        moment = datetime(year, month, 1, tzinfo=zone)
        if not moment.dst():
            return round((moment.utcoffset() or timedelta()).total_seconds() / _MINUTES)
    return round((datetime(year, 1, 1, tzinfo=zone).utcoffset() or timedelta()).total_seconds() / _MINUTES)


@cache
def _names() -> frozenset[str]:
    # Files such as "localtime" name whatever the machine is set to.
    return frozenset(available_timezones() - _NOT_ZONES)
