"""What the copies of a single mail report, decided when it is accepted.

Mail of `/send`, of SMTP submission and of Dyno transactions follows the account's switches, other mail its own.

Source: docs/contract/dyn-email.md, section 13.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from app.core.accounts import Caller
from app.mail.tracked import Tracks, effective, find_links

LARGE = 65_536
"""Characters of HTML from which links are looked for in a thread: about 5 ms for the loop."""


@dataclass(frozen=True, slots=True)
class Tracking:
    """What a draft needs to know.

    Attributes:
        tracking: The sum of `Tracks`.
        links: Where tracked links lead, by link number; None without any.
    """

    tracking: int
    links: tuple[str, ...] | None


UNTRACKED = Tracking(0, None)


async def tracking_of(
    caller: Caller, *, headers: Iterable[tuple[str, str]], html: str | None, public_url: str
) -> Tracking:
    """Return what a mail of an account is to report.

    Opens and clicks need HTML, clicks a link that can be tracked; a mail with its own List-Unsubscribe gets none
    from us.

    Args:
        caller: Whose mail it is: its three switches.
        headers: Header lines of the mail.
        html: The HTML body, decoded.
        public_url: The setting of that name.
    """
    wanted = Tracks.OPENS * caller.track_opens | Tracks.CLICKS * caller.track_links
    wanted |= Tracks.UNSUBSCRIBING * caller.track_unsubscribes
    return await tracking_with(Tracks(wanted), headers=headers, html=html, public_url=public_url)


async def tracking_with(
    wanted: Tracks, *, headers: Iterable[tuple[str, str]], html: str | None, public_url: str
) -> Tracking:
    """Return what a mail is to report that has switches of its own.

    Args:
        wanted: What its author wants to know.
        headers: Header lines of the mail.
        html: The HTML body, decoded.
        public_url: The setting of that name.
    """
    if not wanted:
        return UNTRACKED
    tracks = effective(wanted, headers, html)
    links: tuple[str, ...] = ()
    if html is not None and Tracks.CLICKS in tracks:
        is_large = len(html) > LARGE
        links = await asyncio.to_thread(find_links, html, public_url) if is_large else find_links(html, public_url)
        if not links:
            tracks &= ~Tracks.CLICKS
    return Tracking(int(tracks), links or None)
