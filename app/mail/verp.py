"""Tokens that name a recipient copy, and the return path that carries one.

A token is 24 lower-case letters and digits (base32), 120 bits: 34 of the acceptance in epoch seconds, 48 of the
message id, 38 of a MAC under a secret key. Nothing is stored and nothing can be guessed. Imports the standard
library only.

Source: docs/contract/dyn-email.md, section 14.
"""

import base64
import hmac
import re
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

TOKEN_LENGTH = 24
"""Characters of a token."""
MAX_LOCAL = 64
"""Longest local part of the return path, in characters (RFC 5321, 4.5.3.1.1)."""

_TIME_BITS = 34
_ID_BITS = 48
_MAC_BITS = 38
_PAYLOAD_BYTES = 11  # 82 bits
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
"""A token is twelve pairs of ten bits: a table of pairs is three times as fast as base32 and lower case."""
_TOKEN = re.compile(rf"[a-z2-7]{{{TOKEN_LENGTH}}}\Z")
_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+\Z")


def encode(key: bytes, *, accepted_at: int, message_id: int, purpose: bytes = b"verp") -> str:
    """Return the token of a copy.

    Args:
        key: Secret; the first of the configured keys.
        accepted_at: Acceptance in epoch seconds, below 2^34.
        message_id: Id of the copy, below 2^48.
        purpose: Tokens of one purpose are not valid for another.

    Raises:
        ValueError: A number is out of range.
    """
    if not (0 <= accepted_at < 1 << _TIME_BITS and 0 <= message_id < 1 << _ID_BITS):
        raise ValueError("time or id out of range")
    payload = accepted_at << _ID_BITS | message_id
    value = payload << _MAC_BITS | _mac(key, purpose, payload)
    # The first half, the second of acceptance and what is high in the id, is the same for many copies.
    return _remembered(value >> 60) + _chars(value & (1 << 60) - 1)


def decode(keys: Sequence[bytes], token: str, purpose: bytes = b"verp") -> tuple[int, int] | None:
    """Return (accepted_at, message_id) of a token made under one of `keys`; None for anything else."""
    if not _TOKEN.match(token):
        return None
    value = int.from_bytes(base64.b32decode(token.upper()))
    payload, mac = value >> _MAC_BITS, value & ((1 << _MAC_BITS) - 1)
    given = mac.to_bytes(5)
    matches = [hmac.compare_digest(_mac(key, purpose, payload).to_bytes(5), given) for key in keys]
    if not any(matches):
        return None
    return payload >> _ID_BITS, payload & ((1 << _ID_BITS) - 1)


def return_path(token: str, recipient_address: str, bounce_domain: str) -> str:
    """Return the envelope sender: `bounces+<token>+<local>=<domain>@<bounce domain>`.

    The recipient is left out when the local part would exceed 64 characters, and when its own local part is quoted
    or not ASCII.
    """
    local, _, domain = recipient_address.rpartition("@")
    long = f"bounces+{token}+{local}={domain}"
    if len(long) > MAX_LOCAL or not _ATOM.match(long):
        return f"bounces+{token}@{bounce_domain}"
    return f"{long}@{bounce_domain}"


def token_of(address: str, prefix: str = "bounces") -> str | None:
    """Return the token in an address of the form `<prefix>+<token>[+...]@...`, in lower case; None without one."""
    local = address.rpartition("@")[0]
    parts = local.lower().split("+", 2)
    if len(parts) < 2 or parts[0] != prefix or not _TOKEN.match(parts[1]):  # noqa: PLR2004 prefix and token
        return None
    return parts[1]


def _chars(value: int) -> str:
    """Return 60 bits as twelve characters."""
    pairs = _PAIRS
    return (
        f"{pairs[value >> 50]}{pairs[value >> 40 & 1023]}{pairs[value >> 30 & 1023]}"
        f"{pairs[value >> 20 & 1023]}{pairs[value >> 10 & 1023]}{pairs[value & 1023]}"
    )


_remembered = lru_cache(maxsize=64)(_chars)


def _mac(key: bytes, purpose: bytes, payload: int) -> int:
    # Keyed BLAKE2b: a MAC by design (RFC 7693, 2.9), at a third of what HMAC costs.
    state = _keyed(key).copy()
    state.update(purpose + payload.to_bytes(_PAYLOAD_BYTES))
    return int.from_bytes(state.digest()) >> (40 - _MAC_BITS)


@lru_cache(maxsize=64)
def _keyed(key: bytes) -> blake2b:
    return blake2b(key=key[:64], digest_size=5)
