"""Contacts of audiences counted by status. Written by triggers on `contacts`; folded by `app.core.audiences`."""

from sqlalchemy import BigInteger, Identity, Index, PrimaryKeyConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class AudienceTally(Base):
    """By how many a statement changed the members of an audience that have a status; the sum is how many there are.

    Appended, never updated: whoever changes contacts waits for nobody here (docs/contacts.md).
    """

    __tablename__ = "audience_tallies"
    __table_args__ = (
        PrimaryKeyConstraint("audience_id", "id"),
        # What `app.core.finding` adds up for all audiences of an account, from indexes alone.
        Index(
            "ix_audience_tallies_total",
            "account_id",
            "audience_id",
            unique=True,
            postgresql_include=["delta"],
            postgresql_where=text("account_id IS NOT NULL AND status = 'subscribed'"),
        ),
        Index("ix_audience_tallies_recent", "audience_id", postgresql_where=text("account_id IS NULL")),
    )

    audience_id: Mapped[int] = mapped_column(BigInteger)
    id: Mapped[int] = mapped_column(BigInteger, Identity())
    status: Mapped[str]
    """Of `app.models.contact.ContactStatus`."""
    delta: Mapped[int] = mapped_column(BigInteger)
    account_id: Mapped[int | None] = mapped_column(BigInteger)
    """Of a total, which a fold has made: whose audience it is. Null: appended since."""
