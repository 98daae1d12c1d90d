"""Mail of campaigns: compiled once per run, then one copy per recipient by filling slots.

    content    what is compiled, and what differs from copy to copy
    markup     tags of an HTML text with their places, nothing re-written
    links      which links are tracked, and where a click leads
    edits      clicks and pixel in an HTML text; single mails use them too
    html       the HTML part as pieces: clicks, preheader, pixel
    text       the text part derived from HTML
    writer     words and slots as readable lines
    resolve    constants, our own links, names of the copy
    encode     texts and values as quoted-printable segments
    program    parts as selections from one table of octets
    body head  the MIME body; the header lines, sent and canonical
    compiled   the whole, and its copies

May import the rest of `app.mail` and the standard library.

Source: docs/contract/dynosend.md, sections 13 and 15; docs/contract/dyn-email.md, sections 13 and 14.
"""

from app.mail.campaign.compiled import CompiledCampaign, compile_campaign, web_page
from app.mail.campaign.content import CampaignContent, CopyFacts, Links
from app.mail.campaign.links import link_target

__all__ = ["CampaignContent", "CompiledCampaign", "CopyFacts", "Links", "compile_campaign", "link_target", "web_page"]
