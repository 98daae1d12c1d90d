"""What a run says: put together from campaign, template, overrides and audiences, checked, and kept in versions.

Uses the repository; imports the front door of audiences, `app.mail` and kit.

Source: docs/contract/dynosend.md, sections 9, 13 and 15; docs/contract/dyno.md, sections 7 and 8.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.core import audiences
from app.core.campaigns import repository
from app.core.campaigns.narrowing import condition
from app.core.campaigns.values import Overrides
from app.core.errors import Fault, FieldFault, Invalid
from app.db.unit_of_work import ReadSession, WriteSession
from app.kit.uids import Noun, uid
from app.mail.campaign import CampaignContent, Links, compile_campaign
from app.mail.personalise import SyntaxProblem, known_names, parse
from app.models.campaign import Campaign
from app.models.run import Run
from app.models.run_content import RunContent
from app.models.sender import Sender
from app.models.template import Template

PLAIN_TEXT = "plain-text"
_CHECKING = Links("https://campaigns.example.com", "bounces.example.com", bytes(32))
"""For a compilation that only checks and counts; delivery compiles with the installation's own."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a campaign would say now.

    Attributes:
        faults: What a start lacks, in the contract's order: audience, subject, from_email, content.
        sender_id: The approved sender; None when there is none.
        values: Columns of `run_contents`, without those of its key and `links`.
    """

    faults: tuple[FieldFault, ...]
    sender_id: int | None
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a run is about to say, compiled without a fault.

    Attributes:
        sender_id: The approved sender.
        values: Columns of `run_contents`, without those of its key.
        size: Octets of a copy, near enough.
    """

    sender_id: int
    values: dict[str, Any]
    size: int


async def resolve(read: ReadSession, campaign: Campaign, overrides: Mapping[str, str]) -> Resolved:
    """Put together what the campaign says, and find out what is missing.

    Args:
        read: The transaction.
        campaign: The row.
        overrides: Of the run: subject, from_name, from_email, preheader.
    """
    account_id = campaign.account_id
    found = await repository.audiences(read, account_id, campaign.audience_ids)
    template = await repository.template(read, account_id, campaign.template_id)
    wanted_sender = overrides.get("from_email") or campaign.from_email
    sender = await repository.sender(read, account_id, wanted_sender)
    names = await repository.field_tags(read, [audience.id for audience in found])
    html, text = _parts(campaign, template)
    subject = overrides.get("subject") or _filled(campaign.subject, template.subject if template else "")
    values: dict[str, Any] = {
        "subject": subject,
        "preheader": overrides.get("preheader") or _filled(campaign.preheader, template.preheader if template else ""),
        "from_email": sender.email if sender else wanted_sender,
        "from_name": overrides.get("from_name") or campaign.from_name,
        "reply_to": campaign.reply_to,
        "html": html,
        "text": text,
        "headers": [["X-Dynosend-Campaign-Id", uid(Noun.CAMPAIGN, campaign.id)]],
        "track_opens": campaign.track_opens,
        "track_clicks": campaign.track_clicks,
        "names": names,
    }
    values["constants"] = {
        "run": _of_campaign(campaign, values),
        "audiences": {str(one.id): audiences.constants(one) for one in found},
    }
    faults = tuple(_faults(values, has_audience=bool(found), wanted_sender=wanted_sender, sender=sender))
    try:
        await condition(read, campaign, first_parameter=1)
    except Invalid as error:
        faults = (*error.faults, *faults)
    return Resolved(faults, sender.id if sender else None, values)


async def check(read: ReadSession, campaign: Campaign, overrides: Mapping[str, str]) -> Checked:
    """Return what the campaign says, complete and compiled once: links are numbered, and the size is known.

    Raises:
        Invalid: Something is missing or malformed; all of it is named.
    """
    resolved = await resolve(read, campaign, overrides)
    if resolved.faults or resolved.sender_id is None:
        raise Invalid(resolved.faults)
    try:
        # Arithmetic that may take long for a large text.
        compiled = await asyncio.to_thread(compile_campaign, content_of(resolved.values), _CHECKING)
    except ValueError as error:
        raise Invalid([FieldFault("content", Fault.INVALID, f"cannot be sent: {error}")]) from None
    return Checked(resolved.sender_id, resolved.values | {"links": list(compiled.targets)}, compiled.size)


