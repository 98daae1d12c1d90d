"""What goes between the table of postbacks and whoever calls. Imports nothing of ours."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Due:
    """A call to be made now; ours until its lease ends.

    Attributes:
        id: Of the row.
        account_id: Whose event it tells of.
        kind: One of `PostbackKind`.
        event_id: The domain event.
        url: Complete.
        endpoint: scheme://host:port of the URL.
        attempts: Tries that have ended.
    """

    id: int
    account_id: int
    kind: str
    event_id: int
    url: str
    endpoint: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Result:
    """How a call ended.

    Attributes:
        due: The call.
        error: Why it failed, in a few words; "" for success.
    """

    due: Due
    error: str = ""
