"""A personalised text of one mail to one contact: values under all names of the contract, then the texts filled.

Imports models, kit, `app.mail` and audiences' front door.

Source: docs/contract/dynosend.md, 13 and 15.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from app.core import audiences, messages
from app.core.audiences import Audience
from app.kit.secrets import derive
from app.kit.uids import Noun, uid
from app.mail import confirmation
from app.mail.campaign.text import text_pieces
from app.mail.personalise import MAX_OUTPUT, SyntaxProblem, Template, TooLarge, build, known_names, parse
from app.mail.tracking import Purpose, Tokens
from app.settings import Settings

LARGE = 65_536
"""Characters from which texts are rendered in a thread: some milliseconds for the loop."""
_PAGES = {
    "UNSUBSCRIBE_URL": ("/u/", Purpose.UNSUBSCRIBE),
    "WEB_VIEW_URL": ("/w/", Purpose.WEB_VIEW),
    "UPDATE_PROFILE_URL": ("/p/", Purpose.PROFILE),
}


@dataclass(frozen=True, slots=True)
class Site:
    """What links and ids of a mail are made of."""

    public_url: str
    node_name: str
    tracking_key: bytes
    confirm_key: bytes

    @classmethod
    def of(cls, settings: Settings) -> "Site":
        """Return that of an installation: `public_url`, `node_name`, the first of `secret_keys`."""
        secret = settings.secret_keys[0]
        return cls(settings.public_url, settings.node_name, derive(secret, "tracking"), derive(secret, "confirm"))


@dataclass(frozen=True, slots=True)
class Person:
    """To whom a mail goes.

    Attributes:
        contact_id: The contact.
        address: Its address.
        fields: Its values by tag.
    """

    contact_id: int
    address: str
    fields: Mapping[str, str]

    @property
    def uid(self) -> str:
        """The contact's uid."""
        return uid(Noun.CONTACT, self.contact_id)


@dataclass(frozen=True, slots=True)
class Texts:
    """What is to be rendered, or was; a part that is None is not there."""

    subject: str
    html: str | None
    text: str | None

    @property
    def size(self) -> int:
        """Characters of all."""
        return len(self.subject) + len(self.html or "") + len(self.text or "")


class Unrenderable(ValueError):
    """Raised when a text cannot be rendered.

    Attributes:
        part: subject, html or text.
        problem: What is wrong, for the author.
    """

    def __init__(self, part: str, problem: str) -> None:
        super().__init__(f"{part}: {problem}")
        self.part = part
        self.problem = problem


def values_of(
    site: Site, audience: Audience, person: Person, *, message_id: int, accepted_at: datetime
) -> dict[str, str]:
    """Return what a mail may say, by upper-case name.

    Args:
        site: Of the installation.
        audience: The contact's.
        person: The contact.
        message_id: Of the copy, which signed links name.
        accepted_at: Its second of acceptance; the date of sending too.
    """
    tokens = Tokens(site.tracking_key, accepted_at=int(accepted_at.timestamp()), message_id=message_id, links=0)
    sent = accepted_at.astimezone(UTC)
    return {
        **person.fields,
        "EMAIL": person.address,
        "SUBSCRIBER_UID": person.uid,
        "CONTACT_UID": person.uid,
        **{name: f"{site.public_url}{path}{tokens.of(of).decode('ascii')}" for name, (path, of) in _PAGES.items()},
        "SUBSCRIBE_CONFIRM_URL": f"{site.public_url}/c/{confirmation.token(site.confirm_key, person.contact_id)}",
        "CURRENT_YEAR": f"{sent.year}",
        "CURRENT_MONTH": f"{sent.month:02}",
        "CURRENT_DAY": f"{sent.day:02}",
        **audiences.constants(audience),
    }


def dynosend_headers(site: Site, person: Person, *, message_id: int, accepted_at: datetime) -> list[tuple[str, str]]:
    """Return the header lines that all mail of this family carries (15)."""
    return [
        ("X-Dynosend-Contact-Id", person.uid),
        ("X-Dynosend-Message-Id", messages.email_id(accepted_at, message_id, site.node_name)),
    ]


async def rendered(texts: Texts, values: Mapping[str, str], *, tags: frozenset[str]) -> Texts:
    """Return texts with their names filled in; a text part that is missing is derived from the HTML.

    Args:
        texts: With their constructs.
        values: Of `values_of`, and whatever wins over them.
        tags: Names `{NAME}` stands for besides those of the contract, upper case.

    Raises:
        Unrenderable: One is malformed, or becomes too large.
    """
    if texts.size > LARGE:
        return await asyncio.to_thread(_rendered, texts, values, tags)
    return _rendered(texts, values, tags)


def _rendered(texts: Texts, values: Mapping[str, str], tags: frozenset[str]) -> Texts:
    known = known_names(tags)
    html, text = texts.html, texts.text
    subject = _filled("subject", texts.subject, values, known, escape=False)
    if text is not None:
        text = _filled("text", text, values, known, escape=False)
    elif html is not None:
        text = _derived(html, values, known)
    if html is not None:
        html = _filled("html", html, values, known, escape=True)
    return Texts(subject, html, text)


def _filled(part: str, source: str, values: Mapping[str, str], known: frozenset[str], *, escape: bool) -> str:
    """Return one text filled.

    Raises:
        Unrenderable: It is malformed, or becomes too large.
    """
    if "{" not in source:
        if len(source) > MAX_OUTPUT:
            raise Unrenderable(part, f"more than {MAX_OUTPUT} characters")
        return source
    try:
        return parse(source, known).render(values, escape=escape)
    except (SyntaxProblem, TooLarge) as problem:
        raise Unrenderable(part, str(problem)) from None


def _derived(html: str, values: Mapping[str, str], known: frozenset[str]) -> str:
    """Return the text part that an HTML part stands for.

    Raises:
        Unrenderable: The HTML is malformed, or its text too large.
    """
    try:
        return Template(build(text_pieces(html, known)), frozenset()).render(values, escape=False)
    except (SyntaxProblem, TooLarge) as problem:
        raise Unrenderable("html", str(problem)) from None
