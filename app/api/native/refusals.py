"""Errors that only the native API has, beside those of the core. Imports the core's errors.

Source: docs/contract/native.md, 1, "Idempotency" and "Errors".
"""

from app.core.errors import Conflict, Forbidden

RETRY_SECONDS = 1


class ScopeMissing(Forbidden):
    """Raised when the key does not open what was asked for; another key of the account may."""


class KeyInProgress(Conflict):
    """Raised when the first request with this `Idempotency-Key` has not been answered yet."""


class KeyUsed(Conflict):
    """Raised when the `Idempotency-Key` was used for another request."""
