"""`/metrics`: totals, series and the largest. Source: docs/contract/native.md, 16; docs/metrics.md."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

from fastapi import Depends, HTTPException, Query
from starlette.responses import Response

from app.api.native.auth import Reader
from app.api.native.metric_bodies import RatesOut, SeriesOut, SummaryOut, TopOut, series_written, top_row
from app.api.native.metric_filters import MAX_NAMES, asked_of, metrics_of, zone_of
from app.api.native.routing import native_router
from app.core import measures
from app.core.errors import Invalid
from app.core.measures import By, Interval, Metric, Question
from app.dependencies import Read

router = native_router("/metrics", "Metrics")
Asked = Annotated[Question, Depends(asked_of)]


class GroupBy(StrEnum):
    """What each series is of."""

    NONE = "none"
    ACCOUNT = "account"
    SENDER = "sender"
    CAMPAIGN = "campaign"
    DOMAIN = "domain"


class TopBy(StrEnum):
    """Who has the most: `category` is for bounces alone, `link` for clicks alone."""

    DOMAIN = "domain"
    SENDER = "sender"
    CAMPAIGN = "campaign"
    CATEGORY = "category"
    LINK = "link"


@router.get("/summary")
async def summary(caller: Reader, read: Read, asked: Asked) -> SummaryOut:
    """Return the sum of every metric, of one's own account and those below it, and rates."""
    with _bad_query():
        totals = await measures.summary(read, caller, asked)
    rates = RatesOut(**asdict(measures.rates(totals)))
    return SummaryOut(start=asked.start, end=asked.end, totals=totals, rates=rates)


@router.get("/timeseries", response_model=SeriesOut)
async def timeseries(
    caller: Reader,
    read: Read,
    asked: Asked,
    metrics: Annotated[str, Query(max_length=MAX_NAMES, description="Names by commas.", examples=["delivered,opens"])],
    *,
    interval: Interval = Interval.DAY,
    time_zone: Annotated[
        str,
        Query(max_length=64, description="IANA name, or an offset such as `UTC+05:30`; buckets begin by its clock."),
    ] = "UTC",
    group_by: GroupBy = GroupBy.NONE,
) -> Response:
    """Return metrics over time, one series or the 50 largest of a group; at most 2000 buckets, empty ones zero."""
    names, zone, by = metrics_of(metrics), zone_of(time_zone), By(group_by)
    with _bad_query():
        series = await measures.timeseries(read, caller, asked, metrics=names, interval=interval, zone=zone, by=by)
    # In a thread, so that other requests do not wait for a hundred thousand points.
    body = await asyncio.to_thread(series_written, series, by, interval, time_zone, names)
    return Response(body, media_type="application/json")


@router.get("/top")
async def top(
    caller: Reader,
    read: Read,
    asked: Asked,
    metric: Metric,
    by: TopBy,
    *,
    limit: Annotated[int, Query(ge=1, le=measures.MOST)] = 10,
) -> TopOut:
    """Return who has the most of a metric, the largest first."""
    with _bad_query():
        found = await measures.top(read, caller, asked, metric=metric, by=By(by), limit=limit)
    return TopOut(data=[top_row(By(by), key, value) for key, value in found])


@contextmanager
def _bad_query() -> Iterator[None]:
    """Say of values of a query what the core says of values.

    Raises:
        HTTPException: 400, one can't be accepted.
    """
    try:
        yield
    except Invalid as error:
        raise HTTPException(400, str(error)) from None
