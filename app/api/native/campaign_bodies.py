"""What `/campaigns` is given. Source: docs/contract/native.md, 10."""

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field

from app.api.native.bodies import Body, given
from app.api.native.trying import RenderIn, named
from app.core.campaigns import RunState, Start, View, parse_start
from app.core.errors import Conflict, Fault, FieldFault, Invalid
from app.kit.uids import Noun, number_of

Type = Literal["regular", "plain-text"]
_TEXTS = ("subject", "preheader", "from_email", "from_name", "reply_to", "html")
_DEFAULTS = {"type": "regular", "track_opens": True, "track_clicks": True, "time_zone": "UTC"}
_PLAIN = (*_TEXTS, *_DEFAULTS, "text")


_EXAMPLE: dict[str, Any] = {
    "name": "Monthly update",
    "audience_ids": ["5fade5c93e42a"],
    "subject": "This month's product update",
    "from_email": "team@acme.com",
    "from_name": "Acme",
    "html": "<html><body><p>Hello {FIRST_NAME}</p></body></html>",
}


class CampaignFields(Body):
    """What can be set on a campaign besides its name; null stands for its default."""

    type: Type | None = None
    audience_ids: list[str] | None = None
    segment_id: str | None = None
    subject: str | None = None
    preheader: str | None = None
    from_email: str | None = None
    from_name: str | None = None
    reply_to: str | None = None
    template_id: str | None = None
    html: str | None = None
    text: str | None = None
    track_opens: bool | None = None
    track_clicks: bool | None = None
    send_at: str | None = Field(default=None, description="Local time in `time_zone`, or a time with an offset.")
    time_zone: str | None = Field(default=None, description="An IANA name.")


class CampaignIn(CampaignFields):
    """A new campaign."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    name: str


class CampaignChange(CampaignFields):
    """A merge patch of a campaign."""

    name: str = ""


class ScheduleIn(Body):
    """When a campaign starts."""

    send_at: str = Field(examples=["2027-01-20T09:00:00"])
    time_zone: str = Field(default="UTC", examples=["Europe/Paris"])


class CampaignTestIn(RenderIn):
    """A test mail of a campaign; without `from_email` it comes from the campaign's own."""

    recipients: list[str]
    from_email: str | None = None


def changes_of(body: CampaignIn | CampaignChange) -> dict[str, Any]:
    """Return what a body sets, but for the time, in the words of `campaigns.Changes`.

    Raises:
        Invalid: An identifier names nothing that could exist.
    """
    members = given(body)
    values = {name: _plain(name, members[name]) for name in (*_PLAIN, "name") if name in members}
    faults: list[FieldFault] = []
    for name, noun in (("segment_id", Noun.SEGMENT), ("template_id", Noun.TEMPLATE)):
        if name in members:
            values[name] = _number(noun, members[name])
            if members[name] is not None and values[name] is None:
                faults.append(FieldFault(name, Fault.NOT_FOUND, f"names a {noun} that does not exist"))
    if "audience_ids" in members:
        values["audience_ids"] = [_number(Noun.AUDIENCE, text) for text in members["audience_ids"] or ()]
        if None in values["audience_ids"]:
            faults.append(FieldFault("audience_ids", Fault.NOT_FOUND, "names an audience that does not exist"))
    if faults:
        raise Invalid(faults)
    return values


def starting(text: str, time_zone: str, now: datetime) -> Start:
    """Return when a campaign is to start.

    Args:
        text: `send_at` of a body.
        time_zone: Beside it.
        now: What is not later is past.

    Raises:
        Invalid: One of them cannot be read, or the time is past.
    """
    start = parse_start(text, time_zone, field="send_at")
    if start.at <= now:
        raise Invalid([FieldFault("send_at", Fault.INVALID, "is not in the future")])
    return start


def timed(body: CampaignChange, view: View, now: datetime) -> Start | None:
    """Return the time a patch gives a campaign; None when it gives none, or takes it away.

    A draft carries its time until it is started, and a new zone alone moves its local time there. One that is
    scheduled gets a new time, and loses it by `unschedule` alone.

    Raises:
        Conflict: Its state does not allow it.
        Invalid: As of `starting`.
    """
    members, campaign = given(body), view.campaign
    if "send_at" in members and (
        view.state not in {RunState.DRAFT, RunState.SCHEDULED}
        or (members["send_at"] is None and view.state is RunState.SCHEDULED)
    ):
        raise Conflict(f"the time of a campaign that is {view.state} cannot be set so", state=view.state)
    zone = members.get("time_zone") or campaign.time_zone
    if members.get("send_at") is not None:
        return starting(members["send_at"], zone, now)
    if "send_at" not in members and "time_zone" in members and view.state is RunState.DRAFT and campaign.local_start:
        return starting(campaign.local_start, zone, now)
    return None


def _number(noun: Noun, text: str | None) -> int | None:
    which = named(text)
    return number_of(noun, which) if which is not None else None


def _plain(name: str, value: Any) -> Any:
    """Return the value of a member that is no identifier: null stands for the default, blanks around names go."""
    if value is None:
        return None if name == "text" else _DEFAULTS.get(name, "")
    return value.strip() if name in {"name", "from_email", "reply_to"} else value
