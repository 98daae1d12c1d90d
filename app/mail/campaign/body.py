"""The MIME body of a campaign as one program.

May import `app.mail.personalise`, `app.mail.transfer` and the modules beside it.

Source: RFC 2045, RFC 2046 section 5.1.4.
"""

import hashlib
import string
from collections.abc import Sequence
from dataclasses import dataclass

from app.mail.campaign.encode import Mode, plain_value
from app.mail.campaign.program import Program, Sources
from app.mail.personalise import Choice, Node
from app.mail.transfer import is_plain


@dataclass(frozen=True, slots=True)
class Body:
    """A program and the header lines that describe what it makes."""

    head: bytes
    program: Program
    is_canonical: bool
    """Whether its octets are their own relaxed form, so that they can be hashed as they are."""


def body_of(text: Sequence[Node], html: Sequence[Node] | None, sources: Sources) -> Body:
    """Return the body of a mail with a text part and, unless it is None, an HTML part."""
    parts = [_part("plain", text, sources, escape=False)]
    if html is None:
        head, program = parts[0]
        return Body(head, program, is_canonical=False)  # it may end with empty lines
    parts.append(_part("html", html, sources, escape=True))
    boundary = _boundary([piece for _, program in parts for piece in program.static()])
    line = b"--" + boundary
    whole = Program()
    for head, program in parts:
        whole.add(line + b"\r\n" + head + b"\r\n")
        whole.extend(program)
    whole.add(line + b"--\r\n")
    mime = b'Content-Type: multipart/alternative;\r\n boundary="' + boundary + b'"\r\n'
    return Body(mime, whole, is_canonical=True)


def _part(kind: str, nodes: Sequence[Node], sources: Sources, *, escape: bool) -> tuple[bytes, Program]:
    """Return header lines and program of a part; its encoding is chosen by its static text."""
    static = "".join(_texts(nodes)).replace("\r\n", "\n").replace("\r", "\n")
    program = sources.program(nodes, Mode(escape=escape, quoted=True), last=True)
    encoding = "quoted-printable"
    if len(program.items) == 1 and isinstance(program.items[0], bytes) and _is_canonical(static):
        encoding = "7bit"
        program = Program([plain_value(static if static.endswith("\n") else static + "\n")])
    elif _is_mostly_foreign(static):
        encoding = "base64"
        plain = sources.program(nodes, Mode(escape=escape, quoted=False))
        program = Program()
        program.place(sources.base64(plain))
    head = f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n"
    return head.encode("ascii"), program


def _texts(nodes: Sequence[Node]) -> list[str]:
    texts: list[str] = []
    for node in nodes:
        if isinstance(node, str):
            texts.append(node)
        elif isinstance(node, Choice):
            texts += [text for _, branch in node.branches for text in _texts(branch)]
    return texts


def _is_canonical(text: str) -> bool:
    return is_plain(text) and not any(mark in text for mark in ("\t", "  ", " \n")) and not text.endswith(" ")


def _is_mostly_foreign(text: str) -> bool:
    """Say whether base64 is shorter than quoted-printable, by their rules of three and of four thirds."""
    raw = text.encode("utf-8", "replace")
    coded = len(raw) - sum(map(raw.count, _PLAIN))
    return len(raw) + 2 * coded > len(raw) * 4 // 3 + 4


def _boundary(pieces: Sequence[bytes]) -> bytes:
    """Return a boundary that no part contains; no value can, because its `=_` is encoded in values."""
    boundary = b"=_" + hashlib.sha256(b"".join(pieces)).hexdigest()[:24].encode("ascii")
    while any(boundary in piece for piece in pieces):
        boundary = b"=_" + hashlib.sha256(boundary).hexdigest()[:24].encode("ascii")
    return boundary


_PLAIN = [
    char.encode("ascii") for char in f"\n {string.digits}{string.ascii_letters}{string.punctuation}" if char != "="
]
