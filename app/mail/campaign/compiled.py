"""A campaign's mail, compiled once per version of a run, and its copies.

Compiling parses, rewrites and encodes; composing a copy makes its tokens and values, joins octets, hashes and signs.
May import `app.mail` and the standard library.

Source: docs/contract/dynosend.md, sections 13 and 15; docs/contract/dyn-email.md, section 13.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from html import escape

from app.mail import dkim
from app.mail.campaign.body import body_of
from app.mail.campaign.content import CampaignContent, CopyFacts, Links
from app.mail.campaign.edits import weave
from app.mail.campaign.head import Head
from app.mail.campaign.html import html_pieces
from app.mail.campaign.program import MAX_COPY, Sources
from app.mail.campaign.resolve import Environment, folded, resolved
from app.mail.campaign.text import text_pieces
from app.mail.personalise import (
    Node,
    Piece,
    SyntaxProblem,
    Template,
    TooLarge,
    build,
    expressions,
    known_names,
    parse,
    scan,
)
from app.mail.tracking import Purpose, Tokens

_HEAD_ROOM = 3_072
"""What the headers of a copy and two signatures take at most in nearly all cases, in octets."""
_SLOT_ROOM = 64
"""What a value takes in nearly all cases, in octets."""
_PURPOSES = (Purpose.UNSUBSCRIBE, Purpose.WEB_VIEW, Purpose.PROFILE)


class CompiledCampaign:
    """What all copies of a campaign share. Immutable; may be used by several threads."""

    def __init__(self, content: CampaignContent, links: Links) -> None:
        """Compile; see `compile_campaign`."""
        known = known_names(content.known, content.constants)
        for source in (content.subject, content.preheader, content.html or "", content.text or ""):
            parse(source, known)  # malformed texts are told of with a line of their own
        text, html, targets = _trees(content, links, known)
        subject = _subject(content, known)
        self.targets: tuple[str, ...] = targets
        """What a click leads to, by link number; see `link_target`."""
        nodes = (*text, *(html or ()))
        self._sources = Sources(len(targets))
        body = body_of(text, html, self._sources)
        self._select = self._sources.select(body.program)
        self._is_canonical = body.is_canonical
        self._subject = subject if subject.names else None
        self._head = Head(content, links, body.head, None if subject.names else subject.render({}, escape=False))
        self._environment = Environment(
            subject.names | {one.name for one in expressions(nodes)}, content.constants, links
        )
        self._key = links.key
        static = body.program.static()
        fixed = static[0] if static and body.program.items[0] is static[0] else b""
        self._fixed = len(fixed)
        self._hash = hashlib.sha256(fixed)
        self.needs_smtputf8: bool = not self._head.static.isascii()
        """Whether a header all copies share holds raw UTF-8; a recipient's address may need it too."""
        size = sum(map(len, static)) + len(self._head.static) + _HEAD_ROOM
        self.size: int = size + _SLOT_ROOM * (len(body.program.items) - len(static))
        """Octets of a copy, a little more than most have."""

    def compose(self, copy: CopyFacts, signers: Sequence[dkim.Signer] = ()) -> bytes:
        """Return the whole mail of one copy: CRLF, no leading dots, CRLF at its end.

        Args:
            copy: Whose.
            signers: Each adds a signature, the first one at the top.

        Raises:
            TooLarge: The values would make the mail larger than `MAX_COPY`.
            ValueError: An id is out of range.
        """
        second = int(copy.accepted_at.timestamp())
        tokens = Tokens(self._key, accepted_at=second, message_id=copy.message_id, links=len(self.targets))
        values = self._environment.of(copy, tokens)
        body = self._select(self._sources.fill(tokens, values))
        subject = self._subject.render(values, escape=False) if self._subject is not None else None
        lines, relaxed = self._head.lines(copy, second, subject, tokens.of(Purpose.UNSUBSCRIBE).decode("ascii"))
        if not signers:
            return b"".join((lines, self._head.static, b"\r\n", *body))
        whole = b"".join(body)
        hashed = self._body_hash(whole)
        signatures = [signer.sign_relaxed(self._head.names, relaxed, hashed) for signer in signers]
        return b"".join((*signatures, lines, self._head.static, b"\r\n", whole))

    def _body_hash(self, body: bytes) -> str:
        if not self._is_canonical:
            return dkim.body_hash(body)
        state = self._hash.copy()
        state.update(memoryview(body)[self._fixed :])
        return base64.b64encode(state.digest()).decode("ascii")


def compile_campaign(content: CampaignContent, links: Links) -> CompiledCampaign:
    """Compile a content; takes milliseconds, so it belongs into a thread when texts are large.

    Raises:
        SyntaxProblem: Subject, preheader, HTML or text are malformed.
        ValueError: The name of a header is not one.
    """
    return CompiledCampaign(content, links)


def web_page(content: CampaignContent, links: Links, copy: CopyFacts) -> str:
    """Return the mail of a copy as an HTML page, without pixel and with its links as they are.

    Raises:
        SyntaxProblem: A text is malformed.
        TooLarge: The page would be too large.
    """
    untracked = replace(content, track_opens=False, track_clicks=False, preheader="")
    known = known_names(content.known, content.constants)
    text, html, _ = _trees(untracked, links, known)
    nodes = text if html is None else html
    names = frozenset(one.name for one in expressions(nodes))
    tokens = Tokens(links.key, accepted_at=int(copy.accepted_at.timestamp()), message_id=copy.message_id)
    places = {f"{purpose}:0": tokens.of(purpose).decode("ascii") for purpose in _PURPOSES}
    values = {**Environment(names, content.constants, links).of(copy, tokens), **places}
    page = Template(nodes, names).render(values, escape=html is not None)
    return page if html is not None else f"<!DOCTYPE html><meta charset=utf-8><pre>{escape(page)}</pre>"


def _trees(
    content: CampaignContent, links: Links, known: frozenset[str]
) -> tuple[tuple[Node, ...], tuple[Node, ...] | None, tuple[str, ...]]:
    """Return the trees of text and HTML, and the targets."""
    html: tuple[Node, ...] | None = None
    targets: tuple[str, ...] = ()
    if content.html is not None:
        pieces, targets = html_pieces(content, links, known)
        html = build(resolved(pieces, content.constants, links, for_html=True))
    if content.text is not None and content.text.strip():
        plain: list[Piece] = weave(content.text, scan(content.text, known))
    else:
        plain = text_pieces(content.html or "", known)
    return build(resolved(plain, content.constants, links, for_html=False)), html, targets


def _subject(content: CampaignContent, known: frozenset[str]) -> Template:
    pieces = weave(content.subject, scan(content.subject, known))
    nodes = build(folded(pieces, content.constants))
    return Template(nodes, frozenset(one.name for one in expressions(nodes)))


__all__ = ["MAX_COPY", "CompiledCampaign", "SyntaxProblem", "TooLarge", "compile_campaign", "web_page"]
