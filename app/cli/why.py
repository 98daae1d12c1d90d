"""What happened to an address: `trireme why`. Imports the core's front doors."""

import asyncio
import dataclasses
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from app.cli.asking import settings_for_asking
from app.cli.audit import CANNOT_LOOK, NO_ANSWER, Unknown, account_id_of
from app.cli.configuration import NotConfigured
from app.core import audit
from app.core.audit import CopyStory, Why
from app.core.messages import Attempt, email_id
from app.db.engine import make_engine
from app.db.unit_of_work import reading
from app.kit.uids import Noun, number_of_uid, uid
from app.settings import Settings

STATEMENT_SECONDS = 30.0


def run(data_dir: Path, address: str, *, account: str, campaign_uid: str, limit: int, as_json: bool) -> int:
    """Print what happened to an address; return 0, or 2 when it can't look."""
    try:
        settings = settings_for_asking(data_dir, statement_seconds=STATEMENT_SECONDS)
        found = asyncio.run(_ask(settings, address, account, campaign_uid, limit))  # noqa: TID251 a command owns its loop
    except (NotConfigured, Unknown) as error:
        print(error, file=sys.stderr)
        return CANNOT_LOOK
    except NO_ANSWER as error:
        print(f"The database gave no answer: {error!r}", file=sys.stderr)
        return CANNOT_LOOK
    if as_json:
        print(orjson.dumps(_as_json(found, settings.node_name), option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z).decode())
        return 0
    for line in _lines(found, settings.node_name):
        print(_printable(line))
    return 0


async def _ask(settings: Settings, address: str, account: str, campaign_uid: str, limit: int) -> Why:
    campaign_id = number_of_uid(Noun.CAMPAIGN, campaign_uid.lower()) if campaign_uid else None
    if campaign_uid and campaign_id is None:
        raise Unknown(f"There is no campaign {campaign_uid}.")
    engine = make_engine(settings, pool_size=1)
    try:
        account_id = await account_id_of(engine, account)
        async with reading(engine) as read:
            return await audit.why(read, account_id, address, campaign_id, limit)
    finally:
        await engine.dispose()


def _lines(found: Why, node_name: str) -> Iterator[str]:
    yield found.address
    for run_story in found.runs:
        yield f"\ncampaign {uid(Noun.CAMPAIGN, run_story.campaign_id)} {run_story.campaign_name!r}"
        yield f"  {run_story.reason}"
    for copy in found.copies:
        yield from _copy(copy, node_name)
    if found.has_more:
        yield "\n... and older copies; --limit shows more."
    if not found.copies and not found.runs:
        yield "\nNo copy for it is in the ledger, and no campaign that goes on has it as a target."
    yield ""
    for entry in found.suppressions:
        detail = f" ({entry.detail})" if entry.detail else ""
        yield f"suppressed: {entry.reason} since {_instant(entry.created_at)}, account {entry.account_id}{detail}"
    for contact in found.contacts:
        removed = f", taken off the list on {_instant(contact.removed_at)}" if contact.removed_at else ""
        yield (
            f"contact {uid(Noun.CONTACT, contact.contact_id)} in {contact.audience_name!r}: {contact.status}"
            f", added on {_instant(contact.created_at)}{removed}"
        )
    if not found.suppressions:
        yield "on no suppression list"
    if not found.contacts:
        yield "in no audience"


def _copy(copy: CopyStory, node_name: str) -> Iterator[str]:
    run = f", campaign {uid(Noun.CAMPAIGN, copy.campaign_id)} {copy.campaign_name!r}" if copy.campaign_id else ""
    yield f"\n{_instant(copy.accepted_at)}  {copy.kind} from {copy.sender}{run}"
    yield f"  {copy.reason}"
    yield f"  {email_id(copy.accepted_at, copy.message_id, node_name)}"
    for attempt in copy.attempts:
        yield f"    {_attempt(attempt)}"


def _attempt(attempt: Attempt) -> str:
    said = " ".join(str(part) for part in (attempt.code or "", attempt.enhanced, attempt.reply) if part)
    return (
        f"{attempt.attempt}. {_instant(attempt.attempted_at)}  {attempt.outcome}  {attempt.host or '-'}  "
        f"{attempt.duration_ms} ms  {said}"
    )


def _as_json(found: Why, node_name: str) -> dict[str, Any]:
    """Return the members of `Why`, with the public names of what its numbers stand for."""
    values = dataclasses.asdict(found)
    for copy in values["copies"]:
        copy["email_id"] = email_id(copy["accepted_at"], copy["message_id"], node_name)
        copy["campaign_uid"] = uid(Noun.CAMPAIGN, copy["campaign_id"]) if copy["campaign_id"] else None
    for one in values["runs"]:
        one["campaign_uid"] = uid(Noun.CAMPAIGN, one["campaign_id"])
        one["run_uid"] = uid(Noun.RUN, one["run_id"])
    for contact in values["contacts"]:
        contact["contact_uid"] = uid(Noun.CONTACT, contact["contact_id"])
        contact["audience_uid"] = uid(Noun.AUDIENCE, contact["audience_id"])
    return values


def _instant(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _printable(line: str) -> str:
    """Return the line without what would move the cursor: replies of servers are foreign text."""
    return "".join(one if one.isprintable() or one == "\n" else " " for one in line)
