"""Audiences with fields, contacts and templates."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Unpack

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import audiences, contacts, templates
from app.core.audiences import Audience, AudienceChanges, FieldType
from app.core.contacts import Contact, ContactRow, ContactStatus
from app.core.templates import Template
from app.db.engine import driver_connection
from app.db.unit_of_work import unit_of_work
from tests.factories.accounts import MadeAccount


class AudienceFactory:
    """Makes audiences, contacts and templates."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._names = itertools.count(1)

    async def audience(
        self,
        account: MadeAccount | int,
        *,
        name: str | None = None,
        fields: Iterable[str] | Mapping[str, str] = (),
        **values: Unpack[AudienceChanges],
    ) -> Audience:
        """Make an audience with fields: text ones by tag, or others as `{tag: type}`."""
        account_id = account if isinstance(account, int) else account.id
        types = fields if isinstance(fields, Mapping) else dict.fromkeys(fields, FieldType.TEXT)
        async with unit_of_work(self.engine) as write:
            name = name or f"Audience {next(self._names)}"
            audience = await audiences.create(write, account_id, name=name, **values)
            for tag, kind in types.items():
                await audiences.add_field(write, account_id, audience.id, tag=tag, label=tag.title(), type=kind)
        return audience

    async def contact(
        self,
        audience: Audience,
        email: str | None = None,
        *,
        status: ContactStatus | str = ContactStatus.SUBSCRIBED,
        fields: Mapping[str, object] | None = None,
        tags: Sequence[str] = (),
    ) -> Contact:
        """Make a contact of this status; a suppressed address is blacklisted."""
        email = email or f"someone{next(self._names)}@contacts.example"
        async with unit_of_work(self.engine) as write:
            return await contacts.add(
                write,
                audience.account_id,
                audience.id,
                email=email,
                fields=fields,
                tags=tags,
                status=ContactStatus(status),
                refuse_suppressed=False,
            )

    async def contacts(
        self,
        audience: Audience,
        count: int,
        *,
        domain: str = "contacts.example",
        status: ContactStatus | str = ContactStatus.SUBSCRIBED,
        fields: Mapping[str, object] | None = None,
    ) -> list[str]:
        """Make contacts person1@DOMAIN to personN@DOMAIN; return their addresses."""
        emails = [f"person{number}@{domain}" for number in range(1, count + 1)]
        rows = [ContactRow(email, fields or {}, status=ContactStatus(status)) for email in emails]
        async with driver_connection(self.engine) as connection:
            await contacts.add_many(connection, audience.account_id, audience.id, rows)
        return emails

    async def template(
        self,
        account: MadeAccount | int,
        *,
        name: str | None = None,
        subject: str = "Hello {{ FIRST_NAME }}",
        html: str = "<html><body><p>Hello {{ FIRST_NAME }}</p></body></html>",
    ) -> Template:
        """Make a template."""
        account_id = account if isinstance(account, int) else account.id
        async with unit_of_work(self.engine) as write:
            name = name or f"Template {next(self._names)}"
            return await templates.create(write, account_id, name=name, subject=subject, html=html)
