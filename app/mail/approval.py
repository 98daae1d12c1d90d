"""Tokens that prove an address its owner's: 24 characters of lower-case base32, 56 bits of id, 64 of a MAC.

The MAC covers the address, so that a token is worth nothing once the sender has another one. Nothing is stored.
Imports the standard library only.

Source: docs/contract/native.md, 4, `confirm-email`.
"""

import base64
import hmac
import re
from collections.abc import Sequence
from hashlib import blake2b

LENGTH = 24
"""Characters of a token."""
_ID_OCTETS = 7
_MAC_OCTETS = 8
_TOKEN = re.compile(rf"[a-z2-7]{{{LENGTH}}}\Z")


def token(key: bytes, sender_id: int, address: str) -> str:
    """Return the token that proves an address.

    Args:
        key: Secret, 16 to 64 octets; the first of the configured keys.
        sender_id: Which sender, below 2^56.
        address: Of the sender, in any case.

    Raises:
        OverflowError: The id is out of range.
    """
    name = sender_id.to_bytes(_ID_OCTETS, "big")
    return base64.b32encode(name + _mac(key, name, address)).decode("ascii").lower()


def sender_in(text: str) -> int | None:
    """Return the sender that a token claims to be for; None for what is no token. Nothing is proved by it."""
    return int.from_bytes(_octets(text)[:_ID_OCTETS], "big") if _TOKEN.match(text) else None


def proves(keys: Sequence[bytes], text: str, address: str) -> bool:
    """Tell whether a token was made under one of the keys for this address."""
    if not _TOKEN.match(text):
        return False
    octets = _octets(text)
    name, given = octets[:_ID_OCTETS], octets[_ID_OCTETS:]
    matches = [hmac.compare_digest(_mac(key, name, address), given) for key in keys]  # every key is tried
    return any(matches)


def _octets(text: str) -> bytes:
    return base64.b32decode(text.upper())


def _mac(key: bytes, name: bytes, address: str) -> bytes:
    covered = name + address.lower().encode()
    return blake2b(covered, key=key, person=b"trireme.sender", digest_size=_MAC_OCTETS).digest()
