"""The verbs on campaigns themselves; those on their runs are in `runs`. Uses the repository."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Unpack, get_type_hints

from sqlalchemy import func

from app.core.campaigns import contents, repository, runs
from app.core.campaigns.holding import hold
from app.core.campaigns.narrowing import fit
from app.core.campaigns.state import Family, Move, Stay, Verb
from app.core.campaigns.times import parse_zone
from app.core.campaigns.values import Changes, Fields, View, Which
from app.core.errors import Conflict, Fault, FieldFault, Invalid, NotFound
from app.db.unit_of_work import ReadSession, WriteSession
from app.kit.uids import Noun, number_of
from app.mail.addresses import InvalidAddress, parse_mailbox
from app.models.campaign import Campaign
from app.models.run import RunState

PAGE = 50
TYPES = ("regular", contents.PLAIN_TEXT)
MAX_TEXT = 2000
"""Characters of a short text."""
MAX_CONTENT = 5_000_000
"""Characters of an HTML or text part."""
MAX_AUDIENCES = 100
MAX_PER_HOUR = 100_000_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_FIELDS = frozenset(get_type_hints(Changes))
_LONG = frozenset({"html", "text"})
_AIMS = frozenset({"audience_ids", "segment_id"})
_ADDRESSES = ("from_email", "reply_to")


async def create(write: WriteSession, account_id: int, *, name: str, **fields: Unpack[Fields]) -> Campaign:
    """Make a campaign, a draft; what a start lacks may be given later.

    Args:
        write: The transaction.
        account_id: Whose.
        name: What its author calls it.
        fields: Of `Fields`.

    Raises:
        Invalid: A value cannot be accepted, or names an audience or template the account does not have.
    """
    values: dict[str, Any] = {**fields, "name": name}
    await _check(write, account_id, values)
    await fit(write, account_id, None, values)
    campaign = Campaign(account_id=account_id, **_columns(values))
    write.add(campaign)
    await write.flush()
    await write.refresh(campaign)
    return campaign


async def get(read: ReadSession, account_id: int, campaign_id: Which) -> View:
    """Return a campaign of the account with its latest run.

    Raises:
        NotFound: The account has no such campaign.
    """
    number = number_of(Noun.CAMPAIGN, campaign_id)
    campaign = await repository.campaign(read, account_id, number) if number else None
    if campaign is None:
        raise NotFound("no such campaign")
    run_id = campaign.latest_run_id
    return View(campaign, None if run_id is None else await repository.run(read, account_id, run_id))


async def account_of(read: ReadSession, campaign_id: Which) -> int:
    """Return whose campaign that is: for operators, who act for every account.

    Raises:
        NotFound: There is no such campaign.
    """
    number = number_of(Noun.CAMPAIGN, campaign_id)
    account_id = await repository.account_of(read, number) if number else None
    if account_id is None:
        raise NotFound("no such campaign")
    return account_id


async def list_page(
    read: ReadSession,
    account_id: int,
    *,
    state: RunState | None = None,
    audience_id: int | None = None,
    text: str | None = None,
    after_id: int = 0,
    descending: bool = False,
    limit: int = PAGE,
) -> Sequence[View]:
    """List the account's campaigns by creation.

    Args:
        read: The transaction.
        account_id: Whose.
        state: Only those in this state.
        audience_id: Only those for this audience.
        text: Only those whose name contains this, ignoring case.
        after_id: Only those that come after this one; 0: all.
        descending: Whether the newest comes first.
        limit: How many at most.
    """
    rows = await repository.page(
        read,
        account_id,
        state=state,
        audience_id=audience_id,
        text=text,
        after_id=after_id,
        descending=descending,
        limit=limit,
    )
    return [View(campaign, run) for campaign, run in rows]


async def count(
    read: ReadSession,
    account_id: int,
    *,
    state: RunState | None = None,
    audience_id: int | None = None,
    text: str | None = None,
) -> int:
    """Count what `list_page` lists."""
    return await repository.count(read, account_id, state=state, audience_id=audience_id, text=text)


async def change(
    write: WriteSession,
    account_id: int,
    campaign_id: Which,
    *,
    family: Family = Family.NATIVE,
    **changes: Unpack[Changes],
) -> Campaign:
    """Change what is given and nothing else.

    Content reaches the copies that are made after the next start or resume; the pace holds for the present run too.

    Raises:
        NotFound: The account has no such campaign.
        Conflict: Its state does not allow it, or not that its recipients change; carries the state.
        Invalid: A value cannot be accepted.
    """
    values: dict[str, Any] = dict(changes)
    await _check(write, account_id, values)
    held = await hold(write, account_id, campaign_id)
    if held.cell(family, Verb.CHANGE) is not Stay.ALLOWED:
        raise Conflict("the campaign cannot be changed", state=held.state)
    is_fixed = family is Family.NATIVE and held.run is not None and held.run.total is not None
    aims = _AIMS & values.keys() if is_fixed and held.state is not RunState.DRAFT else set()
    if any(values[name] != getattr(held.campaign, name) for name in aims):
        raise Conflict("whom the campaign is for is fixed already", state=held.state)
    await fit(write, account_id, held.campaign, values)
    for column, value in _columns(values).items():
        setattr(held.campaign, column, value)
    if "per_hour" in values and held.run is not None:
        held.run.per_hour, held.run.next_chunk_at = values["per_hour"], None
    if write.is_modified(held.campaign):
        held.campaign.updated_at = func.now()
    await write.flush()
    await write.refresh(held.campaign)
    return held.campaign


async def delete(write: WriteSession, account_id: int, campaign_id: Which, *, family: Family = Family.NATIVE) -> None:
    """Delete a campaign; what was sent stays. In Dyno's words one that waits is stopped by it.

    Raises:
        NotFound: The account has no such campaign.
        Conflict: Its state does not allow it; carries the state.
    """
    held = await hold(write, account_id, campaign_id)
    cell = held.cell(family, Verb.DELETE)
    if isinstance(cell, Move):
        await runs.end(write, held)
    elif cell is not Stay.ALLOWED:
        raise Conflict("the campaign cannot be deleted", state=held.state)
    held.campaign.deleted_at = func.now()
    await write.flush()


async def missing(read: ReadSession, campaign: Campaign) -> tuple[FieldFault, ...]:
    """Return what a start would lack, in the contract's order; nothing when the campaign is ready.

    The fields are `audience`, `subject`, `from_email`, `content`; one may occur twice when two of its parts are wrong.
    """
    return (await contents.resolve(read, campaign, {})).faults


def _columns(values: dict[str, Any]) -> dict[str, Any]:
    if "audience_ids" in values:
        values["audience_ids"] = list(dict.fromkeys(values["audience_ids"]))
    return values


async def _check(read: ReadSession, account_id: int, values: dict[str, Any]) -> None:
    """Check what is given.

    Raises:
        Invalid: Something cannot be accepted.
        TypeError: A name is none of a campaign's fields.
    """
    if unknown := sorted(values.keys() - _FIELDS):
        raise TypeError(f"no field of a campaign: {unknown}")
    faults = [*text_faults(values), *_other_faults(values)]
    ids = list(dict.fromkeys(values.get("audience_ids", ())))
    if not faults and len(ids) <= MAX_AUDIENCES and len(await repository.audiences(read, account_id, ids)) < len(ids):
        faults.append(FieldFault("audience_ids", Fault.NOT_FOUND, "names an audience that does not exist"))
    template_id = values.get("template_id")
    if template_id is not None and await repository.template(read, account_id, template_id) is None:
        faults.append(FieldFault("template_id", Fault.NOT_FOUND, "names a template that does not exist"))
    if faults:
        raise Invalid(faults)


def text_faults(values: dict[str, Any]) -> Iterable[FieldFault]:
    """Yield what is wrong with the texts among a campaign's values."""
    if "name" in values and not values["name"].strip():
        yield FieldFault("name", Fault.REQUIRED, "is required")
    for field, value in values.items():
        if not isinstance(value, str):
            continue
        longest = MAX_CONTENT if field in _LONG else MAX_TEXT
        if len(value) > longest:
            yield FieldFault(field, Fault.TOO_LONG, f"is longer than {longest} characters")
        elif "\0" in value or (field not in _LONG and _CONTROL.search(value)):
            yield FieldFault(field, Fault.INVALID, "has control characters")
    for field in _ADDRESSES:
        if values.get(field) and not _is_address(values[field]):
            yield FieldFault(field, Fault.INVALID, "is not an e-mail address")


def _other_faults(values: dict[str, Any]) -> Iterable[FieldFault]:
    if values.get("type", TYPES[0]) not in TYPES:
        yield FieldFault("type", Fault.INVALID, f"is none of {', '.join(TYPES)}")
    if len(values.get("audience_ids", ())) > MAX_AUDIENCES:
        yield FieldFault("audience_ids", Fault.TOO_LONG, f"has more than {MAX_AUDIENCES} entries")
    per_hour = values.get("per_hour")
    if per_hour is not None and not 1 <= per_hour <= MAX_PER_HOUR:
        yield FieldFault("per_hour", Fault.INVALID, f"is not between 1 and {MAX_PER_HOUR}")
    if "time_zone" in values:
        try:
            parse_zone(values["time_zone"])
        except Invalid as error:
            yield from error.faults


def _is_address(text: str) -> bool:
    try:
        mailbox = parse_mailbox(text)
    except InvalidAddress:
        return False
    return not mailbox.name
