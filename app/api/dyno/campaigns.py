"""Dyno Email Marketing: campaigns. Imports the front door of campaigns. Source: docs/contract/dyno.md, 7."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from starlette.responses import Response

from app.api.dyno import find
from app.api.dyno.auth import Call, Calling
from app.api.dyno.bodies import about, extra_of, name_of, sent, text_of, texts_of
from app.api.dyno.envelope import answered
from app.api.dyno.find import Catalogue
from app.api.dyno.objects import READ_ONLY, id_of, naming, number_of, object_of, seconds, written
from app.api.dyno.process_view import status_of
from app.core import campaigns, finding
from app.core.accounts import Scope
from app.core.campaigns import Campaign, Changes, Family, View
from app.core.errors import Conflict, Fault, Invalid, NotFound
from app.core.extra import merged
from app.db.unit_of_work import ReadSession, WriteSession
from app.kit.uids import Noun

RUNNING = "CAMPAIGN IS RUNNING"
_CONTENT = ("email_content", "content", "html")
_TEXTS = {"subject": "subject", "from_name": "from_name", "from_email": "from_email", "preview_message": "preheader"}
_KNOWN = READ_ONLY | {
    "campaign_id",
    "name",
    "template_id",
    "list_id",
    "list_ids",
    *_TEXTS,
    *_CONTENT,
    "time_zone",
    "iso_start_time",
}
_MAX_LISTS = 1000
"""Entries of `list_ids` that are looked at; fewer may be used."""


async def show(call: Calling, id: str) -> Response:
    """Return a campaign.

    Raises:
        NotFound: The account has none of this id.
        Forbidden: The key may not read.
    """
    async with call.reading() as read:
        view = await campaigns.get(read, call.account_id, object_of(Noun.CAMPAIGN, id))
        call.require(Scope.READ)
    return answered({"campaign": _shown(call, view)})


async def create(call: Calling) -> Response:
    """Make a campaign.

    Raises:
        Invalid: A parameter is missing or bad.
        NotFound: The account has no such template or list.
        Forbidden: The key may not write.
    """
    body = await call.body()
    name, changes = name_of(body, needed=True) or "", _changes(body)
    changes.update(_times(body, None))
    changes["extra"] = merged(None, extra_of(body, _KNOWN))
    changes.pop("name", None)
    async with call.changing(Scope.WRITE) as write:
        campaign = await _checked(body, campaigns.create(write, call.account_id, name=name, **changes))  # type: ignore[misc]
    return _written(call, View(campaign, None))


async def change(call: Calling, id: str) -> Response:
    """Change what is sent of a campaign.

    Raises:
        Invalid: A parameter is bad.
        NotFound: The account has none of this id, or no such template or list.
        Forbidden: The key may not write.
        Conflict: It is running.
    """
    body = await call.body()
    changes = _changes(body)
    if name := name_of(body, needed=False):
        changes["name"] = name
    _times(body, None)
    number = number_of(Noun.CAMPAIGN, id)
    async with call.changing(Scope.WRITE) as write:
        stored = await _stored(write, call, number)
        changes.update(_times(body, stored))
        if extra := extra_of(body, _KNOWN):
            changes["extra"] = merged(stored.extra if stored else None, extra)
        asked = campaigns.change(write, call.account_id, number, family=Family.DYNO, **changes)
        await _checked(body, asked)
        view = await campaigns.get(write, call.account_id, number)
    return _written(call, view)


async def delete(call: Calling, id: str) -> Response:
    """Delete a campaign; one that waits is stopped.

    Raises:
        NotFound: The account has none of this id.
        Forbidden: The key may not write.
        Conflict: It is running.
    """
    number = object_of(Noun.CAMPAIGN, id)
    async with call.changing(Scope.WRITE) as write:
        try:
            await campaigns.delete(write, call.account_id, number, family=Family.DYNO)
        except Conflict as error:
            raise Conflict(RUNNING, state=error.state) from None
    return answered(written(call.user_id, "campaign", str(id_of(Noun.CAMPAIGN, number))))


async def find_all(call: Calling) -> Response:
    """Find campaigns; see `find.found`."""
    return await find.found(call, _CATALOGUE)


async def count(call: Calling) -> Response:
    """Count campaigns; see `find.counted`."""
    return await find.counted(call, _CATALOGUE)


async def _stored(write: WriteSession, call: Call, number: int) -> Campaign | None:
    """Return the campaign as it is; None when there is none, which the change will tell of, bad values first."""
    try:
        return (await campaigns.get(write, call.account_id, number)).campaign
    except NotFound:
        return None


async def _checked(body: Mapping[str, Any], asked: Any) -> Campaign:
    """Return what a verb returns, its refusals in the family's words.

    Raises:
        Invalid: A value is bad.
        NotFound: There is no such campaign, template or list.
        Conflict: It is running.
    """
    try:
        with naming(html=sent(body, *_CONTENT) or _CONTENT[0], preheader="preview_message", audience_ids="list_ids"):
            campaign: Campaign = await asked
    except Invalid as error:
        faults = [one for one in error.faults if one.fault is not Fault.NOT_FOUND]
        if faults:
            raise Invalid(faults) from None
        raise NotFound("no such template or list") from None
    except Conflict as error:
        raise Conflict(RUNNING, state=error.state) from None
    return campaign


def _changes(body: Mapping[str, Any]) -> Changes:
    """Return what is sent, but for the name, the times and extra members.

    Raises:
        Invalid: A parameter is bad.
    """
    changes: dict[str, Any] = {}
    for name, field in _TEXTS.items():
        if (text := text_of(body, name)) is not None:
            changes[field] = text.strip() if name == "from_email" else text
    if (content := text_of(body, *_CONTENT)) is not None:
        changes["html"] = content
    if (template := text_of(body, "template_id")) is not None:
        changes["template_id"] = number_of(Noun.TEMPLATE, template.strip()) if template.strip() else None
    if "list_id" in body or "list_ids" in body:
        first = text_of(body, "list_id") or ""
        ids = [one for one in (first.strip(), *texts_of(body, "list_ids")) if one]
        if len(ids) > _MAX_LISTS:
            raise Invalid(about("list_ids", f"has more than {_MAX_LISTS} entries"))
        changes["audience_ids"] = list(dict.fromkeys(number_of(Noun.AUDIENCE, one) for one in ids))
    return cast("Changes", changes)


def _times(body: Mapping[str, Any], stored: Campaign | None) -> Changes:
    """Return when a start is to take place, as far as it is sent, read in the zone that is sent or stored.

    Raises:
        Invalid: It cannot be read.
    """
    time, zone = text_of(body, "iso_start_time"), text_of(body, "time_zone")
    if time is None and zone is None:
        return Changes()
    if zone is None and stored is not None:
        zone = stored.time_zone
    zone = (zone or "").strip() or "UTC"
    if time is None and stored is not None:
        time = stored.local_start
    try:
        if time and time.strip():
            start = campaigns.parse_start(time, zone)
            return Changes(start_at=start.at, local_start=start.local, time_zone=start.time_zone)
        campaigns.parse_zone(zone)
    except Invalid as error:
        raise Invalid(about(error.faults[0].field)) from None
    return Changes(start_at=None, local_start=None, time_zone=zone)


def _written(call: Call, view: View) -> Response:
    shown = _shown(call, view)
    return answered(written(call.user_id, "campaign", shown["id"], shown))


def _shown(call: Call, view: View, *, content: bool = True) -> dict[str, Any]:
    campaign = view.campaign
    lists = [id_of(Noun.AUDIENCE, one) for one in campaign.audience_ids]
    return {
        "id": id_of(Noun.CAMPAIGN, campaign.id),
        "user_id": call.user_id,
        "name": campaign.name,
        "template_id": id_of(Noun.TEMPLATE, campaign.template_id),
        "list_id": lists[0] if lists else None,
        "list_ids": lists,
        "subject": campaign.subject,
        "from_name": campaign.from_name,
        "from_email": campaign.from_email,
        "preview_message": campaign.preheader,
        "email_content": campaign.html if content else "",
        "status": status_of(view.run),
        "campaign_process_id": id_of(Noun.RUN, campaign.latest_run_id),
        "iso_start_time": campaign.local_start,
        "time_zone": campaign.time_zone,
        **(campaign.extra or {}),
        "created": seconds(campaign.created_at),
        "updated": seconds(campaign.updated_at),
        "deleted": seconds(campaign.deleted_at),
    }


async def _show(call: Call, read: ReadSession, found: Sequence[View], is_content: bool) -> list[dict[str, Any]]:
    del read
    return [_shown(call, one, content=is_content) for one in found]


_CATALOGUE = Catalogue(
    finding.Noun.CAMPAIGN,
    frozenset(finding.kinds(finding.Noun.CAMPAIGN)) | {"list_ids"},
    "campaigns",
    _show,
    large=frozenset({"email_content"}),
)
