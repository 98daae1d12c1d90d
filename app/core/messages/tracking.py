"""What the copies of a single mail report, decided when it is accepted.

Mail of `/send`, of SMTP submission and of Dyno transactions follows the account's switches, other mail its own.

Source: docs/contract/dyn-email.md, section 13.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from app.core.accounts import Caller
from app.mail.raw import RawMail
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
    return await tracking_with(_switches(caller), headers=headers, html=html, public_url=public_url)


async def tracking_of_raw(caller: Caller, mail: RawMail, *, public_url: str) -> Tracking:
    """Return what a mail that came whole is to report, by its account's switches; see `tracking_of`.

    Args:
        caller: Whose mail it is.
        mail: As it was read.
        public_url: The setting of that name.
    """
    tracks = _switches(caller)
    if not tracks:
        return UNTRACKED
    if mail.first("list-unsubscribe") is not None:
        tracks &= ~Tracks.UNSUBSCRIBING
    if not tracks & (Tracks.OPENS | Tracks.CLICKS):
        return Tracking(int(tracks), None)
    is_large = sum(part.end - part.body for part in mail.parts if part.type == "text/html") > LARGE
    find = partial(_found_in, mail, public_url)
    links = await asyncio.to_thread(find) if is_large else find()
    if links is None:
        tracks &= ~(Tracks.OPENS | Tracks.CLICKS)
    elif not links:
        tracks &= ~Tracks.CLICKS
    return Tracking(int(tracks), (links or None) if Tracks.CLICKS in tracks else None)


def _switches(caller: Caller) -> Tracks:
    wanted = Tracks.OPENS * caller.track_opens | Tracks.CLICKS * caller.track_links
    return Tracks(wanted | Tracks.UNSUBSCRIBING * caller.track_unsubscribes)


def _found_in(mail: RawMail, public_url: str) -> tuple[str, ...] | None:
    """Return the links of a mail's HTML parts; None when it has no such part."""
    return mail.links(public_url) if mail.htmls() else None


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
