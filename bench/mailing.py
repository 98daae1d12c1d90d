"""Audiences and campaigns of benchmarks and chaos runs, made through the core's front doors."""

from collections.abc import Sequence
from functools import partial

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import audiences, campaigns, contacts
from app.core.accounts import KeyRing
from app.core.campaigns import Campaign, Run
from app.core.contacts import ContactRow
from app.db.engine import driver_connection
from app.db.unit_of_work import Publisher, unit_of_work
from bench.stand import SENDER, Stand

TAGS = ("FNAME", "LNAME", "CITY", "PLAN", "POINTS")
CITIES = ("Berlin", "Kraków", "Lisboa", "Oslo", "Zürich")
AT_ONCE = 20_000
LINKS = 10
PARAGRAPH = (
    '<tr>\n<td style="margin:0;padding:8px 16px 8px 16px;border-bottom:1px solid #dddddd;background-color:#fafafa;\n'
    "font-family:Helvetica,Arial,sans-serif;font-size:15px;font-weight:normal;line-height:22px;color:#333333;\n"
    'text-align:left;vertical-align:top">\n'
    '<p class="text" style="margin:0 0 12px 0;mso-line-height-rule:exactly">\n'
    "The parcel is on its way and arrives tomorrow, überall.</p>\n</td>\n</tr>\n"
)
"""A fifth of what a reader downloads is text, as in newsletters."""


def addresses(prefix: str, count: int) -> list[str]:
    """Return the addresses of an audience."""
    return [f"{prefix}{number}@example.com" for number in range(count)]


async def _fill(stand: Stand, prefix: str, count: int, engine: AsyncEngine) -> tuple[int, int]:
    account_id = (await KeyRing(engine).fresh(stand.key)).account_id
    async with unit_of_work(engine) as write:
        audience = await audiences.create(write, account_id, name=f"{count} readers")
        for tag in TAGS:
            await audiences.add_field(write, account_id, audience.id, tag=tag, label=tag)
    everybody = addresses(prefix, count)
    async with driver_connection(engine) as connection:
        for start in range(0, count, AT_ONCE):
            rows = [_row(start + place, address) for place, address in enumerate(everybody[start : start + AT_ONCE])]
            added = await contacts.add_many(connection, account_id, audience.id, rows)
            assert added.created == len(rows), added
        await connection.execute("ANALYZE contacts")
    return account_id, audience.id


def _row(number: int, address: str) -> ContactRow:
    city = CITIES[number % len(CITIES)]
    fields = {"FNAME": f"Reader{number}", "LNAME": "Müller", "CITY": city, "PLAN": "gold", "POINTS": str(number)}
    return ContactRow(address, fields)


def audience(stand: Stand, prefix: str, count: int) -> tuple[int, int]:
    """Make an audience with five fields; return the ids of its account and of itself."""
    return stand.run(partial(_fill, stand, prefix, count))


async def campaign(
    engine: AsyncEngine, account_id: int, audience_ids: Sequence[int], *, subject: str, html: str, sender: str = SENDER
) -> Campaign:
    """Make a campaign that tracks opens and clicks."""
    async with unit_of_work(engine) as write:
        return await campaigns.create(
            write,
            account_id,
            name=subject,
            audience_ids=audience_ids,
            subject=subject,
            html=html,
            from_email=sender,
            from_name="Bench",
            reply_to="service@localhost.test",
            track_opens=True,
            track_clicks=True,
        )


async def started(engine: AsyncEngine, account_id: int, campaign_id: int, jobs: Publisher | None = None) -> Run:
    """Start a campaign; return its run.

    Args:
        engine: Of the database.
        account_id: Whose.
        campaign_id: Which.
        jobs: Takes what is asked for after the commit; None: the scheduler finds it.
    """
    async with unit_of_work(engine, jobs) as write:
        return await campaigns.start(write, account_id, campaign_id)


def newsletter(size: int) -> str:
    """Return HTML of about that many octets with five tags and ten links."""
    links = "".join(
        f'<p><a href="https://shop.localhost.test/offers/{number}?from=letter&amp;n={number}">Offer {number}</a></p>\n'
        for number in range(LINKS)
    )
    head = (
        "<!DOCTYPE html>\n<html><head><title>News</title></head><body><table>\n"
        "<tr><td>Dear {FNAME} {LNAME} from {CITY}, with {PLAN} you have {POINTS} points.</td></tr>\n"
    )
    tail = f'</table>\n{links}<p><a href="{{UNSUBSCRIBE_URL}}">Unsubscribe</a></p></body></html>\n'
    room = size - len(head.encode()) - len(tail.encode())
    return head + PARAGRAPH * max(room // len(PARAGRAPH.encode()), 0) + tail
