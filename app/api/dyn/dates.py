"""Instants as the classic API reads and writes them. Imports the standard library only.

Source: docs/contract/dyn-email.md, sections 3.3 and 4.
"""

import re
from datetime import UTC, datetime, timedelta, timezone

_ISO = re.compile(
    r"""(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)
        (?: [Tt\ ] (?P<hour>\d\d) (?: :(?P<minute>\d\d) (?: :(?P<second>\d\d) (?:[.,](?P<fraction>\d{1,12}))? )? )? )?
        (?P<zone> \ ?[Zz] | \ ?[+-]\d\d:?\d\d | \ \d\d:?\d\d )?""",
    re.VERBOSE | re.ASCII,
)
_EPOCH = re.compile(r"\d{1,10}|\d{13}", re.ASCII)
_MILLISECOND_DIGITS = 13
_DAY = timedelta(days=1)
_LAST = datetime.max.replace(tzinfo=UTC)


def parse_start(text: str) -> datetime | None:
    """Return the instant a range begins with, aware, UTC; None when the text is not a date."""
    return _parse(text, date_alone=timedelta())


def parse_end(text: str) -> datetime | None:
    """Return the instant a range ends before, aware, UTC: for a date alone the end of that day. None: not a date."""
    return _parse(text, date_alone=_DAY)


def iso(moment: datetime) -> str:
    """Return an instant as answers show it: `2014-01-31T10:00:05+00:00`, UTC, whole seconds."""
    return moment.astimezone(UTC).replace(microsecond=0).isoformat()


def _parse(text: str, *, date_alone: timedelta) -> datetime | None:
    text = text.strip()
    try:
        if _EPOCH.fullmatch(text):
            number = int(text)
            if len(text) == _MILLISECOND_DIGITS:
                return datetime.fromtimestamp(number // 1000, UTC) + timedelta(milliseconds=number % 1000)
            return datetime.fromtimestamp(number, UTC)
        match = _ISO.fullmatch(text)
        if match is None:
            return None
        moment = datetime(  # noqa: DTZ001 the zone is honoured below
            int(match["year"]),
            int(match["month"]),
            int(match["day"]),
            int(match["hour"] or 0),
            int(match["minute"] or 0),
            int(match["second"] or 0),
            int((match["fraction"] or "0")[:6].ljust(6, "0")),
        )
        moment = moment.replace(tzinfo=_zone(match["zone"])).astimezone(UTC)
        if match["hour"] is not None:
            return moment
        return moment + min(date_alone, _LAST - moment)  # the calendar's last day ends with the calendar
    except (ValueError, OverflowError):
        return None


def _zone(text: str | None) -> timezone:
    """Read an offset; a blank in place of the sign is a plus that nobody escaped.

    Raises:
        ValueError: It is a day or more.
    """
    if text is None or text.strip() in {"Z", "z"}:
        return UTC
    digits = text.strip().lstrip("+-").replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if "-" in text else offset)
