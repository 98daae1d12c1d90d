"""Filters and definitions as boolean SQL. Pure.

Every value is a bound parameter; the text is put together of constants alone. An expression is never null and never
fails, whatever is stored: what does not look like a value of its field's type is as if it were not set, for the
operators that compare by order.

Source: docs/contract/native.md, 6 and 8; docs/contacts.md.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from app.core.segments.ranges import sought
from app.core.segments.values import Condition, ContactFilter, Definition, Kind, Match


@dataclass(frozen=True, slots=True)
class Compiled:
    """A boolean expression over a row `c` of `contacts`.

    Attributes:
        sql: The expression, in brackets.
        args: Values of its parameters, in order.
    """

    sql: str
    args: list[object]


@dataclass(slots=True)
class _Parameters:
    """Parameters of one expression, numbered."""

    first: int
    account_id: int
    args: list[object] = field(default_factory=list)

    def __call__(self, value: object, kind: str = "text") -> str:
        self.args.append(value)
        return f"${self.first + len(self.args) - 1}::{kind}"


def compiled(wanted: ContactFilter, first_parameter: int, *, account_id: int) -> Compiled:
    """Return a filter as SQL for a statement that has `contacts AS c`.

    The statement itself confines `c` to an account and an audience, and to members (`c.removed_at IS NULL`).

    Args:
        wanted: What to find.
        first_parameter: Number of the first parameter that is free, from 1.
        account_id: Whose contacts: what they did is looked for among that account's events and mails.
    """
    bind = _Parameters(first_parameter, account_id)
    parts: list[str] = []
    if wanted.status is not None:
        parts.append(f"c.status = {bind(str(wanted.status))}")
    if wanted.tag is not None:
        parts.append(f"c.tags @> ARRAY[{bind(wanted.tag)}]")
    if wanted.email is not None:
        parts.append(f"c.address = {bind(wanted.email)}")
    if wanted.q is not None:
        part = f"lower({bind(_pattern(wanted.q))})"
        name = "lower(COALESCE(c.fields ->> 'FIRST_NAME', '') || ' ' || COALESCE(c.fields ->> 'LAST_NAME', ''))"
        parts.append(f"(c.address LIKE {part} OR {name} LIKE {part})")
    if wanted.source is not None:
        parts.append(f"c.source IS NOT DISTINCT FROM {bind(wanted.source)}")
    if wanted.created_after is not None:
        parts.append(f"c.created_at > {bind(wanted.created_after, 'timestamptz')}")
    if wanted.created_before is not None:
        parts.append(f"c.created_at < {bind(wanted.created_before, 'timestamptz')}")
    if wanted.segment is not None:
        parts.append(_definition(wanted.segment, bind))
    return Compiled(f"({' AND '.join(parts) or 'true'})", bind.args)


def _definition(definition: Definition, bind: _Parameters) -> str:
    """Return a definition; conditions that compare the same number or moment are one expression."""
    together = definition.match is Match.ALL
    groups: dict[object, list[Condition]] = {}
    for place, one in enumerate(definition.conditions):
        ranged = one.kind in _RANGED and one.op not in _SET
        groups.setdefault((one.name, one.kind) if ranged else place, []).append(one)
    parts = (
        _ranged(group, bind, together=together) if isinstance(key, tuple) else _KINDS[group[0].kind](group[0], bind)
        for key, group in groups.items()
    )
    return f"({(' AND ' if together else ' OR ').join(parts)})"


def _status(one: Condition, bind: _Parameters) -> str:
    return f"c.status {'=' if one.op == 'is' else '<>'} {bind(one.value)}"


def _tag(one: Condition, bind: _Parameters) -> str:
    return f"{'' if one.op == 'has' else 'NOT '}c.tags @> ARRAY[{bind(one.value)}]"


def _text(one: Condition, bind: _Parameters) -> str:
    stored = _stored(one, bind)
    if one.op in _SET:
        return _SET[one.op].format(stored)
    lowered = f"lower(COALESCE({stored}, ''))"
    asked = "" if one.op.endswith("contains") else f"lower({bind(one.value)})"
    match one.op.removeprefix("not_"):
        case "equals":
            test = f"{lowered} = {asked}"
        case "contains":
            test = f"{lowered} LIKE lower({bind(_pattern(str(one.value)))})"
        case "starts_with":
            test = f"starts_with({lowered}, {asked})"
        case _:
            test = f"right({lowered}, length({asked})) = {asked}"
    return f"NOT ({test})" if one.op.startswith("not_") else test


def _pattern(text: str) -> str:
    """Return a pattern for LIKE that finds the text anywhere."""
    return "%" + re.sub(r"([%_\\])", r"\\\1", text) + "%"


def _stored(one: Condition, bind: _Parameters) -> str:
    """Return the value of a contact that a condition looks at, as text."""
    if one.type == "source":
        return "c.source"
    if one.type == "email" or one.name == "EMAIL":
        return "c.address"
    return f"(c.fields ->> {bind(one.name)})"


def _ordered(one: Condition, bind: _Parameters) -> str:
    """Return a condition about a date, which as text is in the order of time; about others only whether one is set."""
    stored = _stored(one, bind)
    if one.op in _SET:
        return _SET[one.op].format(stored)
    if one.op == "between":
        low, high = one.value if isinstance(one.value, tuple) else ("", "")
        test = f'{stored} COLLATE "C" BETWEEN {bind(low)} AND {bind(high)}'
    else:
        test = f'{stored} COLLATE "C" {_SIGNS[one.op]} {bind(one.value)}'
    valid = f"""{stored} LIKE '____-__-__' AND {stored} COLLATE "C" < ':'"""
    return f"{'NOT ' if one.op == 'not_equals' else ''}COALESCE({test} AND {valid}, false)"


_SET: Mapping[str, str] = {"is_set": "COALESCE({}, '') <> ''", "is_not_set": "COALESCE({}, '') = ''"}
_SIGNS: Mapping[str, str] = {"equals": "=", "not_equals": "=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_RANGED: Mapping[Kind, tuple[str, str, str]] = {
    Kind.NUMBER: ("numeric", "nummultirange", ""),
    # One without an offset is in UTC, as every session is.
    Kind.DATETIME: ("timestamptz", "tstzmultirange", "{} LIKE '____-__-__%' AND "),
}
"""Type, type of ranges, and what a stored text looks like that is a value. No regular expressions: they take three
times as long as all the rest of a scan."""


def _ranged(group: list[Condition], bind: _Parameters, *, together: bool) -> str:
    """Return conditions that compare the same number or moment."""
    kind, ranges, looks = _RANGED[group[0].kind]
    stored, wanted = _stored(group[0], bind), sought(group, together=together)
    own = f"CASE WHEN {looks.format(stored)}pg_input_is_valid({stored}, '{kind}') THEN {stored}::{kind} END"
    found = f"{own} <@ {bind(wanted.ranges, ranges)}"
    if wanted.within:
        return f"COALESCE({found}, {str(wanted.absent).lower()})"
    return f"NOT COALESCE({found}, {str(not wanted.absent).lower()})"


def _moment(one: Condition, bind: _Parameters) -> str:
    column = "c.created_at" if one.type == "created_at" else "c.subscribed_at"
    if one.op in {"before", "after"}:
        asked = bind(datetime.fromisoformat(str(one.value)), "timestamptz")
        return f"COALESCE({column} {'<' if one.op == 'before' else '>'} {asked}, false)"
    recent = f"COALESCE({column} >= {_since(one.value, bind)}, false)"
    return recent if one.op == "within_days" else f"NOT {recent}"


def _since(days: object, bind: _Parameters) -> str:
    return f"now() - make_interval(days => {bind(days, 'int')})"


def _event(one: Condition, bind: _Parameters) -> str:
    found = (
        "SELECT FROM contact_events AS e"
        f" WHERE e.contact_id = c.id AND e.account_id = {bind(bind.account_id, 'bigint')}"
        f" AND e.name = {bind(one.name)}"
    )
    if one.days is not None:
        found += f" AND e.occurred_at >= {_since(one.days, bind)}"
    return f"{'' if one.op == 'happened' else 'NOT '}EXISTS ({found})"


def _engagement(one: Condition, bind: _Parameters) -> str:
    account = bind(bind.account_id, "bigint")
    if one.op == "campaign":
        seen = "e.opened_at" if one.type == "opened" else "e.clicked_at"
        return (
            "EXISTS (SELECT FROM runs AS r JOIN engagements AS e ON e.run_id = r.id"
            " JOIN messages AS m ON m.id = e.message_id AND m.accepted_at = e.accepted_at"
            f" WHERE m.contact_id = c.id AND r.account_id = {account}"
            f" AND r.campaign_id = {bind(one.value, 'bigint')} AND {seen} IS NOT NULL)"
        )
    table = "opens" if one.type == "opened" else "clicks"
    found = (
        f"SELECT FROM {table} AS e JOIN messages AS m ON m.id = e.message_id AND m.accepted_at = e.accepted_at"
        f" WHERE m.contact_id = c.id AND e.account_id = {account} AND e.occurred_at >= {_since(one.value, bind)}"
    )
    return f"{'NOT ' if one.op == 'none_within_days' else ''}EXISTS ({found})"


_KINDS: Mapping[Kind, Callable[[Condition, _Parameters], str]] = {
    Kind.STATUS: _status,
    Kind.TAG: _tag,
    Kind.TEXT: _text,
    Kind.NUMBER: _ordered,
    Kind.DATE: _ordered,
    Kind.DATETIME: _ordered,
    Kind.MOMENT: _moment,
    Kind.EVENT: _event,
    Kind.ENGAGEMENT: _engagement,
}
