"""The fields of each noun, as SQL. Imports the models, SQLAlchemy, kit, campaigns' states.

Source: docs/contract/dyno.md, 4 to 7.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    FromClause,
    String,
    Text,
    Uuid,
    case,
    cast,
    false,
    func,
    literal,
    select,
)
from sqlalchemy.orm import aliased

from app.core.finding.values import Kind
from app.db.unit_of_work import ReadSession
from app.kit import uids
from app.models.audience import Audience
from app.models.audience_tally import AudienceTally
from app.models.campaign import Campaign
from app.models.contact import ContactStatus
from app.models.run import Run, RunState
from app.models.template import Template

Expression = ColumnElement[Any]
Exact = Callable[[Sequence[str]], ColumnElement[bool]]
_UUID_LENGTH = 36
_KEY_LENGTH = 200
"""Characters of a name that the database's indexes keep."""


class Noun(StrEnum):
    """What can be found."""

    TEMPLATE = "template"
    LIST = "list"
    CAMPAIGN = "campaign"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a noun.

    Attributes:
        kind: What it holds.
        value: It in SQL; null or blank when it is not set. Texts are of type text, numbers of bigint.
        exact: A quicker way to ask whether it is one of some texts, none of them blank.
        order: What it is sorted by, where that is not the value.
        start: What an index sorts by, in no other order than the value, though with more ties.
        source: What is selected from for it, where that is more than the table's.
    """

    kind: Kind
    value: Expression
    exact: Exact | None = None
    order: Expression | None = None
    start: Expression | None = None
    source: FromClause | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Where the objects of a noun are.

    Attributes:
        noun: As which their rows have names.
        model: Their rows.
        source: What is selected from.
        uuid: Of an object.
        fields: What can be asked about it.
        covered: The fields that the index by creation holds of live objects.
    """

    noun: uids.Noun
    model: type[Template | Audience | Campaign]
    source: FromClause
    uuid: Expression
    fields: Mapping[str, Field]
    covered: frozenset[str]


def kinds(noun: Noun) -> Mapping[str, Kind]:
    """Return the fields every object of the noun has, with what they hold."""
    return _KINDS[noun]


async def has_extra(read: ReadSession, account_id: int, name: str) -> bool:
    """Tell whether any object of the account, of any noun, has an extra member of this name."""
    key = literal([f"{account_id}:{name[:_KEY_LENGTH]}"], ARRAY(Text))
    for model in (Template, Audience, Campaign):
        query = (
            select(model.id)
            .where(
                model.extra.is_not(None),
                func.extra_keys(model.account_id, model.extra).op("@>")(key),
                model.extra.op("?")(literal(name, Text)),
            )
            .limit(1)
        )
        if (await read.execute(query)).first() is not None:
            return True
    return False


def table_of(noun: Noun, account_id: int, account: UUID) -> Table:
    """Return where a noun's objects are, with its fields as the account sees them."""
    table = _TABLES[noun](account_id)
    user = Field(Kind.STRING, literal(str(account), Text))
    return replace(table, fields={**table.fields, "user_id": user})


def source_of(table: Table, names: Iterable[str]) -> FromClause:
    """Return what is selected from when fields of these names are asked for."""
    used = (table.fields[name].source for name in names if name in table.fields)
    return next((source for source in used if source is not None), table.source)


def extra_of(table: Table, name: str) -> Expression:
    """Return a member a client stored, as jsonb."""
    member: Expression = table.model.extra[name]
    return member


def _text(column: Any) -> Field:
    return Field(Kind.STRING, column)


def _seconds(column: Any, default: int | None = 0) -> Field:
    value = func.unix_seconds(column, type_=BigInteger)
    return Field(Kind.NUMBER, value if default is None else func.coalesce(value, default, type_=BigInteger))


def _uuid(noun: uids.Noun, number: Any) -> Field:
    """Return a field that shows a row's number as UUID."""
    value = _of_row(noun, number)
    return Field(Kind.STRING, cast(value, Text), partial(_is_one_of, noun, number), value)


def _is_one_of(noun: uids.Noun, number: Any, texts: Sequence[str]) -> ColumnElement[bool]:
    numbers = [found for text in texts if (found := number_of(noun, text)) is not None]
    return number.in_(numbers) if numbers else false()


def number_of(noun: uids.Noun, text: str) -> int | None:
    """Return the row that a UUID, as we write it, stands for; None when it can be none."""
    if len(text) != _UUID_LENGTH or text != text.lower():
        return None
    try:
        value = UUID(text)
    except ValueError:
        return None
    return uids.number_of(noun, value) if str(value) == text else None


def _common(model: type[Template | Audience | Campaign], noun: uids.Noun) -> dict[str, Field]:
    return {
        "id": _uuid(noun, model.id),
        "name": _name(model.name),
        "created": _seconds(model.created_at, None),
        "updated": _seconds(model.updated_at),
        "deleted": _seconds(model.deleted_at),
    }


def _table(
    noun: uids.Noun, model: type[Template | Audience | Campaign], source: FromClause, fields: Mapping[str, Field]
) -> Table:
    covered = {"id", "created", "updated"} | ({"name"} if model is not Campaign else set())
    return Table(noun, model, source, _of_row(noun, model.id), fields, frozenset(covered))


