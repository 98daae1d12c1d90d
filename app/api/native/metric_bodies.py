"""What `/metrics` answers. Source: docs/contract/native.md, 16."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field

from app.api.native.times import Time, written
from app.core.measures import By, Interval, Key, Metric, Series
from app.kit.uids import Noun, uuid

_TOTALS = {"accepted": 1204, "delivered": 1180, "opens": 480, "unique_opens": 410}


class RatesOut(BaseModel):
    """Shares of 1, not rounded: `delivery` of `accepted - blocked`, the others of `delivered`."""

    delivery: float
    bounce: float
    open: float
    click: float
    complaint: float
    unsubscribe: float


class SummaryOut(BaseModel):
    """The sum of every metric, and rates."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "start": "2026-01-05T00:00:00.000Z",
                    "end": "2026-01-06T00:00:00.000Z",
                    "totals": {str(metric): _TOTALS.get(metric, 0) for metric in Metric},
                    "rates": {
                        "delivery": 0.9800664451827242,
                        "bounce": 0.0,
                        "open": 0.3474576271186441,
                        "click": 0.0,
                        "complaint": 0.0,
                        "unsubscribe": 0.0,
                    },
                }
            ]
        }
    )

    start: Time
    end: Time
    totals: dict[Metric, int]
    rates: RatesOut


class SeriesKeyOut(BaseModel):
    """What a series is of: two members by `group_by`, or `domain` alone."""

    account_id: UUID | None = None
    account: str | None = Field(default=None, description="Its user name.")
    sender_id: int | None = None
    sender: str | None = Field(default=None, description="Its address.")
    campaign_id: UUID | None = None
    campaign: str | None = Field(default=None, description="Its name.")
    domain: str | None = None


class SeriesLineOut(BaseModel):
    """One series; `key` is null when nothing was grouped."""

    key: SeriesKeyOut | None
    points: list[dict[str, int | str]] = Field(description="`time` is the start of the bucket; then each metric.")


class SeriesOut(BaseModel):
    """Metrics over time."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "interval": "day",
                    "time_zone": "UTC",
                    "metrics": ["delivered", "opens"],
                    "series": [
                        {
                            "key": {"sender_id": 17, "sender": "news@example.com"},
                            "points": [
                                {"time": "2026-01-05T00:00:00.000Z", "delivered": 120, "opens": 48},
                                {"time": "2026-01-06T00:00:00.000Z", "delivered": 0, "opens": 0},
                            ],
                        }
                    ],
                }
            ]
        }
    )

    interval: Interval
    time_zone: str
    metrics: list[Metric]
    series: list[SeriesLineOut]


class TopRowOut(BaseModel):
    """Who has how much: `key` is the domain, category, URL, address of the sender or name of the campaign."""

    key: str
    value: int
    sender_id: int | None = Field(default=None, exclude_if=lambda value: value is None)
    campaign_id: UUID | None = Field(default=None, exclude_if=lambda value: value is None)


class TopOut(BaseModel):
    """The largest, in order."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"data": [{"key": "example.org", "value": 12}]}]})

    data: list[TopRowOut]


def top_row(by: By, key: Key, value: int) -> TopRowOut:
    """Return a row of `TopOut`."""
    if by is By.SENDER:
        return TopRowOut(key=key.name, value=value, sender_id=key.number)
    if by is By.CAMPAIGN and key.number is not None:
        return TopRowOut(key=key.name, value=value, campaign_id=uuid(Noun.CAMPAIGN, key.number))
    return TopRowOut(key=key.name, value=value)


def series_written(series: Series, by: By, interval: Interval, time_zone: str, metrics: Sequence[Metric]) -> bytes:
    """Return `SeriesOut` as JSON: there may be 100,000 points, which pydantic would take seconds for."""
    times = [written(start) for start in series.starts]
    lines = []
    for key, columns in series.lines:
        rows = zip(times, *(columns[metric] for metric in metrics), strict=True)
        names = ("time", *(str(metric) for metric in metrics))
        points = [dict(zip(names, row, strict=True)) for row in rows]
        lines.append({"key": None if key is None else _key_out(by, key), "points": points})
    return orjson.dumps({"interval": interval, "time_zone": time_zone, "metrics": list(metrics), "series": lines})


def _key_out(by: By, key: Key) -> dict[str, Any]:
    match by:
        case By.ACCOUNT:
            return {"account_id": None if key.public_id is None else str(key.public_id), "account": key.name}
        case By.SENDER:
            return {"sender_id": key.number, "sender": key.name}
        case By.CAMPAIGN:
            return {"campaign_id": uuid(Noun.CAMPAIGN, key.number or 1), "campaign": key.name}
        case _:
            return {"domain": key.name}
