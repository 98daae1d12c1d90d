"""What was sent, bounced and was blocked, listed and counted. Owns no table; reads the ledger and its counters."""

from app.core.metrics.blocked import blocked_counts, blocked_emails, blocked_series
from app.core.metrics.bounced import bounce, bounce_counts, bounce_series, bounces
from app.core.metrics.scopes import PAGE
from app.core.metrics.sent import email_counts, email_series, emails
from app.core.metrics.values import (
    BlockedCount,
    BlockedRow,
    BounceCount,
    BounceDetail,
    BounceRow,
    Bounces,
    Category,
    Columns,
    CountRow,
    EmailRow,
    ListFilters,
    RollUp,
    Scope,
    Series,
)
from app.core.metrics.windows import Step, Window, window

__all__ = [
    "PAGE",
    "BlockedCount",
    "BlockedRow",
    "BounceCount",
    "BounceDetail",
    "BounceRow",
    "Bounces",
    "Category",
    "Columns",
    "CountRow",
    "EmailRow",
    "ListFilters",
    "RollUp",
    "Scope",
    "Series",
    "Step",
    "Window",
    "blocked_counts",
    "blocked_emails",
    "blocked_series",
    "bounce",
    "bounce_counts",
    "bounce_series",
    "bounces",
    "email_counts",
    "email_series",
    "emails",
    "window",
]
