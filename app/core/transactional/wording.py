"""What a template, a campaign or an author's draft would look like, and what is odd about it. Pure.

Imports `app.mail` and the modules beside it.

Source: docs/contract/native.md, 9; docs/contract/dynosend.md, 13.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.core.transactional.rendering import Texts, Unrenderable, rendered
from app.mail.campaign import CampaignContent, Links
from app.mail.campaign.html import html_pieces
from app.mail.campaign.markup import landmarks, mask
from app.mail.personalise import SyntaxProblem, Template, TooLarge, build, known_names, parse, scan

MAX_HTML = 100_000
"""Octets of HTML from which large providers cut a mail off."""
MAX_WARNINGS = 20
"""Warnings of one kind."""
_SINGLE = re.compile(r"\{([A-Z][A-Z0-9_]{0,127}+)\}")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*+:")
_UNSUBSCRIBE = "UNSUBSCRIBE_URL"
_NOWHERE = Links("https://mail.example.com", "bounces.example.com", bytes(32))
"""Nothing is tracked here, so nothing leads there."""


@dataclass(frozen=True, slots=True)
class Wording:
    """A content before it is personalised; a part that is blank is not there."""

    subject: str = ""
    preheader: str = ""
    html: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A content as one recipient sees it.

    Attributes:
        subject: Of the mail.
        preheader: What stands behind the subject in a list of mails.
        html: The HTML part without the preheader; None: the mail is text alone.
        mail_html: The HTML part of a mail: with the preheader in it, hidden.
        text: The text part; where none was written, derived from the HTML.
        warnings: Sentences for the author.
    """

    subject: str
    preheader: str
    html: str | None
    mail_html: str | None
    text: str | None
    warnings: tuple[str, ...]


async def render(wording: Wording, values: Mapping[str, str], tags: frozenset[str]) -> Rendered:
    """Return a content with its names filled in.

    Args:
        wording: The content.
        values: By upper-case name.
        tags: Names that are known besides those of the contract, upper case.

    Raises:
        Unrenderable: A part is malformed, or becomes too large.
    """
    html, text = (part if part.strip() else None for part in (wording.html, wording.text))
    texts = await rendered(Texts(wording.subject, html, text), values, tags=tags)
    known = known_names(tags)
    preheader = _filled("preheader", wording.preheader, values, known)
    mail_html = texts.html
    if html is not None and wording.preheader.strip():
        mail_html = await asyncio.to_thread(_with_preheader, wording, values, known)
    warnings = await asyncio.to_thread(lambda: tuple(_warnings(wording, texts.html or "", known)))
    return Rendered(texts.subject, preheader, texts.html, mail_html, texts.text, warnings)


def _with_preheader(wording: Wording, values: Mapping[str, str], known: frozenset[str]) -> str:
    """Return the HTML part with the preheader in it, as the mail of a campaign has it.

    Raises:
        Unrenderable: It is malformed, or becomes too large.
    """
    content = CampaignContent(
        subject="", from_email="", html=wording.html, preheader=wording.preheader, track_opens=False, track_clicks=False
    )
    try:
        pieces, _ = html_pieces(content, _NOWHERE, known)
        return Template(build(pieces), frozenset()).render(values, escape=True)
    except (SyntaxProblem, TooLarge) as problem:
        raise Unrenderable("html", str(problem)) from None


def _filled(part: str, source: str, values: Mapping[str, str], known: frozenset[str]) -> str:
    try:
        return parse(source, known).render(values, escape=False)
    except (SyntaxProblem, TooLarge) as problem:
        raise Unrenderable(part, str(problem)) from None


def _warnings(wording: Wording, shown_html: str, known: frozenset[str]) -> Iterator[str]:
    sources = (wording.subject, wording.preheader, wording.html, wording.text)
    names = frozenset[str]().union(*(parse(source, known).names for source in sources))
    unknown = [name for source in sources for name in _SINGLE.findall(source) if name not in known]
    for name in list(dict.fromkeys([*unknown, *sorted(names - known)]))[:MAX_WARNINGS]:
        yield f"unknown name: {name}"
    for link in list(dict.fromkeys(_links_without_scheme(wording.html, known)))[:MAX_WARNINGS]:
        yield f"link without scheme: {link[:200]}"
    if _UNSUBSCRIBE not in names:
        yield "no unsubscribe link"
    if len(shown_html) > MAX_HTML or len(shown_html.encode("utf-8", "replace")) > MAX_HTML:
        yield f"HTML of more than {MAX_HTML // 1000} kB"


def _links_without_scheme(html: str, known: frozenset[str]) -> Iterator[str]:
    """Yield the targets of links that lead nowhere from a mail; what begins with a name may have a scheme."""
    tokens = scan(html, known)
    constructs = {token.start for token in tokens}
    for tag in landmarks(mask(html, tokens)):
        span = tag.span("href") if tag.name in {"a", "area"} and not tag.closes else None
        if span is None or span[0] in constructs:
            continue
        target = html[span[0] : span[1]].strip()
        if not target.startswith("#") and not _SCHEME.match(target):
            yield target
