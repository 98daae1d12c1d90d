"""One e-mail address, and lists of them: foreign text in, checked values out.

Every scan is linear in the text. May import the standard library, `idna` and `app.mail.tokens`.

Source: RFC 5322 section 3.4, RFC 5321 section 4.5.3.1, RFC 6531 and 6532 (UTF-8 local parts), RFC 5890 (IDN);
docs/contract/dyn-email.md, sections 3.2 and 7.
"""

import re
from dataclasses import dataclass

import idna

from app.mail import tokens

MAX_TEXT = 2000
"""Longest text of one mailbox, in characters, display name and comments included."""
MAX_LOCAL = 64
"""Longest local part, in octets (RFC 5321, 4.5.3.1.1)."""
MAX_ADDRESS = 254
"""Longest address, in octets (RFC 5321, 4.5.3.1.3, without the angle brackets)."""

# Possessive quantifiers (++, *+) never give characters back, so neither pattern can backtrack.
_ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~-"
_DOMAIN = r"(?:(?!-)[A-Za-z0-9-]{1,63}+(?<!-)\.)++(?![0-9]++\Z)(?!-)[A-Za-z0-9-]{1,63}+(?<!-)"
_PLAIN = re.compile(rf"([{_ATEXT}]++(?:\.[{_ATEXT}]++)*+)@({_DOMAIN})\Z")
_HOST = re.compile(rf"{_DOMAIN}\Z")
_DOT_ATOM = re.compile(rf"[\u0080-\U0010ffff{_ATEXT}]++(?:\.[\u0080-\U0010ffff{_ATEXT}]++)*+\Z")
_WORDS = re.compile(rf"[{_ATEXT}]++(?: [{_ATEXT}]++)*+\Z")
_ATOMS = re.compile(rf"[\u0080-\U0010ffff{_ATEXT}]++(?: [\u0080-\U0010ffff{_ATEXT}]++)*+\Z")
_FOLD = re.compile(r"[\t\r\n]+")
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_ESCAPED = re.compile(r'(["\\])')


class InvalidAddress(ValueError):
    """The text is not one usable mailbox."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One checked mailbox."""

    name: str
    """Display name without quotes, blanks collapsed; encoded words (RFC 2047) stay as they came. May be empty."""
    address: str
    """The address for the envelope: local part as given (quoted if needed), domain in lower case, IDN as A-labels."""

    @property
    def local(self) -> str:
        """The part before the @."""
        return self.address.rpartition("@")[0]

    @property
    def domain(self) -> str:
        """The part after the @."""
        return self.address.rpartition("@")[2]

    @property
    def key(self) -> str:
        """The whole address in lower case, for comparing."""
        return self.address.lower()

    def header_text(self) -> str:
        """Return the mailbox as text for an address header, unencoded; parsing it gives an equal mailbox."""
        if not self.name:
            return self.address
        name = self.name if _ATOMS.match(self.name) else '"' + _ESCAPED.sub(r"\\\1", self.name) + '"'
        return f"{name} <{self.address}>"


def parse_mailbox(text: str) -> Mailbox:
    """Read one mailbox: `local@domain`, `Name <local@domain>` or `"Name" <local@domain>`.

    Comments and folding blanks are dropped; CR, LF and tabs count as blanks.

    Raises:
        InvalidAddress: Not one mailbox, or beyond a limit of RFC 5321. Domain literals and domains of a single
            label are refused, as are other control characters.
    """
    plain = _PLAIN.match(text)
    if plain is not None:
        return _plain("", plain)
    name, opened, address = text[:-1].partition(" <")
    if opened and text[-1] == ">" and _WORDS.match(name) and (plain := _PLAIN.match(address)):
        return _plain(name, plain)
    if len(text) > MAX_TEXT:
        raise InvalidAddress("text too long")
    text = _FOLD.sub(" ", text)
    if _FORBIDDEN.search(text):
        raise InvalidAddress("control character")
    return _parse(tokens.scan(text))


def plain_key(text: str) -> str | None:
    """Return the key of a bare address of the form nearly all have; None when `parse_mailbox` has to look at it.

    A fifth of the time of `parse_mailbox(text).key`, which it equals: for those who read a million.
    """
    plain = _PLAIN.match(text)
    if plain is None or len(text) > MAX_ADDRESS or plain.end(1) > MAX_LOCAL:
        return None
    return text.lower()


