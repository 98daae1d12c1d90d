"""Reads the shaping rules: the packaged `shaping.toml`, and the operator's file over it.

May import `rules` and the standard library. Every error names the file, the entry and the field.
"""

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from app.delivery.shaping.rules import Limits, Rules, ShapingProblem, SiteRule, WarmupPlan

PACKAGED = Path(__file__).parent / "shaping.toml"
"""The defaults."""
MAX_FILE = 1024 * 1024
"""Largest rules file, in bytes."""
MAX_DAYS = 366
"""Longest warm-up plan."""
MAX_WHOLE = 1_000_000
"""Largest number of connections or messages per connection."""
MAX_PER_DAY = 1_000_000_000
"""Largest number of a plan."""

_HOST = re.compile(r"(?:\*\.)?[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63}){0,20}\Z")
_RATE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*/\s*(s|second|min|minute|h|hour|day)\Z")
RELAY_MESSAGES = 1_000
"""Messages per session with a relay, which is the operator's own: opening one costs as much as dozens of messages."""

_UNITS = {"s": 1, "second": 1, "min": 60, "minute": 60, "h": 3600, "hour": 3600, "day": 86_400}
_WHOLE = ("connections", "messages_per_connection", "circuit_failures")
_SECONDS = ("circuit_seconds", "circuit_seconds_max")
_FIELDS = frozenset({*_WHOLE, *_SECONDS, "rate"})


def load_rules(operator_file: Path | None = None, *, connections: int = 10) -> Rules:
    """Return the packaged rules with the operator's over them.

    Args:
        operator_file: A file of the same form; None: the packaged ones alone. An entry of the same name changes the
            fields it gives, and every entry of this file is looked at before the packaged ones.
        connections: Sessions one process opens to one destination at most (setting `delivery.connections`).

    Raises:
        ShapingProblem: A file can't be read or an entry is not valid.
    """
    base = _parse(PACKAGED)
    own = _parse(operator_file) if operator_file else {}
    own_name = str(operator_file)
    default = _limits(base.get("default", {}), Limits(), PACKAGED.name, "[default]")
    default = _limits(own.get("default", {}), default, own_name, "[default]")
    packaged = _entries(base, PACKAGED.name)
    written = _entries(own, own_name)
    merged = {name: {**packaged.get(name, {}), **entry} for name, entry in written.items()}
    merged |= {name: entry for name, entry in packaged.items() if name not in merged}
    return Rules(
        default=default,
        relay=replace(Limits(), connections=connections, messages_per_connection=RELAY_MESSAGES, shared=False),
        sites=tuple(
            _site(name, entry, default, own_name if name in written else PACKAGED.name)
            for name, entry in merged.items()
        ),
        warmups={**_warmups(base, PACKAGED.name), **_warmups(own, own_name)},
        process_connections=connections,
    )


