"""One change for all members of an audience that meet a filter. Imports contacts' front door, its siblings.

Source: docs/contract/native.md, 6.
"""

from enum import StrEnum

from app.core import contacts
from app.core.transfers import exporting, filters
from app.core.transfers.filters import Filtered
from app.core.transfers.running import Done, Lease

PAGE = 2000
"""Contacts of one transaction."""


class Action(StrEnum):
    """What is done."""

    ADD_TAGS = "add_tags"
    REMOVE_TAGS = "remove_tags"
    UNSUBSCRIBE = "unsubscribe"
    DELETE = "delete"


class ContactBulk:
    """A change on its way through an audience."""

    def __init__(self, lease: Lease) -> None:
        """Begin where the job stands."""
        self._lease = lease
        self._filtered = Filtered(lease.account_id, lease.audience_id, filters.read(lease.options["filter"]))

    async def step(self) -> bool:
        """Change the next contacts.

        Raises:
            Lost: The job was cancelled, or another worker has it.
        """
        lease, connection = self._lease, self._lease.connection
        if not lease.position:
            await exporting.begin(lease, self._filtered, b"")
        after, last = lease.position["after"], lease.position["last"]
        ids = [row["id"] for row in await self._filtered.fetch(connection, "bulk_page", after, last, PAGE)]
        if ids:
            position = {"after": ids[-1], "last": last}
            async with connection.transaction():
                await lease.hold()
                changed = await self._change(ids)
                await lease.advance(position, Done(updated=changed, skipped=len(ids) - changed))
            lease.position = position
        return len(ids) == PAGE

    async def close(self) -> None:
        """Nothing is under way between pages."""

    async def _change(self, ids: list[int]) -> int:
        """Change contacts; return how many were not like that before."""
        lease, connection = self._lease, self._lease.connection
        place, tags = (lease.account_id, lease.audience_id), lease.options["tags"]
        match Action(lease.options["action"]):
            case Action.ADD_TAGS:
                return await contacts.tag_many(connection, *place, ids, tags)
            case Action.REMOVE_TAGS:
                return await contacts.untag_many(connection, *place, ids, tags)
            case Action.UNSUBSCRIBE:
                return await contacts.unsubscribe_many(connection, *place, ids)
            case Action.DELETE:
                return await contacts.delete_many(connection, *place, ids)
