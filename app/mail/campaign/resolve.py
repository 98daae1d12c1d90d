"""What is known before the first copy: constants become text, our own links become places.

May import `app.mail.personalise` and the modules beside it.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC
from html import escape

from app.mail.campaign.content import CopyFacts, Links
from app.mail.personalise import Expression, Piece, Place
from app.mail.tracking import Purpose, Tokens

PAGES = {
    "UNSUBSCRIBE_URL": ("/u/", Purpose.UNSUBSCRIBE),
    "WEB_VIEW_URL": ("/w/", Purpose.WEB_VIEW),
    "UPDATE_PROFILE_URL": ("/p/", Purpose.PROFILE),
}
"""Names of our own links, their paths, and what their tokens are for."""


def resolved(pieces: Iterable[Piece], constants: Mapping[str, str], links: Links, *, for_html: bool) -> Iterator[Piece]:
    """Yield pieces with constants written out and our own links as a text and a place."""
    for piece in pieces:
        if not isinstance(piece, Expression):
            yield piece
        elif piece.name in constants:
            value = piece.value(constants)
            yield escape(value) if for_html else value
        elif piece.name in PAGES and not piece.filters:
            path, purpose = PAGES[piece.name]
            yield (escape(links.public_url) if for_html else links.public_url) + path
            yield Place(purpose)
        else:
            yield piece


def folded(pieces: Iterable[Piece], constants: Mapping[str, str]) -> Iterator[Piece]:
    """Yield pieces with constants written out, as they are."""
    for piece in pieces:
        yield piece.value(constants) if isinstance(piece, Expression) and piece.name in constants else piece


class Environment:
    """Values of a copy under all names a content uses."""

    def __init__(self, names: frozenset[str], constants: Mapping[str, str], links: Links) -> None:
        """Prepare.

        Args:
            names: What slots and conditions ask for.
            constants: They win over all others.
            links: For our own links with a filter, or in a condition.
        """
        self._constants = {name: value for name, value in constants.items() if name in names}
        self._links = links
        self._pages = {name: PAGES[name] for name in names & PAGES.keys()}
        self._dates = any(name.startswith("CURRENT_") for name in names)
        self._plain = not (self._pages or self._constants or self._dates or names & _OF_THE_COPY)

    def of(self, copy: CopyFacts, tokens: Tokens) -> Mapping[str, str]:
        """Return the values of a copy."""
        if self._plain:
            return copy.values
        values = {"EMAIL": copy.recipient, **copy.values}
        values["SUBSCRIBER_UID"] = values["CONTACT_UID"] = copy.contact_uid
        for name, (path, purpose) in self._pages.items():
            values[name] = f"{self._links.public_url}{path}{tokens.of(purpose).decode('ascii')}"
        if self._dates:
            sent = copy.accepted_at.astimezone(UTC)
            values["CURRENT_YEAR"] = f"{sent.year}"
            values["CURRENT_MONTH"] = f"{sent.month:02}"
            values["CURRENT_DAY"] = f"{sent.day:02}"
        return {**values, **self._constants}


_OF_THE_COPY = frozenset({"EMAIL", "SUBSCRIBER_EMAIL", "SUBSCRIBER_UID", "CONTACT_UID"})
