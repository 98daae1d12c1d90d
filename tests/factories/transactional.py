"""Stored transactional messages."""

import itertools
from typing import Unpack

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import transactional
from app.core.audiences import Audience
from app.core.transactional import Fields, TransactionalMessage
from app.db.unit_of_work import unit_of_work


class TransactionalFactory:
    """Makes transactional messages."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._message_numbers = itertools.count(1)

    async def message(
        self,
        audience: Audience,
        *,
        from_email: str,
        name: str | None = None,
        subject: str = "Your order",
        **fields: Unpack[Fields],
    ) -> TransactionalMessage:
        """Make a message of an audience; with neither HTML nor text its content is external."""
        name = name or f"Message {next(self._message_numbers)}"
        if "html" not in fields and "text" not in fields:
            fields = {"content": "external", **fields}
        async with unit_of_work(self.engine) as write:
            return await transactional.create(
                write,
                audience.account_id,
                name=name,
                audience_id=audience.id,
                from_email=from_email,
                subject=subject,
                **fields,
            )
