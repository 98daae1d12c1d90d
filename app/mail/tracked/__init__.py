"""Single mails that report what becomes of them: compiled once per mail, then one copy per recipient.

    tracks     what a mail reports; which of its links are tracked
    slots      an encoded text with room for tokens
    body       the MIME body and its hash
    compiled   the whole, and its copies

Such a mail is never personalised: braces stay as they are. The rules for links and the pixel are those of campaigns
(`app.mail.campaign.edits`); what differs is that a token has the same length in every copy, so a part is encoded as
if it were not tracked, and a copy only puts its tokens in.

May import the rest of `app.mail` and the standard library.

Source: docs/contract/dyn-email.md, section 13.
"""

from app.mail.tracked.compiled import CompiledTracked, Tracking, compile_tracked
from app.mail.tracked.tracks import Tracks, effective, find_links

__all__ = ["CompiledTracked", "Tracking", "Tracks", "compile_tracked", "effective", "find_links"]