def _templates(_account_id: int) -> Table:
    fields = {
        **_common(Template, uids.Noun.TEMPLATE),
        "subject": _text(Template.subject),
        "content": _text(Template.html),
        "preview_message": _text(Template.preheader),
    }
    return _table(uids.Noun.TEMPLATE, Template, Template.__table__, fields)


def _audiences(account_id: int) -> Table:
    fields = {
        **_common(Audience, uids.Noun.AUDIENCE),
        "description": _text(Audience.description),
        "subscriber_count": _subscribers(account_id),
    }
    return _table(uids.Noun.AUDIENCE, Audience, Audience.__table__, fields)


def _subscribers(account_id: int) -> Field:
    # Totals and lists are both read by number from indexes alone; what has not been folded yet is little.
    total, recent = aliased(AudienceTally), aliased(AudienceTally)
    subscribed = literal(ContactStatus.SUBSCRIBED.value, Text, literal_execute=True)  # the indexes' condition
    since = (
        select(recent.audience_id, cast(func.sum(recent.delta), BigInteger).label("delta"))
        .where(recent.account_id.is_(None), recent.status == subscribed)
        .group_by(recent.audience_id)
        .subquery()
    )
    is_total = (total.audience_id == Audience.id) & (total.account_id == account_id) & (total.status == subscribed)
    source = Audience.__table__.outerjoin(total, is_total).outerjoin(since, since.c.audience_id == Audience.id)
    value = func.coalesce(total.delta, 0) + func.coalesce(since.c.delta, 0)
    return Field(Kind.NUMBER, cast(value, BigInteger), source=source)


def _campaigns(account_id: int) -> Table:
    state = func.coalesce(Run.state, RunState.DRAFT.value, type_=String)
    shown = case(
        (state.in_([RunState.QUEUED, RunState.SENDING]), "running"), (state == RunState.DONE, "finished"), else_=state
    )
    fields = {
        **_common(Campaign, uids.Noun.CAMPAIGN),
        "template_id": _uuid(uids.Noun.TEMPLATE, Campaign.template_id),
        "list_id": _uuid(uids.Noun.AUDIENCE, Campaign.audience_ids[1]),
        "subject": _text(Campaign.subject),
        "from_name": _text(Campaign.from_name),
        "from_email": _text(Campaign.from_email),
        "preview_message": _text(Campaign.preheader),
        "email_content": _text(Campaign.html),
        "status": Field(Kind.STRING, cast(shown, Text), partial(_is_in_state, account_id)),
        "campaign_process_id": _uuid(uids.Noun.RUN, Campaign.latest_run_id),
        "iso_start_time": _text(Campaign.local_start),
        "time_zone": _text(Campaign.time_zone),
    }
    is_latest = (Run.id == Campaign.latest_run_id) & (Run.account_id == Campaign.account_id)
    source = Campaign.__table__.outerjoin(Run.__table__, is_latest)
    return _table(uids.Noun.CAMPAIGN, Campaign, source, fields)


def _name(column: Any) -> Field:
    # Constants stand in the statement itself, so that the planner sees the expression of the index.
    length, blank = literal(_KEY_LENGTH, literal_execute=True), literal("", Text, literal_execute=True)
    start = func.nullif(func.left(column, length, type_=Text), blank, type_=Text).collate("C")

    def is_one_of(texts: Sequence[str]) -> ColumnElement[bool]:
        is_named: ColumnElement[bool] = start.in_([text[:_KEY_LENGTH] for text in texts]) & column.in_(texts)
        return is_named

    return Field(Kind.STRING, column, is_one_of, start=start)


def _is_in_state(account_id: int, texts: Sequence[str]) -> ColumnElement[bool]:
    # Says nothing of the joined run, so that two indexes answer and the join can be left out.
    named = [state for state in RunState if _STATUSES[state] in texts]
    if not named:
        return false()
    runs = select(Run.id).where(Run.account_id == account_id, Run.state.in_(named))
    is_among = Campaign.latest_run_id.in_(runs)
    return Campaign.latest_run_id.is_(None) | is_among if RunState.DRAFT in named else is_among


def _of_row(noun: uids.Noun, number: Any) -> Expression:
    # The noun stands in the statement itself, so that the planner sees the expression of the index.
    uuid: Expression = func.public_uuid(literal(noun.value, Text, literal_execute=True), number, type_=Uuid())
    return uuid


_STATUSES = {
    **{state: state.value for state in RunState},
    RunState.QUEUED: "running",
    RunState.SENDING: "running",
    RunState.DONE: "finished",
}
_TABLES: Mapping[Noun, Callable[[int], Table]] = {
    Noun.TEMPLATE: _templates,
    Noun.LIST: _audiences,
    Noun.CAMPAIGN: _campaigns,
}
_KINDS: Mapping[Noun, Mapping[str, Kind]] = {
    noun: {"user_id": Kind.STRING, **{name: field.kind for name, field in make(0).fields.items()}}
    for noun, make in _TABLES.items()
}
