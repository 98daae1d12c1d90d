"""What was sent, listed and counted. Owns no table; reads the ledger and its counters."""

from app.core.metrics.service import PAGE, email_counts, email_series, emails
from app.core.metrics.values import CountRow, EmailRow, ListFilters, RollUp, Scope
from app.core.metrics.windows import Step, Window, window

__all__ = [
    "PAGE",
    "CountRow",
    "EmailRow",
    "ListFilters",
    "RollUp",
    "Scope",
    "Step",
    "Window",
    "email_counts",
    "email_series",
    "emails",
    "window",
]
