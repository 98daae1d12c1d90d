"""The email ids that lists show: those of another system for what was taken over, ours for the rest.

Source: docs/contract/native.md, 12.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from app.core import ingest
from app.core.messages import email_id
from app.dependencies import Read


class Row(Protocol):
    """A row of a list that is about a copy."""

    @property
    def message_id(self) -> int:
        """The copy."""
        ...

    @property
    def accepted_at(self) -> datetime:
        """Second of its acceptance."""
        ...


async def shown_ids(read: Read, rows: Sequence[Row], node_name: str) -> dict[int, str]:
    """Return the email id of each row, by copy."""
    foreign = await ingest.foreign_ids(read, [row.message_id for row in rows])
    return {
        row.message_id: foreign.get(row.message_id) or email_id(row.accepted_at, row.message_id, node_name)
        for row in rows
    }
