"""Whether senders' domains publish our key and let us send. Uses the repository; imports `app.mail.published`.

DNS is asked between two transactions, never within one. What DNS does not say changes nothing but the time of the
look; a sender that was found ready stays so, whatever DNS says later: mail in a customer's hands is not stopped by a
slip in a zone file, and the flags tell of it.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.accounts import touch
from app.core.senders import repository
from app.core.senders.repository import Published, Seen
from app.db.unit_of_work import reading, unit_of_work
from app.mail.published.dkim_key import publishes_key
from app.mail.published.dmarc import policies
from app.mail.published.records import Address, AllRecords, NoAnswer
from app.mail.published.spf import lets_us_send
from app.settings import Settings

AT_A_TIME = 20
"""Senders of one sweep that are looked at together."""
MAX_DUE = 500
"""Senders of one sweep."""
SWEEP_SECONDS = 40.0
"""How long a sweep goes on; what it does not reach the next one does."""
SENDER_SECONDS = 30.0
"""How long DNS is asked about one sender."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a sender's domain is to publish.

    Attributes:
        spf_name: The name that customers include.
        addresses: We send from these; empty: the system chooses, and only the name counts.
        return_path: The host that a return path below the domain leads to; empty: there is none to look for.
        tracking: The host that a tracking name below the domain leads to; empty: there is none to look for.
    """

    spf_name: str
    addresses: Sequence[Address] = ()
    return_path: str = ""
    tracking: str = ""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return what the settings say."""
        host = urlsplit(settings.public_url).hostname or ""
        given = settings.delivery.source_addresses.split(",")
        addresses = [ip_address(one.strip()) for one in given if one.strip()]
        return cls(settings.senders.spf_include or host, addresses, return_path=settings.bounce_domain, tracking=host)


async def verify(engine: AsyncEngine, records: AllRecords, expected: Expected, *, sender_id: int) -> None:
    """Look for one sender's records now and note what was found; a sender that is gone is none.

    Args:
        engine: Of the process.
        records: DNS.
        expected: What SPF has to cover.
        sender_id: Whose.

    Source:
        docs/contract/dyn-email.md, 8; docs/contract/native.md, 4.
    """
    async with reading(engine) as read:
        published = await repository.to_be_published(read, [sender_id])
    for one in published:
        await _look(engine, records, expected, one)


async def verify_due(engine: AsyncEngine, records: AllRecords, expected: Expected) -> int:
    """Look again for the records of senders whose time has come; return how many were looked at.

    A sender that is not verified comes again after half the time since it was changed, but not before three minutes,
    and within the hour while it is pending, within the day otherwise; a verified one daily.
    """
    async with reading(engine) as read:
        published = await repository.to_be_published(read, await repository.due_for_verification(read, MAX_DUE))
    waiting = iter(published)
    done = 0

    async def work() -> None:
        nonlocal done
        for one in waiting:
            await _look(engine, records, expected, one)
            done += 1

    try:
        async with asyncio.timeout(SWEEP_SECONDS), asyncio.TaskGroup() as group:
            for _ in range(min(AT_A_TIME, len(published))):
                group.create_task(work())
    except TimeoutError:
        logger.warning("looked for the records of %s of %s senders, then the time was over", done, len(published))
    return done


async def _look(engine: AsyncEngine, records: AllRecords, expected: Expected, sender: Published) -> None:
    dkim_ok, spf_ok, return_path_ok, tracking_ok, dmarc_ok = await asyncio.gather(
        _dkim(records, sender),
        _spf(records, expected, sender),
        _leads(records, sender.return_path_name, expected.return_path),
        _leads(records, sender.tracking_name, expected.tracking),
        _dmarc(records, sender),
    )
    seen = Seen(dkim_ok, spf_ok, return_path_ok, tracking_ok, dmarc_ok)
    async with unit_of_work(engine) as write:
        if await repository.note_verified(write, sender, seen):
            await touch(write, sender.account_id)


async def _leads(records: AllRecords, name: str, host: str) -> bool | None:
    """Return whether a name is an alias of a host of ours; None when DNS does not say."""
    if not host:
        return False
    try:
        async with asyncio.timeout(SENDER_SECONDS):
            return host.lower().rstrip(".") in await records.aliases(name)
    except (NoAnswer, TimeoutError):
        return None


async def _dmarc(records: AllRecords, sender: Published) -> bool | None:
    """Return whether the domain has a DMARC policy; None when DNS does not say."""
    try:
        async with asyncio.timeout(SENDER_SECONDS):
            return bool(await policies(records, sender.domain))
    except (NoAnswer, TimeoutError):
        return None


async def _dkim(records: AllRecords, sender: Published) -> bool | None:
    """Return whether the key is published; None when DNS does not say."""
    if not sender.public_key:
        return False
    try:
        async with asyncio.timeout(SENDER_SECONDS):
            return await publishes_key(records, sender.dkim_name, key_type=sender.algorithm, key=sender.public_key)
    except (NoAnswer, TimeoutError):
        return None


async def _spf(records: AllRecords, expected: Expected, sender: Published) -> bool | None:
    """Return whether the domain lets us send; None when DNS does not say."""
    try:
        async with asyncio.timeout(SENDER_SECONDS):
            return await lets_us_send(
                records, sender.domain, name=expected.spf_name, addresses=expected.addresses, sender=sender.email
            )
    except (NoAnswer, TimeoutError):
        return None
