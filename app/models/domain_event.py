"""The outbox of domain events. Written by `app.core.events`, and by the statements that record what they tell."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Index, PrimaryKeyConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class EventType(StrEnum):
    """What happened (docs/contract/native.md, 12)."""

    EMAIL_ACCEPTED = "email.accepted"
    """This and the next five only for accounts whose webhooks want them (`accounts.told_events`)."""
    EMAIL_DELIVERED = "email.delivered"
    EMAIL_DEFERRED = "email.deferred"
    EMAIL_OPENED = "email.opened"
    EMAIL_CLICKED = "email.clicked"
    EMAIL_REFUSED = "email.refused"
    EMAIL_BOUNCED = "email.bounced"
    EMAIL_BLOCKED = "email.blocked"
    """Only for accounts that asked to be told."""
    EMAIL_COMPLAINED = "email.complained"
    EMAIL_UNSUBSCRIBED = "email.unsubscribed"
    CONTACT_CREATED = "contact.created"
    CONTACT_UPDATED = "contact.updated"
    CONTACT_SUBSCRIBED = "contact.subscribed"
    CONTACT_UNSUBSCRIBED = "contact.unsubscribed"
    CONTACT_DELETED = "contact.deleted"
    CONTACT_TAGGED = "contact.tagged"
    CONTACT_EVENT = "contact.event"
    """Names its row in `contact_events`, where its properties stand."""
    CAMPAIGN_SCHEDULED = "campaign.scheduled"
    CAMPAIGN_STARTED = "campaign.started"
    CAMPAIGN_PAUSED = "campaign.paused"
    CAMPAIGN_RESUMED = "campaign.resumed"
    CAMPAIGN_STOPPED = "campaign.stopped"
    CAMPAIGN_FINISHED = "campaign.finished"
    CAMPAIGN_FAILED = "campaign.failed"
    JOB_FINISHED = "job.finished"
    SUPPRESSION_ADDED = "suppression.added"
    SUPPRESSION_REMOVED = "suppression.removed"


class DomainEvent(Base):
    """Something that others may want to know: written in the transaction that made it so, routed once afterwards.

    Details of an `email.` event stand in the table of that event; the row here names the copy.
    """

    __tablename__ = "domain_events"
    __table_args__ = (
        PrimaryKeyConstraint("id", "occurred_at"),
        Index("ix_domain_events_account", "account_id", "occurred_at", "id"),
        Index(
            "ix_domain_events_contact",
            "contact_id",
            "occurred_at",
            "id",
            postgresql_where=text("contact_id IS NOT NULL"),
        ),
        Index("ix_domain_events_unrouted", "id", postgresql_where=text("NOT routed")),
        {"postgresql_partition_by": "RANGE (occurred_at)"},
    )

    id: Mapped[int] = mapped_column(BigInteger, server_default=text("nextval('event_ids')"))
    occurred_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """Its month is the partition."""
    account_id: Mapped[int] = mapped_column(BigInteger)
    type: Mapped[str]
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    accepted_at: Mapped[datetime | None]
    """Partition of the copy."""
    contact_id: Mapped[int | None] = mapped_column(BigInteger)
    audience_id: Mapped[int | None] = mapped_column(BigInteger)
    address: Mapped[str | None]
    """Whom it is about."""
    data: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    routed: Mapped[bool] = mapped_column(server_default="false")
    """Whether everything that follows from it stands in tables of its own."""
