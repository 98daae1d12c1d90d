"""Local time and zone to an instant. Pure; imports the errors and the standard library.

Source: docs/contract/dyno.md, section 8; docs/contract/native.md, section 10.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from app.core.errors import Fault, FieldFault, Invalid

LONGEST_TEXT = 64
"""Characters of a time, and of the name of a zone."""
_FORM = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(?::(\d\d)(?:[.,]\d{1,9})?)?(?:[Zz]|([+-])(\d\d)(?::?([0-5]\d))?)?", re.ASCII
)
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?([0-5]\d))?", re.ASCII | re.IGNORECASE)
_ABBREVIATIONS = {"est": -5, "mst": -7, "hst": -10, "utc": 0, "gmt": 0, "z": 0}
"""Hours east of UTC. EST, MST and HST are zones without daylight saving, whatever a place does that says so."""
_FARTHEST = timedelta(hours=14)


@dataclass(frozen=True, slots=True)
class Start:
    """When something is to start.

    Attributes:
        at: The instant, aware, UTC, whole seconds.
        local: The same in its zone, yyyy-MM-ddTHH:mm:ss; a time that daylight saving skips is kept as it was given.
        time_zone: The zone as it was given.
    """

    at: datetime
    local: str
    time_zone: str


def parse_start(text: str, time_zone: str, *, field: str = "iso_start_time", zone_field: str = "time_zone") -> Start:
    """Return the instant of a local time.

    A time that daylight saving skips moves forward; of one that occurs twice the first is meant. A time with `Z` or an
    offset is an instant by itself, and the zone only says how to show it.

    Args:
        text: `yyyy-MM-ddTHH:mm:ss`; seconds may be missing, fractions are dropped.
        time_zone: IANA name ignoring case, `GMT+7`, `UTC+07:00`, `+07:00`, `EST`, `MST`, `HST`.
        field: What the caller calls the time.
        zone_field: What the caller calls the zone.

    Raises:
        Invalid: One of them cannot be read.
    """
    zone = parse_zone(time_zone, field=zone_field)
    unreadable = Invalid([FieldFault(field, Fault.INVALID, "is not a time of the form yyyy-MM-ddTHH:mm:ss")])
    match = _FORM.fullmatch(text.strip()) if len(text) <= LONGEST_TEXT else None
    if match is None:
        raise unreadable
    day, minute, second, sign, hours, minutes = match.groups()
    try:
        given = datetime.fromisoformat(f"{day}T{minute}:{second or '00'}")
        if sign or text.strip()[-1] in "Zz":
            at = given.replace(tzinfo=_offset(sign or "+", hours or "0", minutes)).astimezone(UTC)
            local = at.astimezone(zone)
        else:
            # With fold=0 a skipped time has the offset from before the gap, which moves it forward; of two the
            # first is taken (PEP 495).
            at, local = given.replace(tzinfo=zone).astimezone(UTC), given
    except (ValueError, OverflowError):
        raise unreadable from None
    return Start(at, local.replace(tzinfo=None).isoformat(timespec="seconds"), time_zone.strip())


def parse_zone(name: str, *, field: str = "time_zone") -> tzinfo:
    """Return the zone of that name.

    Raises:
        Invalid: There is no such zone.
    """
    wanted = name.strip().lower()
    if len(name) <= LONGEST_TEXT:
        if wanted in _ABBREVIATIONS:
            return timezone(timedelta(hours=_ABBREVIATIONS[wanted]))
        if known := _names().get(wanted):
            return ZoneInfo(known)
        if match := _OFFSET.fullmatch(wanted):
            try:
                return _offset(*match.groups())
            except ValueError:
                pass
    raise Invalid([FieldFault(field, Fault.INVALID, "is not a time zone")])


def _offset(sign: str, hours: str, minutes: str | None) -> timezone:
    """Return the zone that far from UTC.

    Raises:
        ValueError: Nowhere is that far away.
    """
    distance = timedelta(hours=int(hours), minutes=int(minutes or 0))
    if distance > _FARTHEST:
        raise ValueError(distance)
    return timezone(-distance if sign == "-" else distance)


@cache
def _names() -> dict[str, str]:
    # Files such as "localtime" name whatever the machine is set to.
    return {name.lower(): name for name in available_timezones() if name not in {"localtime", "Factory"}}
