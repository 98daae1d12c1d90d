"""Campaigns: what is to be sent to which audiences. Written by `app.core.campaigns`."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class Campaign(Base):
    """A mailing as its author edits it; what was sent is told by its runs.

    Its state is that of its latest run, `draft` without one. uid and UUID follow from the id (`app.kit.uids`).
    """

    __tablename__ = "campaigns"
    __table_args__ = (
        Index("ix_campaigns_account_id", "account_id", "id"),
        # What `app.core.finding` reads alone for the usual questions, in the order it answers in. Without the name,
        # which may be longer than a row of an index.
        Index(
            "ix_campaigns_found",
            "account_id",
            text("unix_seconds(created_at)"),
            text("public_uuid('campaign', id)"),
            postgresql_include=["id", "created_at", "updated_at", "deleted_at", "latest_run_id"],
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index(
            "ix_campaigns_uuid",
            "account_id",
            text("public_uuid('campaign', id)"),
            postgresql_include=["id"],
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index(
            "ix_campaigns_name",
            "account_id",
            text("nullif(left(name, 200), '')"),  # collated "C" by the migration; Alembic cannot see that
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index(
            "ix_campaigns_latest_run",
            "account_id",
            "latest_run_id",
            postgresql_include=["id"],
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index(
            "ix_campaigns_extra",
            text("extra_keys(account_id, extra)"),
            postgresql_using="gin",
            postgresql_where=text("extra IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("accounts.id"))
    name: Mapped[str]
    type: Mapped[str] = mapped_column(server_default="regular")
    """regular or plain-text."""
    audience_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default=text("'{}'"))
    """In the order in which they supply the contact of an address."""
    segment_id: Mapped[int | None] = mapped_column(BigInteger)
    """Whom of its one audience it is for; null: all. The segment may have been deleted since."""
    template_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("templates.id"))
    subject: Mapped[str] = mapped_column(server_default="")
    preheader: Mapped[str] = mapped_column(server_default="")
    from_email: Mapped[str] = mapped_column(server_default="")
    from_name: Mapped[str] = mapped_column(server_default="")
    reply_to: Mapped[str] = mapped_column(server_default="")
    html: Mapped[str] = mapped_column(server_default="")
    """Its own content; wins over the template's."""
    text: Mapped[str | None]
    track_opens: Mapped[bool] = mapped_column(server_default="true")
    track_clicks: Mapped[bool] = mapped_column(server_default="true")
    per_hour: Mapped[int | None]
    """Pace: most copies an hour, null for no limit."""
    start_at: Mapped[datetime | None]
    """When a start is to take place, if ahead."""
    local_start: Mapped[str | None]
    """The same as it was given: local time, yyyy-MM-ddTHH:mm:ss."""
    time_zone: Mapped[str] = mapped_column(server_default="UTC")
    latest_run_id: Mapped[int | None] = mapped_column(BigInteger)
    extra: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """Members a client stored that no contract names (docs/contract/dyno.md, 4)."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime | None]
    """Null until the first change."""
    deleted_at: Mapped[datetime | None]
