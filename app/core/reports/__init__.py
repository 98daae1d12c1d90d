"""What happened to an account's mail, line by line: sent, failed, complained about, refused, opened and clicked.

Owns no table; reads the ledger and what tracking records. Numbers over time are `app.core.metrics`.
"""

from app.core.reports.asking import PAGE
from app.core.reports.copies import count_copies, find_copy, foreign_names, get_copy, list_copies
from app.core.reports.copy_rows import CopyFilter, CopyPlace, CopyState
from app.core.reports.engagement import (
    clicks,
    count_clicks,
    count_opens,
    count_unique_clicks,
    count_unique_opens,
    opens,
    unique_clicks,
    unique_opens,
)
from app.core.reports.sending import (
    bounces,
    complaints,
    count_blocked,
    count_bounces,
    count_complaints,
    count_issues,
    count_sent,
    issues,
    sent,
)
from app.core.reports.values import (
    BounceKind,
    BounceRow,
    ClickRow,
    ComplaintRow,
    CopyRow,
    Filters,
    IssueRow,
    OpenRow,
    UniqueClickRow,
    UniqueOpenRow,
)

__all__ = [
    "PAGE",
    "BounceKind",
    "BounceRow",
    "ClickRow",
    "ComplaintRow",
    "CopyFilter",
    "CopyPlace",
    "CopyRow",
    "CopyState",
    "Filters",
    "IssueRow",
    "OpenRow",
    "UniqueClickRow",
    "UniqueOpenRow",
    "bounces",
    "clicks",
    "complaints",
    "count_blocked",
    "count_bounces",
    "count_clicks",
    "count_complaints",
    "count_copies",
    "count_issues",
    "count_opens",
    "count_sent",
    "count_unique_clicks",
    "count_unique_opens",
    "find_copy",
    "foreign_names",
    "get_copy",
    "issues",
    "list_copies",
    "opens",
    "sent",
    "unique_clicks",
    "unique_opens",
]
