"""Tokens in the links of a copy: pixel, clicks, unsubscribing, web view, profile.

    24 characters   7 of the acceptance in epoch seconds, 10 of the message id, 7 of a MAC
    28 characters   a click: the same 17, 3 of the link's number, 8 of a MAC that covers the number

All are lower-case base32. Each purpose has a MAC of its own, so who sees the address of a pixel or a link can not
unsubscribe the recipient. One keyed BLAKE2b gives the MACs of the four purposes and of the first four links, each
further one those of eight links. Nothing is stored. Imports the standard library only.

Source: docs/contract/dyn-email.md, section 13.
"""

import hmac
import re
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from struct import Struct

LENGTH = 24
"""Characters of a token."""
CLICK_LENGTH = 28
"""Characters of a click token."""
MAX_LINKS = 32_768
"""Link numbers are below this."""

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_BYTES = (_ALPHABET * 8).encode("ascii")
_PAIRS = tuple((first + second).encode("ascii") for first in _ALPHABET for second in _ALPHABET)
_VALUES = {char: value for value, char in enumerate(_ALPHABET)}
_TOKEN = re.compile(rf"[a-z2-7]{{{LENGTH}}}\Z")
_CLICK = re.compile(rf"[a-z2-7]{{{CLICK_LENGTH}}}\Z")
_TIME = 7
_PAYLOAD = 17
_NUMBERED = 20
_TIME_LIMIT = 1 << 34
_ID_LIMIT = 1 << 48
_SLICE = 8
_SLICES = 8
"""Slices of one digest of 64 octets."""


class Purpose(StrEnum):
    """What a token of 24 characters is good for."""

    OPEN = "open"
    UNSUBSCRIBE = "unsubscribe"
    WEB_VIEW = "web_view"
    PROFILE = "profile"


_ORDER = {purpose: place for place, purpose in enumerate(Purpose)}
_FIRST_LINK = len(_ORDER)


class Tokens:
    """All tokens of one copy."""

    __slots__ = ("_macs", "payload")

    def __init__(self, key: bytes, *, accepted_at: int, message_id: int, links: int = 0) -> None:
        """Make the MACs.

        Args:
            key: Secret, 16 to 64 octets; the first of the configured keys.
            accepted_at: Acceptance in epoch seconds, below 2^34.
            message_id: Id of the copy, below 2^48.
            links: Links of its content, at most `MAX_LINKS`.

        Raises:
            ValueError: A number is out of range.
        """
        if not (0 <= accepted_at < _TIME_LIMIT and 0 <= message_id < _ID_LIMIT and 0 <= links <= MAX_LINKS):
            raise ValueError("time, id or number of links out of range")
        # What is high in the id is the same for many copies.
        start = _start(accepted_at, message_id >> 20)
        self.payload = payload = start + _PAIRS[message_id >> 10 & 1023] + _PAIRS[message_id & 1023]
        state = _keyed(key)
        blocks, macs = _cut(links)
        digests = b""
        for block in blocks:  # two for up to twelve links
            keyed = state.copy()
            keyed.update(payload + block)
            digests += keyed.digest()
        self._macs: tuple[bytes, ...] = macs.unpack(digests.translate(_BYTES))

    def of(self, purpose: Purpose) -> bytes:
        """Return the token for one purpose, in ASCII."""
        return self.payload + self._macs[_ORDER[purpose]]

    def click(self, number: int) -> bytes:
        """Return the click token of a link, in ASCII; `number` is below the number of links."""
        return self.payload + link_chars(number) + self._macs[_FIRST_LINK + number]

    def pieces(self) -> list[bytes]:
        """Return what all tokens consist of: the payload, a MAC for each purpose, a MAC for each link.

        A purpose's token is the payload and its MAC, a link's the payload, `link_chars` and its MAC.
        """
        return [self.payload, *self._macs]


def link_chars(number: int) -> bytes:
    """Return the part of a click token that is the link's number: three characters."""
    return (_PAIRS[number >> 10] + _PAIRS[number & 1023])[1:]


def read(keys: Sequence[bytes], token: str, purpose: Purpose) -> tuple[int, int] | None:
    """Return (accepted_at, message_id) of a token made for `purpose` under one of `keys`; None for anything else."""
    if not _TOKEN.match(token) or not _is_payload(token):
        return None
    if not _matches(keys, token, _ORDER[purpose], token[_PAYLOAD:]):
        return None
    return _number(token[:_TIME]), _number(token[_TIME:_PAYLOAD])


def read_click(keys: Sequence[bytes], token: str) -> tuple[int, int, int] | None:
    """Return (accepted_at, message_id, link number) of a click token under one of `keys`; None for anything else."""
    if not _CLICK.match(token) or not _is_payload(token):
        return None
    number = _number(token[_PAYLOAD:_NUMBERED])
    if not _matches(keys, token, _FIRST_LINK + number, token[_NUMBERED:]):
        return None
    return _number(token[:_TIME]), _number(token[_TIME:_PAYLOAD]), number


def _is_payload(token: str) -> bool:
    return _number(token[:_TIME]) < _TIME_LIMIT and _number(token[_TIME:_PAYLOAD]) < _ID_LIMIT


def _matches(keys: Sequence[bytes], token: str, place: int, given: str) -> bool:
    block, index = divmod(place, _SLICES)
    begin, end = index * _SLICE, index * _SLICE + len(given)
    made = [_digest(key, token[:_PAYLOAD].encode("ascii"), block)[begin:end] for key in keys]
    matches = [hmac.compare_digest(mac, given.encode("ascii")) for mac in made]  # every key is tried
    return any(matches)


def _digest(key: bytes, payload: bytes, block: int) -> bytes:
    """Return 64 base32 characters, five bits of each octet of the digest."""
    state = _keyed(key).copy()
    state.update(payload + _BLOCKS[block])
    return state.digest().translate(_BYTES)


_BLOCKS = tuple(map(link_chars, range((_FIRST_LINK + MAX_LINKS - 1) // _SLICES + 1)))
"""What tells the digests of a copy apart, by number."""


@lru_cache(maxsize=64)
def _keyed(key: bytes) -> blake2b:
    return blake2b(key=key, person=b"trireme.track")


@lru_cache(maxsize=64)
def _cut(links: int) -> tuple[tuple[bytes, ...], Struct]:
    """Return what tells the digests of a copy apart, and what cuts the characters of all of them into MACs."""
    slices = _FIRST_LINK + links
    spare = (-slices % _SLICES) * _SLICE
    purpose = f"{LENGTH - _PAYLOAD}s{_SLICE - LENGTH + _PAYLOAD}x"
    blocks = _BLOCKS[: (slices + _SLICES - 1) // _SLICES]
    return blocks, Struct(purpose * _FIRST_LINK + f"{_SLICE}s" * links + f"{spare}x")


@lru_cache(maxsize=4096)
def _start(second: int, high: int) -> bytes:
    """Return the first 13 characters of a payload: the second of acceptance, and the id without its last 20 bits."""
    time = b"".join([_PAIRS[second >> shift & 1023] for shift in (30, 20, 10, 0)])[1:]
    return time + b"".join([_PAIRS[high >> shift & 1023] for shift in (20, 10, 0)])


def _number(text: str) -> int:
    value = 0
    for char in text:
        value = value << 5 | _VALUES[char]
    return value