def split_list(text: str) -> list[str]:
    """Split an RFC 5322 address list at the commas outside quotes, comments and angle brackets.

    Groups (`name: a@x.org, b@x.org;`) are opened. Blank entries are dropped; entries are not checked. The caller
    limits the length of the text.
    """
    if not any(char in text for char in '"(<[;:\\'):
        return [one for part in text.split(",") if (one := part.strip())]
    entries: list[str] = []
    entry: list[str] = []
    in_angle = False
    for kind, raw in tokens.scan(text):
        if kind == tokens.SPECIAL:
            in_angle = raw == "<" or (in_angle and raw != ">")
            if raw in ",;" and not in_angle:
                entries.append("".join(entry))
                entry.clear()
                continue
            if raw == ":" and not in_angle:  # what came before is the name of a group
                entry.clear()
                continue
        entry.append(raw)
    entries.append("".join(entry))
    return [stripped for one in entries if (stripped := one.strip())]


def _plain(name: str, address: re.Match[str]) -> Mailbox:
    """Take what a pattern has found: the way of nearly all addresses.

    Raises:
        InvalidAddress: Beyond a limit.
    """
    local, domain = address.groups()
    if len(name) > MAX_TEXT or len(local) > MAX_LOCAL or len(address[0]) > MAX_ADDRESS:
        raise InvalidAddress("address too long")
    return Mailbox(name, f"{local}@{domain.lower()}")


def _parse(parts: list[tuple[str, str]]) -> Mailbox:
    """Read a mailbox from its tokens: with angle brackets, or a bare address.

    Raises:
        InvalidAddress: It is neither.
    """
    parts = [part for part in parts if part[0] != tokens.COMMENT]
    opening = [index for index, part in enumerate(parts) if part == (tokens.SPECIAL, "<")]
    if not opening:
        return Mailbox("", _address(parts))
    start = opening[0]
    end = next((index for index, part in enumerate(parts) if part == (tokens.SPECIAL, ">")), -1)
    if len(opening) > 1 or end < start or any(raw.strip() for _, raw in parts[end + 1 :]):
        raise InvalidAddress("angle brackets")
    return Mailbox(_name(parts[:start]), _address(parts[start + 1 : end]))


def _name(parts: list[tuple[str, str]]) -> str:
    """Read a display name: quotes removed, blanks collapsed.

    Raises:
        InvalidAddress: It holds a character that needs quotes.
    """
    words: list[str] = []
    for kind, raw in parts:
        if kind == tokens.SPECIAL and raw in ',;>"[]()\\':
            raise InvalidAddress("display name")
        words.append(tokens.unquote(raw) if kind == tokens.QUOTED else raw)
    return " ".join("".join(words).split())


def _address(parts: list[tuple[str, str]]) -> str:
    """Read `local@domain` from its tokens, without any blank but those in quotes.

    Raises:
        InvalidAddress: It is not one, or too long.
    """
    parts = [(kind, raw if kind == tokens.QUOTED else raw.strip(" ")) for kind, raw in parts]
    parts = [part for part in parts if part[1]]
    if parts and parts[0][0] == tokens.QUOTED:
        local = _quoted_local(tokens.unquote(parts[0][1]))
        rest = "".join(raw for _, raw in parts[1:])
        if not rest.startswith("@"):
            raise InvalidAddress("no @")
        domain = rest[1:]
    else:
        local, at, domain = "".join(raw for _, raw in parts).rpartition("@")
        if not at or not _DOT_ATOM.match(local) or not local.isprintable():
            raise InvalidAddress("local part")
    address = f"{local}@{_domain(domain)}"
    if len(local.encode()) > MAX_LOCAL or len(address.encode()) > MAX_ADDRESS:
        raise InvalidAddress("address too long")
    return address


def _quoted_local(content: str) -> str:
    """Write a quoted local part in one way only: bare where it may be, else with the fewest escapes.

    Raises:
        InvalidAddress: It is empty, or holds something unprintable.
    """
    if not content or not content.isprintable():
        raise InvalidAddress("local part")
    return content if _DOT_ATOM.match(content) else '"' + _ESCAPED.sub(r"\\\1", content) + '"'


def _domain(domain: str) -> str:
    """Check a domain and return it in lower case, IDN as A-labels.

    Raises:
        InvalidAddress: It is not one, or a literal, or a single label.
    """
    if len(domain) > MAX_ADDRESS:
        raise InvalidAddress("domain too long")
    if not domain.isascii():
        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except UnicodeError as error:
            raise InvalidAddress("domain") from error
    if not _HOST.match(domain):
        raise InvalidAddress("domain")
    return domain.lower()
