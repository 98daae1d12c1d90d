"""Email ids: `YYYYMMDDhhmmss` of the acceptance, `.`, 12 hexadecimal digits, `@`, node name.

Source: docs/contract/dyn-email.md, section 14. The row is found by both numbers; no index on text is needed.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache

_EMAIL_ID = re.compile(r"(\d{14})\.([0-9a-f]{12})@[\x21-\x7e]{1,255}", re.ASCII)


def email_id(accepted_at: datetime, message_id: int, node_name: str) -> str:
    """Return the public id of a copy.

    Args:
        accepted_at: Second of acceptance, UTC.
        message_id: Its id in the ledger, below 2^48.
        node_name: The setting of that name.
    """
    return f"{_second(accepted_at)}.{message_id:012x}@{node_name}"


@lru_cache(maxsize=1024)
def _second(accepted_at: datetime) -> str:
    """Return the digits of a second; copies that are made together share it."""
    return f"{accepted_at:%Y%m%d%H%M%S}"


def parse_email_id(text: str) -> tuple[datetime, int] | None:
    """Return second of acceptance and id of a copy, or None when the text is no email id."""
    match = _EMAIL_ID.fullmatch(text)
    if match is None:
        return None
    try:
        return datetime.strptime(match[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC), int(match[2], 16)
    except ValueError:
        return None
