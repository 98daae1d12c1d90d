"""Where a click leads. Imports campaigns' front door, `app.mail` and db.

Only what stands in the content of the copy is ever a target, and only http and https leave: there is no open redirect.

Source: docs/contract/dyn-email.md, section 13.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import campaigns
from app.core.errors import NotFound
from app.core.tracking.copies import TrackedCopy, copy_of
from app.db.engine import driver_of
from app.db.sql import Sql
from app.db.unit_of_work import ReadSession, reading
from app.kit.uids import Noun, uid
from app.mail.campaign import CampaignContent, CopyFacts, Links, link_target
from app.mail.campaign.links import is_url
from app.mail.campaign.resolve import Environment
from app.mail.personalise import known_names
from app.mail.personalise.names import URLS
from app.mail.tracking import Tokens

KEPT_VERSIONS = 64
"""Versions of contents whose links stay in memory."""
KEPT_CHARACTERS = 16_000_000
"""Characters of links that stay in memory; the newest version stays in any case."""
KEPT_URLS = 4096
"""Links of copies whose URL stays in memory, of at most 8192 characters each."""
_sql = Sql("app.core.tracking")


@dataclass(frozen=True, slots=True)
class _Version:
    links: list[str]
    content: CampaignContent
    """Without its texts."""
    by_audience: Mapping[int, Mapping[str, str]]
    size: int


class Versions:
    """The links of the contents clicked last, bounded; of one database."""

    def __init__(self) -> None:
        """Begin empty."""
        self._kept: OrderedDict[tuple[int, int], _Version] = OrderedDict()
        self._size = 0

    async def of(self, read: ReadSession, run_id: int, version: int) -> _Version | None:
        """Return the links of a version of a run's content; None when there is none."""
        key = (run_id, version)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        found = await _load(read, run_id, version)
        if found is not None and key not in self._kept:
            self._kept[key] = found
            self._size += found.size
        while len(self._kept) > 1 and (len(self._kept) > KEPT_VERSIONS or self._size > KEPT_CHARACTERS):
            self._size -= self._kept.popitem(last=False)[1].size
        return found


class Destinations:
    """Where clicks lead, from memory when it can be; one per process."""

    def __init__(self, engine: AsyncEngine, links: Links) -> None:
        """Prepare.

        Args:
            engine: Of the process.
            links: For targets that hold one of our own links.
        """
        self._engine = engine
        self._links = links
        self._versions = Versions()
        self._urls: OrderedDict[tuple[int, int, int], str] = OrderedDict()

    async def of(self, accepted_seconds: int, message_id: int, link: int) -> str | None:
        """Return the URL of a verified click token; None when there is no such copy or link.

        Raises:
            DatabaseAway: It is not in memory, and PostgreSQL can't be asked.
        """
        key = (accepted_seconds, message_id, link)
        if key in self._urls:
            self._urls.move_to_end(key)
            return self._urls[key]
        async with reading(self._engine) as read:
            copy = await copy_of(read, message_id, datetime.fromtimestamp(accepted_seconds, UTC))
            url = await url_of(read, copy, link, links=self._links, versions=self._versions) if copy else None
        if url is not None:
            self._urls[key] = url
            if len(self._urls) > KEPT_URLS:
                self._urls.popitem(last=False)
        return url


async def url_of(
    read: ReadSession, copy: TrackedCopy, link: int, *, links: Links | None = None, versions: Versions | None = None
) -> str | None:
    """Return where a link of a copy leads; None without such a link, and when values make it something else.

    Args:
        read: The transaction.
        copy: Whose link.
        link: Its number, from 0.
        links: For targets that hold one of our own links, which are empty without it.
        versions: Remembers contents; None: it is read each time.
    """
    if copy.run_id is not None and copy.content_version is not None:
        version = await (versions or Versions()).of(read, copy.run_id, copy.content_version)
        url = _target(version, copy, link, links) if version is not None and link < len(version.links) else None
    elif copy.mail_id is not None:
        rows = await _sql.rows(read, "mail_link", copy.mail_id, copy.accepted_at, link)
        url = rows[0].url if rows else None
    else:
        return None
    # A header takes ASCII alone; a stored target that is no URL never leaves, however it came there.
    return url if url is not None and url.isascii() and is_url(url) else None


async def _load(read: ReadSession, run_id: int, version: int) -> _Version | None:
    rows = await _sql.rows(read, "run_links", run_id, version)
    if not rows:
        return None
    try:
        stored = await campaigns.version_content(await driver_of(await read.connection()), run_id, version)
    except NotFound:
        return None
    links = list(rows[0].links)
    size = sum(map(len, links)) + len(repr(stored.content.constants)) + len(repr(stored.by_audience))
    content = replace(stored.content, subject="", preheader="", html=None, text=None, targets=None)
    return _Version(links, content, stored.by_audience, size)


def _target(version: _Version, copy: TrackedCopy, link: int, links: Links | None) -> str | None:
    target, content = version.links[link], version.content
    if "{" not in target:
        return target
    known = known_names(content.known, content.constants)
    values = {**copy.fields, **version.by_audience.get(copy.audience_id or 0, {})}
    facts = CopyFacts(
        copy.message_id,
        copy.accepted_at,
        copy.recipient,
        email_id="",
        return_token="",
        contact_uid=uid(Noun.CONTACT, copy.contact_id) if copy.contact_id else "",
        values=values,
    )
    usable = links or Links("", "", bytes(32))
    names = known if links is not None else known - URLS
    tokens = Tokens(usable.key, accepted_at=int(copy.accepted_at.timestamp()), message_id=copy.message_id)
    return link_target(target, Environment(names, content.constants, usable).of(facts, tokens), known)
