"""Every error the core raises.

    CoreError
    ├── NotFound         raised when there is no such thing, or it belongs to another account
    ├── Conflict         raised when a unique value is taken, or a state does not allow it; carries the state
    ├── Invalid          raised when a value can't be accepted; carries which
    ├── Forbidden        raised when the caller may not do this at all
    ├── Unauthenticated  raised when there is no caller: no key, an unknown one, a disabled account
    ├── StaleCaller      raised when the account has changed since the caller was read; read it anew
    ├── QuotaExceeded    raised when the monthly limit would be passed
    └── Overloaded       raised when a bounded queue is full; try again later

Each family owns a table from these to its own words; a test sees that no error is missing from any table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class CoreError(Exception):
    """Base of all."""


class NotFound(CoreError):
    """Raised when there is no such thing, or it belongs to another account."""


class Conflict(CoreError):
    """Raised when a unique value is taken, or when the state of a thing does not allow what was asked.

    Attributes:
        state: That state; None when a value is taken.
    """

    def __init__(self, message: str = "", *, state: str | None = None) -> None:
        super().__init__(message)
        self.state = state


class Forbidden(CoreError):
    """Raised when the caller may not do this at all."""


class Unauthenticated(CoreError):
    """Raised when there is no caller: no key, an unknown or revoked one, a disabled account."""


class Overloaded(CoreError):
    """Raised when a bounded queue is full.

    Attributes:
        retry_after_seconds: When to try again.
    """

    def __init__(self, message: str, *, retry_after_seconds: int = 1) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Fault(StrEnum):
    """What is wrong with one value."""

    REQUIRED = "required"
    INVALID = "invalid"
    TOO_LONG = "too_long"
    UNKNOWN = "unknown"
    NOT_FOUND = "not_found"
    TAKEN = "taken"
    NOT_APPROVED = "not_approved"
    SUPPRESSED = "suppressed"
    """An address on the suppression list, for a reason other than `unsubscribe`."""
    TOO_SHORT = "too_short"
    OUT_OF_RANGE = "out_of_range"
    SYNTAX = "syntax"
    """Malformed personalisation."""


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One value that can't be accepted.

    Attributes:
        field: The core's name of the value, such as `username`.
        fault: What is wrong.
        message: A sentence's predicate: "is not an e-mail address".
    """

    field: str
    fault: Fault
    message: str = "is not valid"


class Invalid(CoreError):
    """Raised when a value can't be accepted.

    Attributes:
        faults: One or more, in the order in which the values are documented.
    """

    def __init__(self, faults: Sequence[FieldFault]) -> None:
        super().__init__("; ".join(f"{fault.field} {fault.message}" for fault in faults))
        self.faults = tuple(faults)


class StaleCaller(CoreError):
    """Raised when the account has changed since the caller was read: read it anew and begin again."""


class QuotaExceeded(CoreError):
    """Raised when the monthly limit would be passed (docs/contract/dyn-email.md, 18)."""
