"""What recipients did with a run, by link and by hour. Uses the repository.

Source: docs/contract/native.md, 10.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core.campaigns import repository
from app.core.campaigns.values import View
from app.db.unit_of_work import ReadSession

MAX_HOURS = 2000
"""Hours of one answer; a mail is read within the first days."""


@dataclass(frozen=True, slots=True)
class LinkClicks:
    """Clicks of one link of a run.

    Attributes:
        url: Where it leads; a target that is personalised stands as its author wrote it.
        clicks: All of them.
        copies: Copies in which it was clicked.
    """

    url: str
    clicks: int
    copies: int


@dataclass(frozen=True, slots=True)
class Hour:
    """Opens and clicks of one hour.

    Attributes:
        start: Its start, UTC.
        opens: All of them.
        clicks: All of them.
    """

    start: datetime
    opens: int
    clicks: int


async def links(read: ReadSession, view: View) -> Sequence[LinkClicks]:
    """List the tracked links of a campaign's latest run in the order of its content, those without a click too."""
    if view.run is None:
        return []
    rows = await repository.sql.rows(read, "links", view.run.id)
    return [LinkClicks(row.url, row.clicks, row.unique_clicks) for row in rows]


async def by_hour(read: ReadSession, view: View) -> Sequence[Hour]:
    """List the hours in which anybody opened or clicked a mail of the latest run, the first 2000 at most."""
    if view.run is None or view.run.started_at is None:
        return []
    rows = await repository.sql.rows(read, "reactions_by_hour", view.run.id, MAX_HOURS)
    return [Hour(row.hour, row.opens, row.clicks) for row in rows]
