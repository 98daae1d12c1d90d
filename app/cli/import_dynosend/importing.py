"""What is read into an account here. Imports the core's front doors and this package's source.

Everything is found by its natural name (an audience by its name, a field by its tag, a contact by its address), so
doing it again changes nothing that is there.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncEngine

from app.cli.import_dynosend.server import Server, SourceFailed
from app.core import audiences, contacts
from app.core.audiences import CONTACT_INFORMATION, EMAIL, Audience, AudienceChanges, FieldType
from app.core.contacts import ContactRow, ContactStatus, address_of
from app.core.errors import Conflict, Invalid
from app.core.suppressions import NewEntry, Reason
from app.db.engine import driver_connection
from app.db.unit_of_work import unit_of_work

MAX_WARNINGS = 200
_REASONS = {"bounced": Reason.HARDBOUNCE, "complained": Reason.COMPLAINT}
_LISTED = frozenset({ContactStatus.BLACKLISTED, ContactStatus.SPAM_REPORTED})
_SOURCES = frozenset({"api", "web", "embedded-form", "added", "imported", "transactional"})
_OWN = frozenset(
    {"id", "contact_uid", "email", "status", "source", "ip_address", "tags", "created_at", "updated_at", EMAIL}
)


class Pages(Protocol):
    """Remembers how many pages of an audience are done."""

    def next_page(self, uid: str) -> int:
        """Return the first page that is not."""
        ...

    def done(self, uid: str, page: int) -> None:
        """Note that a page is."""
        ...


@dataclass(slots=True)
class Notes:
    """What was done, and what was odd."""

    counts: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)

    def warn(self, text: str) -> None:
        """Note something odd; of very many the first ones."""
        self.counts["warnings"] += 1
        if len(self.warnings) < MAX_WARNINGS:
            self.warnings.append(text)


class Importing:
    """One import."""

    def __init__(
        self,
        engine: AsyncEngine,
        account_id: int,
        server: Server,
        pages: Pages,
        notes: Notes,
        *,
        dry_run: bool,
        say: Callable[[str], None],
    ) -> None:
        """Prepare; `run` works."""
        self._engine, self._account_id, self._server = engine, account_id, server
        self._pages, self._notes, self._dry_run, self._say = pages, notes, dry_run, say

    async def run(self) -> None:
        """Read everything.

        Raises:
            SourceFailed: The source can't be read; what was done stays.
        """
        seen: Counter[str] = Counter()
        for whole in await self._server.audiences():
            there = whole["audience"]
            name = str(there.get("name") or there.get("uid"))
            here = await self._audience(whole, name, seen[name])
            seen[name] += 1
            self._say(f"audience {name}")
            await self._contacts(str(there.get("uid")), name, here)

    async def _audience(self, whole: Mapping[str, Any], name: str, place: int) -> Audience | None:
        """Return the audience here: the one of this name, of several the one at this place, or a new one."""
        there = whole["audience"]
        if self._dry_run:
            self._notes.counts["audiences"] += 1
            return None
        async with unit_of_work(self._engine) as write:
            same, after = [], 0
            while listed := await audiences.list_after(write, self._account_id, after_id=after):
                same += [one for one in listed if one.name == name.strip()]
                after = listed[-1].id
            if place < len(same):
                found = same[place]
                self._notes.counts["audiences.existing"] += 1
            else:
                given = whole.get("contact_information")
                information = given if isinstance(given, dict) else {}
                values: AudienceChanges = {
                    "from_email": there.get("from_email"),
                    "from_name": there.get("from_name"),
                    "default_subject": there.get("default_subject"),
                    "contact_information": {key: information.get(key) for key in CONTACT_INFORMATION},
                }
                found = await audiences.create(write, self._account_id, name=name, **values)
                self._notes.counts["audiences.created"] += 1
            for one in there.get("fields") or ():
                await self._field(write, found, one)
        return found

    async def _field(self, write: Any, audience: Audience, given: Mapping[str, Any]) -> None:
        tag, kind = str(given.get("tag") or "").upper(), str(given.get("type") or "text")
        if tag in {"", EMAIL}:
            return
        try:
            async with write.begin_nested():
                await audiences.add_field(
                    write,
                    self._account_id,
                    audience.id,
                    tag=tag,
                    label=str(given.get("label") or tag),
                    type=kind if kind in set(FieldType) else FieldType.TEXT,
                    required=given.get("required") is True,
                    visible=given.get("visible") is not False,
                )
            self._notes.counts["fields.created"] += 1
        except Conflict:
            self._notes.counts["fields.existing"] += 1
        except Invalid as error:
            self._notes.warn(f"field {tag} of {audience.name}: {error}")

    async def _contacts(self, uid: str, name: str, audience: Audience | None) -> None:
        async for page, rows in self._server.contacts(uid, self._pages.next_page(uid)):
            self._notes.counts["contacts.read"] += len(rows)
            if audience is not None:
                await self._write(audience, rows)
                self._pages.done(uid, page)
            self._say(f"{name}: {page} pages")

    async def _write(self, audience: Audience, rows: Sequence[Mapping[str, Any]]) -> None:
        entries = [entry for row in rows if (entry := await self._entry(row)) is not None]
        by_source: dict[str | None, list[ContactRow]] = defaultdict(list)
        for row in rows:
            source = row.get("source")
            by_source[source if source in _SOURCES else None].append(self._row(row))
        async with driver_connection(self._engine) as connection, connection.transaction():
            for source, given in by_source.items():
                added = await contacts.add_many(connection, self._account_id, audience.id, given, source=source)
                self._notes.counts["contacts.created"] += added.created
                self._notes.counts["contacts.existing"] += added.existing
                for bad in added.bad:
                    self._notes.warn(f"{audience.name}: {bad.email[:100]}: {bad.fault.field} {bad.fault.message}")
        # Behind the contacts: who complained comes in as that, and an entry of the list leaves it so.
        if entries:
            async with unit_of_work(self._engine) as write:
                made = await contacts.suppress_many(write, self._account_id, entries)
            self._notes.counts["suppressions.added"] += len(made.added)

    async def _entry(self, row: Mapping[str, Any]) -> NewEntry | None:
        """Return the entry of the blacklist of a contact that looks blacklisted, or complained."""
        if row.get("status") not in _LISTED:
            return None
        email = str(row.get("email") or "")
        try:
            address = address_of(email)
            found = await self._server.blacklisted(email)
        except Invalid:
            return None
        except SourceFailed as error:
            self._notes.warn(f"the blacklist cannot be read: {error}")
            return NewEntry(address, Reason.MANUAL, "")
        if found is None:
            return None
        return NewEntry(address, _REASONS.get(str(found.get("reason")), Reason.MANUAL), "", _moment(found))

    def _row(self, row: Mapping[str, Any]) -> ContactRow:
        status = str(row.get("status") or "")
        tags = [tag for tag in str(row.get("tags") or "").split(",") if tag]
        values = {name: value for name, value in row.items() if name not in _OWN and value is not None}
        known = status in set(ContactStatus)
        if not known:
            self._notes.warn(f"{str(row.get('email'))[:100]}: unknown status {status[:50]!r}")
        return ContactRow(
            str(row.get("email") or ""), values, tags, ContactStatus(status) if known else ContactStatus.UNSUBSCRIBED
        )


def _moment(entry: Mapping[str, Any]) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(entry.get("blacklist_time")))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
