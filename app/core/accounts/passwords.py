"""Passwords: hashed with Argon2id outside the event loop. Imports nothing of ours but the errors.

A client may send the MD5 of a password instead of the password (docs/contract/dyn-email.md, 6.2). Then the digest's
text is hashed and the stored hash says so, and verification computes the MD5 of what is typed first.
"""

import asyncio
import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from typing import NewType

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from app.core.errors import Fault, FieldFault, Invalid

PasswordHash = NewType("PasswordHash", str)
"""What is stored of a password."""

MAX_LENGTH = 1024
"""Longest password, in characters."""

_MD5_FORM = re.compile(r"md5-([0-9a-fA-F]{32})")
_MD5_MARK = "md5:"
HASHER = PasswordHasher()
"""Argon2id with the parameters that its library recommends; stored hashes name theirs."""
# One hash takes 64 MiB and some 50 ms: two at a time, the others wait.
_threads = ThreadPoolExecutor(2, thread_name_prefix="passwords")


async def hash_password(password: str) -> PasswordHash:
    """Return the hash to store for a password.

    Args:
        password: Clear text, or `md5-` and the 32 hexadecimal digits of its MD5.

    Raises:
        Invalid: The password is blank or longer than 1024 characters.
    """
    if not password:
        raise Invalid([FieldFault("password", Fault.REQUIRED, "is required")])
    if len(password) > MAX_LENGTH:
        raise Invalid([FieldFault("password", Fault.TOO_LONG, f"is longer than {MAX_LENGTH} characters")])
    match = _MD5_FORM.fullmatch(password)
    secret, mark = (match[1].lower(), _MD5_MARK) if match else (password, "")
    hashed = await asyncio.get_running_loop().run_in_executor(_threads, HASHER.hash, secret)
    return PasswordHash(mark + hashed)


async def password_fits(stored: PasswordHash, password: str) -> bool:
    """Tell whether this clear text is the password of which `stored` was kept."""
    if not password or len(password) > MAX_LENGTH:
        return False
    return await asyncio.get_running_loop().run_in_executor(_threads, _fits, stored, password)


def _fits(stored: str, password: str) -> bool:
    secret = password
    if stored.startswith(_MD5_MARK):
        stored = stored.removeprefix(_MD5_MARK)
        secret = hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()
    try:
        return HASHER.verify(stored, secret)
    except VerificationError:
        return False
