"""Tokens that confirm a subscription: 24 characters of lower-case base32, 11 of the contact's id, 13 of a MAC.

Nothing is stored; a token does not expire, and what it does is done once. Imports the standard library only.

Source: docs/contract/dynosend.md, section 12.
"""

import hmac
import re
from collections.abc import Sequence
from hashlib import blake2b

LENGTH = 24
"""Characters of a token."""
MAX_ID = (1 << 55) - 1
"""Largest id a token can name."""

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_VALUES = {char: value for value, char in enumerate(_ALPHABET)}
_TOKEN = re.compile(rf"[a-z2-7]{{{LENGTH}}}\Z")
_ID_CHARS = 11
_MAC_CHARS = LENGTH - _ID_CHARS


def token(key: bytes, contact_id: int) -> str:
    """Return the token that confirms a contact.

    Args:
        key: Secret, 16 to 64 octets; the first of the configured keys.
        contact_id: Which contact.

    Raises:
        ValueError: The id is out of range.
    """
    if not 0 <= contact_id <= MAX_ID:
        raise ValueError("contact id out of range")
    name = "".join(_ALPHABET[contact_id >> shift & 31] for shift in range(5 * (_ID_CHARS - 1), -1, -5))
    return name + _mac(key, name)


def read(keys: Sequence[bytes], text: str) -> int | None:
    """Return the contact a token made under one of `keys` confirms; None for anything else."""
    if not _TOKEN.match(text):
        return None
    name, given = text[:_ID_CHARS], text[_ID_CHARS:]
    matches = [hmac.compare_digest(_mac(key, name), given) for key in keys]  # every key is tried
    if not any(matches):
        return None
    value = 0
    for char in name:
        value = value << 5 | _VALUES[char]
    return value


def _mac(key: bytes, name: str) -> str:
    digest = blake2b(name.encode("ascii"), key=key, person=b"trireme.confirm", digest_size=_MAC_CHARS).digest()
    return "".join(_ALPHABET[octet & 31] for octet in digest)
