"""What a single mail reports, and its links.

May import `app.mail.campaign`.

Source: docs/contract/dyn-email.md, section 13.
"""

from collections.abc import Iterable, Mapping
from enum import IntFlag

from app.mail.campaign.edits import Source, Targets, clicks, pixel, weave
from app.mail.campaign.markup import landmarks
from app.mail.personalise import Piece


class Tracks(IntFlag):
    """What the copies of a mail report; the sum is stored with the mail."""

    NOTHING = 0
    OPENS = 1
    CLICKS = 2
    UNSUBSCRIBING = 4


def effective(tracks: Tracks, headers: Iterable[tuple[str, str]], html: str | None) -> Tracks:
    """Return what a mail can report of what its account wants to know.

    Opens and clicks need an HTML part; a mail with a List-Unsubscribe of its own gets none from us (section 7).

    Args:
        tracks: What is wanted.
        headers: Name and value, in any spelling.
        html: The HTML part; None: there is none.
    """
    if html is None:
        tracks &= ~(Tracks.OPENS | Tracks.CLICKS)
    if any(name.lower() == "list-unsubscribe" for name, _ in headers):
        tracks &= ~Tracks.UNSUBSCRIBING
    return tracks


def find_links(html: str, public_url: str) -> tuple[str, ...]:
    """Return where the links of an HTML text lead that are to be tracked, each once: its place is the link's number.

    At most `MAX_LINKS` of `app.mail.tracking`. Takes about a millisecond for 10 kB, so large texts belong into a
    thread.

    Args:
        html: The HTML part.
        public_url: Base of our own links, which are left alone; without a slash at its end.
    """
    targets = Targets()
    clicks(landmarks(html), Source(html), public_url, targets.number)
    return tuple(targets.numbers)


def tracked_pieces(html: str, tracks: Tracks, links: Mapping[str, int], public_url: str) -> list[Piece]:
    """Return an HTML text with places for tokens.

    Args:
        html: The HTML part.
        tracks: Opens: with a pixel; clicks: with links rewritten.
        links: Numbers by target. A link that is not among them stays as it is, so that another version of the finder
            can send nobody to a page he did not ask for.
        public_url: As of `find_links`.
    """
    found = list(landmarks(html))
    source = Source(html)
    edits = clicks(found, source, public_url, links.get) if Tracks.CLICKS in tracks else []
    if Tracks.OPENS in tracks:
        edits.append(pixel(found, source, public_url))
    return weave(html, (), edits)
