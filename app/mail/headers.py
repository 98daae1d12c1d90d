"""Header lines as bytes: cleaning, encoded words, folding.

No value can end its line: CR and LF become a blank before anything else happens. May import the standard library
and `app.mail.addresses`.

Source: RFC 5322 section 2.2, RFC 2047, RFC 6532; docs/contract/dyn-email.md, section 7.
"""

import binascii
import re
from collections.abc import Iterable, Iterator

from app.mail.addresses import InvalidAddress, parse_mailbox, split_list

WIDTH = 78
"""Length at which lines are folded, without CRLF (RFC 5322, 2.1.1)."""
ENCODED_WORD = 75
"""Longest encoded word (RFC 2047, section 2)."""
LONGEST_WORD = 900
"""A word longer than this could not be folded below 998 characters and is encoded instead."""
LONGEST_LINE = 998
"""Length that no line may exceed, without CRLF (RFC 5322, 2.1.1)."""

_BREAKS = re.compile(r"[\r\n]+")
_BLANKS = re.compile(r" {90,}")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_UNCLEAN = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_NAME = re.compile(r"[!-9;-~]{1,200}\Z")
_IS_ENCODED = re.compile(r"=\?[!-~]{1,40}\?[bBqQ]\?[!->@-~]*\?=\Z")
_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+\Z")
_WORD = re.compile(r" *[^ ]+")

_ADDRESS_HEADERS = frozenset(
    f"{prefix}{name}"
    for prefix in ("", "resent-")
    for name in ("from", "to", "cc", "bcc", "sender", "reply-to", "disposition-notification-to")
)
# RFC 2047, section 5 (3): what may stand in an encoded word in a phrase; stricter than needed elsewhere.
_Q = {byte: chr(byte) if chr(byte).isalnum() or chr(byte) in "!*+-/" else f"={byte:02X}" for byte in range(128)}
_Q |= {byte: f"={byte:02X}" for byte in range(128, 256)} | {0x20: "_"}


def is_header_name(name: str) -> bool:
    """Say whether `name` may stand before a colon (RFC 5322, 3.6.8)."""
    return _NAME.match(name) is not None


def clean(value: str) -> str:
    """Return a header value on one line: CR and LF become one blank, tabs too, other control characters vanish."""
    if _UNCLEAN.search(value):
        value = _CONTROLS.sub("", value)
        value = _BREAKS.sub(" ", value).replace("\t", " ")
        value = _SURROGATES.sub("\ufffd", value)
    return value.strip(" ")


def header_line(name: str, value: str) -> bytes:
    r"""Return one header line as bytes, encoded and folded, with CRLF at its end.

    Raises:
        ValueError: The name is not one (see `is_header_name`).
    """
    if not is_header_name(name):
        raise ValueError(f"not a header name: {name!r:.60}")
    value = _BLANKS.sub(" ", clean(value))  # no line could hold more of them with the longest word
    if len(name) + 2 + len(value) <= WIDTH and value.isascii():
        return f"{name}: {value}\r\n".encode("ascii")
    if name.lower() in _ADDRESS_HEADERS:
        if not value.isascii() or _has_long_word(value):
            value = ", ".join(_encode_mailbox(entry, name) for entry in split_list(value))
    elif not value.isascii() or _has_long_word(value):
        value = _encode(value, len(name), phrase=False)
    return _fold(name, value).encode()


def header_lines(headers: Iterable[tuple[str, str]]) -> bytes:
    """Return several header lines in their order.

    Raises:
        ValueError: A name is not one.
    """
    return b"".join([header_line(name, value) for name, value in headers])


def _has_long_word(value: str) -> bool:
    return len(value) > LONGEST_WORD and any(len(word) > LONGEST_WORD for word in _WORD.findall(value))


def _encode_mailbox(entry: str, header: str) -> str:
    """Encode the display name of one list entry; the address stays (a UTF-8 local part needs SMTPUTF8)."""
    if entry.isascii() and not _has_long_word(entry):
        return entry
    try:
        mailbox = parse_mailbox(entry)
    except InvalidAddress:
        return _encode(entry, len(header), phrase=True)  # not an address: text that harms nobody
    if mailbox.name.isascii() and not _has_long_word(mailbox.name):
        return mailbox.header_text()
    return f"{_encode(mailbox.name, len(header), phrase=True)} <{mailbox.address}>"


def _encode(value: str, indent: int, *, phrase: bool) -> str:
    """Encode the words of a value that need it; encoded words that are there already stay.

    Blanks between two encoded words are not shown (RFC 2047, 6.2), so those belong into the words we make.
    """
    words = value.split(" ")
    done = [_IS_ENCODED.match(word) is not None and len(word) <= LONGEST_WORD for word in words]
    out: list[str] = []
    start = 0
    while start < len(words):
        if done[start]:
            out.append(words[start])
            start += 1
            continue
        end = next((index for index in range(start, len(words)) if done[index]), len(words))
        stretch = words[start:end]
        needy = [index for index, word in enumerate(stretch) if _needs_encoding(word, phrase=phrase)]
        if not needy or (not phrase and stretch.count("") == len(stretch)):
            out += stretch
        else:
            first, last = (0, len(stretch) - 1) if phrase or "" in stretch else (needy[0], needy[-1])
            text = " ".join(stretch[first : last + 1])
            text = " " * (first == 0 and start > 0) + text + " " * (last == len(stretch) - 1 and end < len(words))
            out += [*stretch[:first], *_encoded_words(text, indent), *stretch[last + 1 :]]
        start = end
    return " ".join(out)


def _needs_encoding(word: str, *, phrase: bool) -> bool:
    if phrase:
        return _ATOM.match(word) is None or len(word) > LONGEST_WORD
    return not word.isascii() or len(word) > LONGEST_WORD


def _encoded_words(text: str, indent: int) -> Iterator[str]:
    """Write text as encoded words, each short enough to stand behind a header name of `indent` characters."""
    room = max(ENCODED_WORD - indent - 2, 36) - len("=?utf-8?q??=")
    raw = text.encode()
    quoted = sum(len(_Q[byte]) for byte in raw) <= len(raw) * 4 // 3 + 4
    limit = room if quoted else room // 4 * 3
    chunk: list[str] = []
    size = 0
    for char in text:
        cost = sum(len(_Q[byte]) for byte in char.encode()) if quoted else len(char.encode())
        if size + cost > limit:
            yield _encoded_word("".join(chunk), quoted=quoted)
            chunk, size = [], 0
        chunk.append(char)
        size += cost
    yield _encoded_word("".join(chunk), quoted=quoted)


def _encoded_word(text: str, *, quoted: bool) -> str:
    raw = text.encode()
    if quoted:
        return f"=?utf-8?q?{''.join(_Q[byte] for byte in raw)}?="
    return f"=?utf-8?b?{binascii.b2a_base64(raw, newline=False).decode('ascii')}?="


def _fold(name: str, value: str) -> str:
    """Fold before words, so that no line holds blanks alone; unfolding gives the value back."""
    lines: list[str] = []
    line = f"{name}:"
    fresh = True
    for word in _WORD.findall(" " + value):
        if len(line) + len(word) > (LONGEST_LINE if fresh else WIDTH):
            lines.append(line)
            line = ""
        line += word
        fresh = False
    return "\r\n".join([*lines, line]) + "\r\n"
