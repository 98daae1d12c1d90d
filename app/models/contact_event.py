"""What contacts did, told by the customer's own applications. Written by `app.core.contacts`."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class ContactEvent(Base):
    """One event of one contact (docs/contract/dynosend.md, 8); it goes with the contact."""

    __tablename__ = "contact_events"
    __table_args__ = (
        Index("ix_contact_events_contact", "contact_id", "id"),
        Index("ix_contact_events_account", "account_id", "occurred_at", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account_id: Mapped[int] = mapped_column(BigInteger)
    audience_id: Mapped[int] = mapped_column(BigInteger)
    contact_id: Mapped[int] = mapped_column(BigInteger)
    """No foreign key, as everywhere around contacts; whoever deletes a contact deletes these."""
    name: Mapped[str]
    properties: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    """What else was sent, as JSON."""
    occurred_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """When it was told."""
