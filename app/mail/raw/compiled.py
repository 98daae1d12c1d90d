"""What all copies of a submitted mail share: its header section and body as they are sent.

May import the rest of `app.mail` and the modules beside it.

Source: docs/contract/dyn-email.md, sections 7 and 13; RFC 8058; RFC 6376, section 5.3.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from app.mail.campaign.head import ONE_CLICK
from app.mail.headers import header_line
from app.mail.raw import parts
from app.mail.raw.head import Field, read_fields, written
from app.mail.raw.mail import RawMail
from app.mail.raw.structure import Part
from app.mail.tracked import CompiledTracked, Tracking, Tracks
from app.mail.tracked.body import Body
from app.mail.tracked.slots import Item, with_slots
from app.mail.tracked.tracks import tracked_pieces

_ONE_CLICK = ONE_CLICK[0].lower()


@dataclass(frozen=True, slots=True)
class Names:
    """What a mail is called where it says nothing of it.

    Attributes:
        message_id: In angle brackets.
        date: Aware.
        feedback_id: Value of Feedback-ID.
    """

    message_id: str
    date: datetime
    feedback_id: str


@dataclass(frozen=True, slots=True)
class CompiledRaw:
    """A mail of which all copies are the same.

    Attributes:
        head: Header lines, each with CRLF.
        body: The body; lines may begin with a dot, nothing is doubled yet.
        eightbit: Whether it holds octets above 127.
    """

    head: bytes
    body: bytes
    eightbit: bool


@dataclass(frozen=True, slots=True)
class _Changed:
    """A part that is not sent as it came."""

    part: Part
    encoding: str
    charset: str
    items: list[Item]


def compile_raw(mail: RawMail, names: Names) -> CompiledRaw:
    """Compile a mail that is not tracked; takes milliseconds for a large one, so it belongs into a thread."""
    head, items = _compiled(mail, names, list(_safe(mail, frozenset())), unsubscribes=False)
    body = b"".join(item for item in items if isinstance(item, bytes))
    return CompiledRaw(head, body, eightbit=not body.isascii())


def compile_raw_tracked(mail: RawMail, tracking: Tracking, names: Names) -> CompiledTracked:
    """Compile a mail that is tracked: its HTML parts have room for tokens, one of them for the pixel.

    A mail with a List-Unsubscribe of its own gets none from us (section 7).
    """
    tracks = tracking.tracks
    unsubscribes = Tracks.UNSUBSCRIBING in tracks and mail.first("list-unsubscribe") is None
    targets = tracking.targets if Tracks.CLICKS in tracks else ()
    numbers = {target: number for number, target in enumerate(targets)}
    changed = list(_tracked(mail, tracks, numbers, tracking.links.public_url))
    changed += _safe(mail, frozenset(one.part.body for one in changed))
    changed.sort(key=lambda one: one.part.body)
    head, items = _compiled(mail, names, changed, unsubscribes=unsubscribes)
    fixed = [item for item in items if isinstance(item, bytes)]
    return CompiledTracked(
        head,
        Body(items),
        tracking.links,
        targets=len(targets),
        unsubscribes=unsubscribes,
        stuffs_dots=any(b"\n." in item or item.startswith(b".") for item in fixed),
        eightbit=not all(item.isascii() for item in fixed),
    )


def _tracked(mail: RawMail, tracks: Tracks, numbers: Mapping[str, int], public_url: str) -> Iterator[_Changed]:
    """Yield the HTML parts with what tracks them; the pixel stands in the first one."""
    for part, html in mail.htmls():
        pieces = tracked_pieces(html, tracks, numbers, public_url)
        tracks &= ~Tracks.OPENS
        if all(isinstance(piece, str) for piece in pieces):
            continue
        made, items = with_slots(pieces)
        charset = "utf-8" if made.encoding != "7bit" and part.charset not in {"utf-8", "utf8"} else ""
        yield _Changed(part, made.encoding, charset, items)


def _safe(mail: RawMail, done: frozenset[int]) -> Iterator[_Changed]:
    """Yield the parts that hold 8-bit text or long lines, in an encoding that travels safely."""
    if parts.is_seven_bit(mail.raw[mail.body :]):
        return
    for part in mail.parts:
        if part.body in done or parts.is_seven_bit(mail.raw[part.body : part.end]):
            continue
        safe = parts.encoded(mail.raw, part)
        if safe is not None:
            says_nothing = part.type == "text/plain" and not part.charset
            yield _Changed(part, safe[0], "utf-8" if says_nothing and _is_utf8(mail.raw, part) else "", [safe[1]])


def _is_utf8(raw: bytes, part: Part) -> bool:
    try:
        raw[part.body : part.end].decode()
    except UnicodeDecodeError:
        return False
    return True


def _compiled(mail: RawMail, names: Names, changed: list[_Changed], *, unsubscribes: bool) -> tuple[bytes, list[Item]]:
    """Return the header section and the body in items."""
    fields = mail.fields
    items: list[Item] = []
    position = mail.body
    for one in changed:
        part = one.part
        if part.head:
            head = mail.raw[part.head : part.body].removesuffix(b"\r\n")
            items += (mail.raw[position : part.head], _restated(head, one), b"\r\n", *one.items)
        else:  # the mail itself: its only part
            head = b"".join(field.line for field in fields)
            fields = read_fields(_restated(head, one))
            items += one.items
        position = part.end
    items = [item for item in (*items, mail.raw[position:]) if item != b""]
    if items and isinstance(items[-1], bytes) and not items[-1].endswith(b"\r\n"):
        items.append(b"\r\n")
    return b"".join(_head(fields, names, unsubscribes=unsubscribes)), items


def _restated(head: bytes, one: _Changed) -> bytes:
    return parts.restated(head, one.part.type, one.encoding, one.charset)


def _head(fields: Sequence[Field], names: Names, *, unsubscribes: bool) -> Iterator[bytes]:
    """Yield the header lines: those of the mail in their order, then what is missing."""
    if unsubscribes:  # two of them would be invalid, and without the field it belongs to it says nothing
        fields = [field for field in fields if field.key != _ONE_CLICK]
    given = {field.key for field in fields}
    yield from written(fields)
    if "date" not in given:
        yield header_line("Date", format_datetime(names.date))
    if "message-id" not in given:
        yield header_line("Message-ID", names.message_id)
    if "mime-version" not in given:
        yield header_line("MIME-Version", "1.0")
    if "feedback-id" not in given:
        yield header_line("Feedback-ID", names.feedback_id)
    if unsubscribes:
        yield header_line(*ONE_CLICK)
