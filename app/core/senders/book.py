"""Approved senders by address, fast enough for the hot path."""

from collections import OrderedDict

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.senders import repository
from app.db.unit_of_work import reading


class SenderBook:
    """The senders one process has seen lately.

    An answer is kept under the account's revision, which every change of its senders raises; so it needs no expiry.
    Refusals are never kept: a sender may be used by the very next request after it was added.
    """

    def __init__(self, engine: AsyncEngine, *, max_size: int = 50_000) -> None:
        """Remember nothing yet.

        Args:
            engine: Where senders are looked up.
            max_size: Answers remembered; the ones not used for the longest time go first.
        """
        self._engine = engine
        self._max_size = max_size
        self._cache: OrderedDict[tuple[int, int, str], int] = OrderedDict()

    async def ready(self, account_id: int, revision: int, address: str) -> int | None:
        """Return the id of the account's sender of this address (ignoring case) if mail may be sent from it.

        Args:
            account_id: Whose.
            revision: Of the `Caller` that asks.
            address: The address of the From header, as `app.mail.addresses` gives it.
        """
        key = (account_id, revision, address)
        known = self._cache.get(key)
        if known is not None:
            self._cache.move_to_end(key)
            return known
        async with reading(self._engine) as read:
            sender_id = await repository.ready_id(read, account_id, address)
        if sender_id is not None:
            self._cache[key] = sender_id
            if len(self._cache) > self._max_size:
                self._cache.popitem(last=False)
        return sender_id
