"""Identifiers and random secrets."""

import secrets
import time
from uuid import UUID

API_KEY_BYTES = 16


def uuid7() -> UUID:
    """Return a UUID version 7 (RFC 9562, 5.7): 48 bits of unix milliseconds, the rest random, so that keys grow."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


def new_api_key() -> str:
    """Return a fresh API key: 32 lower-case hexadecimal digits (docs/contract/dyn-email.md, 2)."""
    return secrets.token_hex(API_KEY_BYTES)