def _parse(path: Path) -> dict[str, Any]:
    try:
        content = path.read_bytes()
        if len(content) > MAX_FILE:
            raise ShapingProblem(f"{path}: larger than {MAX_FILE} bytes")
        data = tomllib.loads(content.decode("utf-8"))
    except OSError as error:
        raise ShapingProblem(f"{path}: can't be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ShapingProblem(f"{path}: not valid TOML: {error}") from error
    unknown = data.keys() - {"default", "site", "warmup"}
    if unknown:
        raise ShapingProblem(f"{path}: unknown table {min(unknown)!r}; there are default, site and warmup")
    return data


def _entries(data: Mapping[str, Any], file: str) -> dict[str, dict[str, Any]]:
    """Return the [[site]] entries by name.

    Raises:
        ShapingProblem: One has no name, or a name another has.
    """
    entries: dict[str, dict[str, Any]] = {}
    listed = data.get("site", [])
    if not isinstance(listed, list):
        raise ShapingProblem(f"{file}: site entries begin with [[site]], in double brackets")
    for number, entry in enumerate(listed, 1):
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not name:
            raise ShapingProblem(f"{file}: [[site]] number {number} needs a name")
        if name in entries:
            raise ShapingProblem(f"{file}: two [[site]] entries have the name {name!r}")
        entries[name] = entry
    return entries


def _site(name: str, entry: Mapping[str, Any], default: Limits, file: str) -> SiteRule:
    where = f"[[site]] {name!r}"
    hosts = entry.get("hosts")
    if not isinstance(hosts, list) or not hosts:
        raise ShapingProblem(f"{file}: {where}: hosts must be a list with at least one host name")
    masks = [str(host).lower() for host in hosts]
    for mask in masks:
        if not _HOST.match(mask):
            raise ShapingProblem(f"{file}: {where}: {mask!r} is neither a host name nor *.domain")
    fields = {key: value for key, value in entry.items() if key not in {"name", "hosts"}}
    return SiteRule(name, tuple(masks), _limits(fields, default, file, where))


def _limits(entry: Mapping[str, Any], base: Limits, file: str, where: str) -> Limits:
    if not isinstance(entry, dict):
        raise ShapingProblem(f"{file}: {where} must be a table")
    unknown = entry.keys() - _FIELDS
    if unknown:
        raise ShapingProblem(f"{file}: {where}: unknown field {min(unknown)!r}; there are {', '.join(sorted(_FIELDS))}")
    changes: dict[str, Any] = {}
    for field, value in entry.items():
        if field == "rate":
            changes[field] = _rate(value, file, where)
        elif field in _WHOLE:
            changes[field] = _whole(value, f"{file}: {where}: {field}", MAX_WHOLE)
        else:
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 86_400:  # noqa: PLR2004 a day
                raise ShapingProblem(f"{file}: {where}: {field} must be seconds, more than 0 and at most 86400")
            changes[field] = float(value)
    limits = replace(base, **changes)
    if limits.circuit_seconds_max < limits.circuit_seconds:
        raise ShapingProblem(f"{file}: {where}: circuit_seconds_max is less than circuit_seconds")
    return limits


def _rate(value: object, file: str, where: str) -> float | None:
    """Return messages per second of "20/s", "300/minute", "1000/hour", a number, or "unlimited".

    Raises:
        ShapingProblem: It is none of these.
    """
    if value == "unlimited":
        return None
    rate = math.nan
    if isinstance(value, int | float) and not isinstance(value, bool):
        rate = float(value)
    elif isinstance(value, str) and (match := _RATE.match(value.strip().lower())):
        rate = float(match[1]) / _UNITS[match[2]]
    if not 0 < rate <= 1e6:  # noqa: PLR2004 also false for NaN
        raise ShapingProblem(
            f'{file}: {where}: rate must be like "20/s", "300/minute", "5000/hour" or "unlimited", not {value!r}'
        )
    return rate


def _whole(value: object, what: str, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise ShapingProblem(f"{what} must be a whole number from 1 to {most}, not {value!r}")
    return value


def _warmups(data: Mapping[str, Any], file: str) -> dict[str, WarmupPlan]:
    plans: dict[str, WarmupPlan] = {}
    table = data.get("warmup", {})
    if not isinstance(table, dict):
        raise ShapingProblem(f'{file}: a warm-up plan begins with [warmup."example.com"]')
    for domain, plan in table.items():
        where = f'{file}: [warmup."{domain}"]'
        if not _HOST.match(domain.lower()) or domain.startswith("*"):
            raise ShapingProblem(f"{where}: not a domain; write it in quotes")
        if not isinstance(plan, dict) or plan.keys() != {"started_on", "per_day"}:
            raise ShapingProblem(f"{where} needs started_on and per_day, and nothing else")
        # A TOML date with a time is a datetime, which is a date as well for isinstance.
        if type(plan["started_on"]) is not date:
            raise ShapingProblem(f"{where}: started_on must be a date such as 2026-11-20, without quotes")
        counts = plan["per_day"]
        if not isinstance(counts, list) or not 1 <= len(counts) <= MAX_DAYS:
            raise ShapingProblem(f"{where}: per_day must be a list of 1 to {MAX_DAYS} numbers")
        per_day = tuple(_whole(count, f"{where}: per_day", MAX_PER_DAY) for count in counts)
        plans[domain.lower()] = WarmupPlan(plan["started_on"], per_day)
    return plans
