"""The sandbox inbox: mail that was sent and kept for people to look at. Owns the table `sandbox_messages`."""

from app.core.sandbox.reading import Content, Part, content_of
from app.core.sandbox.service import Arrival, Found, Search, clear, count, get, page, store

__all__ = [
    "Arrival",
    "Content",
    "Found",
    "Part",
    "Search",
    "clear",
    "content_of",
    "count",
    "get",
    "page",
    "store",
]
