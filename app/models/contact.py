"""People in audiences. Written by `app.core.contacts`; `app.core.audiences` takes away values of deleted fields."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class ContactStatus(StrEnum):
    """Whether a contact is mailed (docs/contract/dynosend.md, 7); only subscribed ones receive campaigns."""

    SUBSCRIBED = "subscribed"
    UNCONFIRMED = "unconfirmed"
    UNSUBSCRIBED = "unsubscribed"
    BLACKLISTED = "blacklisted"
    SPAM_REPORTED = "spam-reported"


class Contact(Base):
    """One address in one audience.

    Its uid and UUID follow from the id (`app.kit.uids`), so that a million of them need no index of their own.
    """

    __tablename__ = "contacts"
    __table_args__ = (
        # An audience has one account, so this keeps addresses unique in it, and finds them in all others too.
        UniqueConstraint("account_id", "address", "audience_id"),
        # Holds all that a page deep in a large audience has to count, so that it reads no row it does not show.
        Index("ix_contacts_members", "audience_id", "id", postgresql_include=["removed_at"]),
        Index("ix_contacts_created", "audience_id", "created_at", "id", postgresql_where=text("removed_at IS NULL")),
        Index("ix_contacts_updated", "audience_id", "updated_at", "id", postgresql_where=text("removed_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account_id: Mapped[int] = mapped_column(BigInteger)
    audience_id: Mapped[int] = mapped_column(BigInteger)
    """No foreign key, which would cost a fifth of an import; whoever writes a contact has read its audience."""
    address: Mapped[str]
    """Trimmed and in lower case, the domain in A-labels."""
    status: Mapped[str]
    status_before: Mapped[str | None]
    """What it was before the suppression list made it blacklisted, and becomes again (dyn-email.md, 16)."""
    source: Mapped[str | None]
    """api, web, embedded-form, added, imported, transactional, or null."""
    ip_address: Mapped[str | None]
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    fields: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    """Values by tag, as text; no entry for what is not set."""
    subscribed_at: Mapped[datetime | None]
    unsubscribed_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    removed_at: Mapped[datetime | None]
    """When a replacement of the list's members left it out (docs/contract/dyno.md, 6): not a member, status kept."""
