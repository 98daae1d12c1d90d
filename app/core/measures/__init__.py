"""Metrics of the native API: totals, series and the largest, by many filters.

Owns no table. Reads the counters where they know; what they do not tell apart, such as domains and campaigns, is
counted from the ledger and the events of its copies. docs/metrics.md tells which question is which.
"""

from app.core.measures.buckets import MAX_BUCKETS
from app.core.measures.service import LARGEST, MOST, rates, summary, timeseries, top
from app.core.measures.values import By, Columns, Filters, Interval, Key, Metric, Question, Rates, Series

__all__ = [
    "LARGEST",
    "MAX_BUCKETS",
    "MOST",
    "By",
    "Columns",
    "Filters",
    "Interval",
    "Key",
    "Metric",
    "Question",
    "Rates",
    "Series",
    "rates",
    "summary",
    "timeseries",
    "top",
]
