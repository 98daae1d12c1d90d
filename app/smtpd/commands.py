"""The syntax of SMTP commands (RFC 5321, 4.1; RFC 1870, 6152, 6531). Imports nothing of ours."""

import re
from typing import NamedTuple

MAX_PATH = 256
"""Octets of a path, without its brackets (RFC 5321, 4.5.3.1.3)."""
MAX_LOCAL = 64
"""Octets of a local part (RFC 5321, 4.5.3.1.1); a longer one is still read, up to the path's limit."""
_PATH = re.compile(r'(?i)(FROM|TO):[ ]?<((?:@[^<>:\s]{1,255}:)?+(?:"(?:\\.|[^"\\])*+"|[^<>"\s])*+)>((?: [^ ]+)*+) *')
_SIZE = re.compile(r"(?i)SIZE=(\d{1,20})\Z")
_BODY = re.compile(r"(?i)BODY=(?:7BIT|8BITMIME)\Z")
_AUTH = re.compile(r"(?i)AUTH=\S{1,500}\Z")
_FOREIGN = frozenset({"GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "CONNECT", "TRACE", "HOST:"})


class Path(NamedTuple):
    """The argument of MAIL or RCPT; a tuple: each command makes one, and a frozen class costs five times as much.

    Attributes:
        address: Without brackets and source route; empty for the null path.
        size: Declared by SIZE; 0: not at all.
        utf8: Whether SMTPUTF8 was given.
    """

    address: str
    size: int = 0
    utf8: bool = False


def verb_of(line: str) -> tuple[str, str]:
    """Return the verb in upper case and what follows it."""
    verb, _, rest = line.partition(" ")
    return verb.upper(), rest


def is_foreign(verb: str) -> bool:
    """Whether this is the first word of another protocol: a browser that was made to speak to us."""
    return verb in _FOREIGN


def mail_path(rest: str) -> Path | str:
    """Return the argument of MAIL, or the reply that refuses it."""
    match = _PATH.fullmatch(rest)
    if match is None or match[1].upper() != "FROM":
        return "501 5.5.4 syntax: MAIL FROM:<address>"
    size, utf8 = 0, False
    for parameter in match[3].split():
        if found := _SIZE.match(parameter):
            size = int(found[1])
        elif parameter.upper() == "SMTPUTF8":
            utf8 = True
        elif not _BODY.match(parameter) and not _AUTH.match(parameter):
            return "555 5.5.4 unknown parameter"
    address = _address(match[2])
    if len(address) > MAX_PATH:
        return "501 5.1.7 path too long"
    if not utf8 and not address.isascii():
        return "553 5.6.7 such an address needs SMTPUTF8"
    return Path(address, size, utf8)


def recipient_path(rest: str, *, utf8: bool) -> Path | str:
    """Return the argument of RCPT, or the reply that refuses it.

    Args:
        rest: What follows the verb.
        utf8: Whether the mail was announced with SMTPUTF8.
    """
    match = _PATH.fullmatch(rest)
    if match is None or match[1].upper() != "TO" or not match[2]:
        return "501 5.5.4 syntax: RCPT TO:<address>"
    if match[3]:
        return "555 5.5.4 unknown parameter"
    address = _address(match[2])
    if len(address) > MAX_PATH:
        return "501 5.1.3 path too long"
    if not utf8 and not address.isascii():
        return "553 5.6.7 such an address needs SMTPUTF8"
    return Path(address)


def _address(path: str) -> str:
    """Return a path without its source route, which is to be ignored (RFC 5321, appendix C)."""
    return path.partition(":")[2] if path.startswith("@") else path
