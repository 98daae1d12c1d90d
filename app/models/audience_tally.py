"""Contacts of audiences counted by status. Written by triggers on `contacts`; folded by `app.core.audiences`."""

from sqlalchemy import BigInteger, Identity, PrimaryKeyConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class AudienceTally(Base):
    """By how many a statement changed the members of an audience that have a status; the sum is how many there are.

    Appended, never updated: whoever changes contacts waits for nobody here (docs/contacts.md).
    """

    __tablename__ = "audience_tallies"
    __table_args__ = (PrimaryKeyConstraint("audience_id", "id"),)

    audience_id: Mapped[int] = mapped_column(BigInteger)
    id: Mapped[int] = mapped_column(BigInteger, Identity())
    status: Mapped[str]
    """Of `app.models.contact.ContactStatus`."""
    delta: Mapped[int] = mapped_column(BigInteger)
