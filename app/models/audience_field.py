"""Custom fields of audiences. Written by `app.core.audiences`."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Identity, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class FieldType(StrEnum):
    """What values of a field look like (docs/contract/dynosend.md, 7); all travel and are stored as text."""

    TEXT = "text"
    NUMBER = "number"
    TEXTAREA = "textarea"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"


class AudienceField(Base):
    """One field that contacts of an audience may have; EMAIL is there without a row."""

    __tablename__ = "audience_fields"
    __table_args__ = (UniqueConstraint("audience_id", "tag"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    """In order of creation, which is the order of output."""
    audience_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("audiences.id"))
    tag: Mapped[str]
    """Name in upper case, docs/contract/dynosend.md, 6.3."""
    label: Mapped[str]
    type: Mapped[str]
    required: Mapped[bool] = mapped_column(server_default="false")
    visible: Mapped[bool] = mapped_column(server_default="true")
    default_value: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
