"""A whole mail that was submitted: checked, its header fields read, its parts found.

May import `app.mail` and the modules beside it.

Source: docs/contract/dyn-email.md, sections 7 and 12; RFC 5322, section 3.6; RFC 5321, section 2.3.8.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.mail.raw.head import Field, Malformed, is_foldable, read_fields
from app.mail.raw.parts import html_of
from app.mail.raw.structure import Part, find_parts
from app.mail.tracked import find_links
from app.mail.tracking import MAX_LINKS

NOT_KEPT = frozenset({"bcc", "resent-bcc", "return-path", "x-trireme-message"})
"""Fields that never leave: hidden recipients, and what is ours to write."""


@dataclass(frozen=True, slots=True)
class RawMail:
    """A mail, fit to be sent.

    Attributes:
        raw: The octets: header section, blank line, body; without the fields of `NOT_KEPT`.
        fields: Its header fields, in order.
        body: Where its body begins in `raw`.
        parts: Its body parts.
    """

    raw: bytes
    fields: tuple[Field, ...]
    body: int
    parts: tuple[Part, ...]

    def all(self, key: str) -> list[Field]:
        """Return the fields of a name, given in lower case."""
        return [field for field in self.fields if field.key == key]

    def first(self, key: str) -> Field | None:
        """Return the first field of a name, given in lower case."""
        for field in self.fields:
            if field.key == key:
                return field
        return None

    def htmls(self) -> list[tuple[Part, str]]:
        """Return the parts that are shown as HTML and may be changed, with their texts."""
        texts = [(part, html_of(self.raw, part)) for part in self.parts if part.type == "text/html"]
        return [(part, text) for part, text in texts if text is not None]

    def links(self, public_url: str) -> tuple[str, ...]:
        """Return where the links of its HTML parts lead that are to be tracked, each once: its place is its number.

        Takes about a millisecond for 10 kB of HTML, so large mails belong into a thread.
        """
        found: dict[str, None] = {}
        for _, html in self.htmls():
            found.update(dict.fromkeys(find_links(html, public_url)))
        return tuple(found)[:MAX_LINKS]


def read_mail(raw: bytes) -> RawMail:
    """Read a mail as it came between DATA and the final dot, dots undone.

    Linear in its size; what it costs beyond copying is nearly nothing for a mail without parts.

    Raises:
        Malformed: It can not be sent: a bare CR or LF, NUL, a header section that can not be read, too many parts.
    """
    breaks = raw.count(b"\r\n")
    if raw.count(b"\n") != breaks or raw.count(b"\r") != breaks:
        raise Malformed("bare CR or LF in the message")
    if b"\0" in raw:
        raise Malformed("NUL in the message")
    if raw.startswith(b"\r\n"):
        raise Malformed("header section can not be read")
    head, blank, rest = raw.partition(b"\r\n\r\n")
    if not blank and not head.endswith(b"\r\n"):
        head += b"\r\n" * bool(head)
    head = head + b"\r\n" if blank else head
    fields = read_fields(head)
    if not all(map(is_foldable, fields)):
        raise Malformed("header line too long")
    kept = tuple(field for field in fields if field.key not in NOT_KEPT)
    return made(kept, rest, same=raw if blank and _is_whole(kept, head) else None)


def made(fields: Sequence[Field], rest: bytes, *, same: bytes | None = None) -> RawMail:
    """Return a mail of these fields and body.

    Args:
        fields: The whole header section.
        rest: The body.
        same: The octets of both, when they are at hand.

    Raises:
        Malformed: Its body parts are too many, or nested too deeply.
    """
    raw = same if same is not None else b"".join((*_lines(fields), b"\r\n", rest))
    return RawMail(raw, tuple(fields), len(raw) - len(rest), find_parts(raw))


def _lines(fields: Iterable[Field]) -> list[bytes]:
    return [field.line for field in fields]


def _is_whole(fields: Sequence[Field], head: bytes) -> bool:
    return sum(len(field.line) for field in fields) == len(head)
