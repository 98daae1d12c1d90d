"""What a campaign would say if it were sent now, for people who want to look at it. Uses `contents`."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.core.campaigns import contents
from app.db.unit_of_work import ReadSession
from app.models.campaign import Campaign


@dataclass(frozen=True, slots=True)
class Said:
    """The content of a campaign, put together with its template; a part that is missing is blank.

    Attributes:
        subject: Not personalised yet, like the next three.
        preheader: Of the HTML.
        html: Blank for mail that is text alone.
        text: Blank: derived from the HTML.
        from_email: Of the campaign, or of the account's first sender when it has none.
        from_name: Of the From header.
        reply_to: Of the Reply-To header.
        constants: Values that are the same for all recipients, by upper-case name.
    """

    subject: str
    preheader: str
    html: str
    text: str
    from_email: str
    from_name: str
    reply_to: str
    constants: Mapping[str, str]


async def said(read: ReadSession, campaign: Campaign) -> Said:
    """Return what a campaign would say now, complete or not."""
    values = (await contents.resolve(read, campaign, {})).values
    return Said(
        subject=values["subject"],
        preheader=values["preheader"],
        html=values["html"] or "",
        text=values["text"] or "",
        from_email=values["from_email"],
        from_name=values["from_name"],
        reply_to=values["reply_to"],
        constants=values["constants"]["run"],
    )