async def keep(write: WriteSession, run: Run, checked: Checked) -> None:
    """Give the run this content from now on, as a new version unless it is that of the newest."""
    newest = await repository.content(write, run.id, run.content_version) if run.content_version else None
    if newest is None or any(getattr(newest, name) != value for name, value in checked.values.items()):
        run.content_version += 1
        write.add(RunContent(run_id=run.id, version=run.content_version, **checked.values))
    run.content_size = checked.size
    run.sender_id = checked.sender_id


def overrides_of(run: Run) -> dict[str, str]:
    """Return what the run says instead of its campaign."""
    return Overrides(run.subject, run.from_name, run.from_email, run.preheader).given()


def content_of(values: Mapping[str, Any]) -> CampaignContent:
    """Return the content for `app.mail.campaign`; constants of a single audience hold for the whole run."""
    constants = dict(values["constants"]["run"])
    audiences = values["constants"]["audiences"]
    if len(audiences) == 1:
        constants |= next(iter(audiences.values()))
    return CampaignContent(
        subject=values["subject"],
        preheader=values["preheader"],
        html=values["html"],
        text=values["text"],
        from_email=values["from_email"],
        from_name=values["from_name"],
        reply_to=values["reply_to"] or None,
        headers=tuple((name, value) for name, value in values["headers"]),
        track_opens=values["track_opens"],
        track_clicks=values["track_clicks"],
        unsubscribe=True,
        known=frozenset(values["names"]),
        constants=constants,
        targets=tuple(values.get("links", ())) or None,
    )


def _filled(own: str, fallback: str) -> str:
    return own if own.strip() else fallback


def _parts(campaign: Campaign, template: Template | None) -> tuple[str | None, str | None]:
    """Return HTML and text: the campaign's own, or the template's; a missing text is derived when it is compiled."""
    html, text = campaign.html, campaign.text
    if not html.strip() and not (text or "").strip() and template is not None:
        html, text = template.html, template.text
    if campaign.type == PLAIN_TEXT:
        return None, text or None
    return (html if html.strip() else None), (text if (text or "").strip() else None)


def _faults(
    values: Mapping[str, Any], *, has_audience: bool, wanted_sender: str, sender: Sender | None
) -> Iterator[FieldFault]:
    if not has_audience:
        yield FieldFault("audience", Fault.REQUIRED, "is required")
    if not values["subject"].strip():
        yield FieldFault("subject", Fault.REQUIRED, "is required")
    if sender is None and wanted_sender:
        yield FieldFault("from_email", Fault.NOT_APPROVED, "is not an approved sender")
    elif sender is None:
        yield FieldFault("from_email", Fault.REQUIRED, "is required")
    if values["html"] is None and values["text"] is None:
        yield FieldFault("content", Fault.REQUIRED, "is required")
    known = known_names(values["names"])
    for name in ("subject", "preheader", "html", "text"):
        try:
            parse(values[name] or "", known)
        except SyntaxProblem as problem:
            field = "subject" if name == "subject" else "content"
            yield FieldFault(field, Fault.SYNTAX, f"is malformed: {name}, {problem}")
        except ValueError as error:
            yield FieldFault("content", Fault.INVALID, f"cannot be sent: {name}: {error}")


def _of_campaign(campaign: Campaign, values: Mapping[str, Any]) -> dict[str, str]:
    return {
        "CAMPAIGN_UID": uid(Noun.CAMPAIGN, campaign.id),
        "CAMPAIGN_NAME": campaign.name,
        "CAMPAIGN_SUBJECT": values["subject"],
        "CAMPAIGN_FROM_EMAIL": values["from_email"],
        "CAMPAIGN_FROM_NAME": values["from_name"],
        "CAMPAIGN_REPLY_TO": values["reply_to"] or values["from_email"],
    }
