"""The ledger: one row per recipient copy. Written by `app.core.messages` and `app.core.ingest`."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Index, PrimaryKeyConstraint, Sequence, SmallInteger, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base

MESSAGE_IDS = Sequence("message_ids", metadata=Base.metadata, minvalue=1, maxvalue=2**48 - 1)
"""Ids of copies and mails; below 2^48, because an email id has 12 hexadecimal digits for it."""


class State(StrEnum):
    """Where a copy stands (docs/contract/native.md, 12)."""

    QUEUED = "queued"
    SENDING = "sending"
    DEFERRED = "deferred"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    BLOCKED = "blocked"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNCERTAIN = "uncertain"


class Kind(StrEnum):
    """What made a copy (docs/contract/native.md, 12)."""

    SEND = "send"
    SMTP = "smtp"
    TRANSACTION = "transaction"
    TRANSACTIONAL = "transactional"
    CAMPAIGN = "campaign"
    AUTOMATION = "automation"
    SYSTEM = "system"
    TEST = "test"


HEADERS = 4
"""Most X-headers of a copy, each in an index of its own."""
_VALUES = "jsonb_path_query_array(x_headers, '$.*')"


def _header_index(number: int) -> Index:
    """Return the index by the value of an X-header, counted from 0 in the order in which jsonb keeps the names."""
    return Index(
        f"ix_messages_header_{number}",
        "account_id",
        text(f"hashtextextended({_VALUES} ->> {number}, 0)"),
        "accepted_at",
        "id",
        postgresql_include=["x_headers"],
        postgresql_where=text(f"({_VALUES} ->> {number}) IS NOT NULL"),
    )


class Message(Base):
    """One copy for one recipient, from acceptance to its last outcome.

    No index holds the state or anything else that changes, and pages keep half of themselves free, so that recording
    an outcome is a HOT update: one heap tuple, no index entry.
    """

    __tablename__ = "messages"
    __table_args__ = (
        PrimaryKeyConstraint("id", "accepted_at"),
        Index("ix_messages_account", "account_id", "accepted_at", "id", "sender_id"),
        Index("ix_messages_recipient", func.hashtextextended(func.lower(text("recipient")), text("0"))),
        Index("ix_messages_run", "run_id", "id", postgresql_where=text("run_id IS NOT NULL")),
        Index(
            "ix_messages_refused",
            "account_id",
            "accepted_at",
            "id",
            postgresql_include=["sender_id", "blocked_reason", "recipient", "x_headers"],
            postgresql_where=text("blocked_reason IS NOT NULL"),
        ),
        Index(
            "ix_messages_domain",
            "account_id",
            text("hashtextextended(lower(split_part(recipient, '@', -1)), 0)"),
            "accepted_at",
            "id",
            postgresql_include=["recipient"],
        ),
        *(_header_index(number) for number in range(HEADERS)),
        {"postgresql_partition_by": "RANGE (accepted_at)"},
    )

    id: Mapped[int] = mapped_column(BigInteger)
    """From the sequence `message_ids`; with the second of acceptance it makes the email id."""
    accepted_at: Mapped[datetime]
    """Second of acceptance: the partition key of the copy and of everything that happens to it."""
    account_id: Mapped[int] = mapped_column(BigInteger)
    sender_id: Mapped[int] = mapped_column(BigInteger)
    mail_id: Mapped[int | None] = mapped_column(BigInteger)
    """Content of a single mail (`mails`, same second)."""
    run_id: Mapped[int | None] = mapped_column(BigInteger)
    """Campaign run that made the copy; its content is of `content_version`."""
    contact_id: Mapped[int | None] = mapped_column(BigInteger)
    delivered_at: Mapped[datetime | None]
    """When a receiving server took it; never cleared, also when it bounces later."""
    bounced_at: Mapped[datetime | None]
    """When its final failure was recorded."""
    finished_at: Mapped[datetime | None]
    """When it reached a state that nothing will change by itself."""
    postback_at: Mapped[datetime | None]
    """Of a blocked copy: when the customer's postback succeeded; a bounce has its own."""
    content_version: Mapped[int | None]
    size: Mapped[int] = mapped_column(server_default="0")
    """Bytes of its content, near enough, so that a delivery process knows how much it is about to load."""
    accepted_ms: Mapped[int] = mapped_column(SmallInteger)
    """Milliseconds of the acceptance within its second."""
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    """Attempts recorded."""
    possible_duplicate: Mapped[bool] = mapped_column(server_default="false")
    """Whether the recipient may have got it more than once."""
    kind: Mapped[str]
    state: Mapped[str]
    recipient: Mapped[str]
    """Envelope recipient: the local part as given, the domain in lower case."""
    blocked_reason: Mapped[str | None]
    x_headers: Mapped[dict[str, str] | None] = mapped_column(JSONB(none_as_null=True))
    """Values of the X-headers configured when it was accepted, in the configured spelling."""
    fields: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """Personalisation values of its contact, as they were when it was claimed."""
