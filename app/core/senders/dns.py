"""What a sender's domain is to publish, and what it publishes now. Uses the repository; imports `app.mail.published`.

Source: docs/contract/native.md, 4.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.core.errors import NotFound
from app.core.senders import repository
from app.core.senders.repository import Published
from app.core.senders.verifying import Expected
from app.db.unit_of_work import ReadSession
from app.mail.published.dmarc import policies
from app.mail.published.records import AllRecords, NoAnswer
from app.models.sender import Sender

LOOK_SECONDS = 15.0
"""How long DNS is asked for what is shown."""
MAX_FOUND = 20
"""Records of one name that are shown."""
MAX_TEXT = 2000
"""Characters of each."""


class Purpose(StrEnum):
    """What a record is good for."""

    DKIM = "dkim"
    SPF = "spf"
    RETURN_PATH = "return_path"
    DMARC = "dmarc"
    TRACKING = "tracking"


@dataclass(frozen=True, slots=True)
class Record:
    """One record to publish.

    Attributes:
        purpose: What it is good for.
        type: `TXT` or `CNAME`.
        name: DNS name.
        value: What to publish there.
        required: Whether verification asks for it.
        verified: Whether the last look found it.
        found: What is there now; empty when DNS does not say.
    """

    purpose: Purpose
    type: str
    name: str
    value: str
    required: bool
    verified: bool
    found: Sequence[str]


async def publication(read: ReadSession, sender: Sender) -> Published:
    """Return what the domain of a sender that `get` returned is to publish.

    Raises:
        NotFound: It was deleted meanwhile.
    """
    published = await repository.to_be_published(read, [sender.id])
    if not published:
        raise NotFound("no such sender")
    return published[0]


async def look_up(records: AllRecords, expected: Expected, sender: Sender, published: Published) -> list[Record]:
    """Return the records to publish with what is there now; no transaction is needed, and none should be open.

    Args:
        records: DNS.
        expected: What records lead to.
        sender: With what the last look found.
        published: Of `publication`.
    """
    wanted = _wanted(expected, sender, published)
    questions = [_ask(records, published, one) for one in wanted]
    found = await asyncio.gather(*questions)
    return [
        Record(one.purpose, one.type, one.name, one.value, one.required, one.verified, texts)
        for one, texts in zip(wanted, found, strict=True)
    ]


def _wanted(expected: Expected, sender: Sender, published: Published) -> list[Record]:
    domain = published.domain
    wanted: list[Record] = []
    if published.public_key:
        key = f"v=DKIM1; k={published.algorithm}; p={published.public_key}"
        wanted.append(Record(Purpose.DKIM, "TXT", published.dkim_name, key, True, sender.dkim_ok, ()))
    policy = f"v=spf1 include:{expected.spf_name} ~all"
    wanted.append(Record(Purpose.SPF, "TXT", domain, policy, True, sender.spf_ok, ()))
    if expected.return_path:
        name = published.return_path_name
        wanted.append(
            Record(Purpose.RETURN_PATH, "CNAME", name, expected.return_path, False, sender.return_path_ok, ())
        )
    dmarc = f"_dmarc.{domain}"
    wanted.append(Record(Purpose.DMARC, "TXT", dmarc, "v=DMARC1; p=none", False, sender.dmarc_ok, ()))
    if expected.tracking:
        name = published.tracking_name
        wanted.append(Record(Purpose.TRACKING, "CNAME", name, expected.tracking, False, sender.tracking_ok, ()))
    return wanted


async def _ask(records: AllRecords, published: Published, wanted: Record) -> Sequence[str]:
    question: Awaitable[Sequence[str]]
    match wanted.purpose:
        case Purpose.RETURN_PATH | Purpose.TRACKING:
            question = records.aliases(wanted.name)
        case Purpose.DMARC:
            question = policies(records, published.domain)
        case _:
            question = records.texts(wanted.name)
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            return [text[:MAX_TEXT] for text in (await question)[:MAX_FOUND]]
    except (NoAnswer, TimeoutError):
        return []
