"""Items of reports to events; which copy an item is about. Imports its siblings and ingest's words.

An item of `sent` is a copy; its name is made of what the item says, so that the same item always names the same copy.
The other reports do not say which copy they are about: it is the latest one to that recipient before the event. Lists
of unique opens and clicks, where the source has them, tell how many copies were visited, and how often each.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

import orjson

from app.cli.import_dyn import reading
from app.cli.import_dyn.source import BLOCKED, Record, Resource, Unit
from app.cli.import_dyn.state import Copy, State, Visit, Whose
from app.core.ingest import Blocked, Bounced, Complained, Event, EventKind, Refused, Visited
from app.models.issue import IssueType

MAX_URL = 8000
Facts: TypeAlias = Blocked | Bounced | Complained | Visited | None


@dataclass(slots=True)
class Taken:
    """What became of records.

    Attributes:
        events: To be recorded.
        counts: How many there are of what.
    """

    events: list[Event] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, event: Event) -> None:
        """Add one."""
        self.events.append(event)
        self.counts[event.kind.removeprefix("email.")] += 1


@dataclass(frozen=True, slots=True)
class _About:
    """What an item says of its copy.

    Attributes:
        moment: When it happened.
        whose: Whose copy it is, to be compared.
        recipient: As it was given.
        x_headers: As they were given.
    """

    moment: datetime
    whose: Whose
    recipient: str
    x_headers: Mapping[str, str]


class History:
    """The history of one owner."""

    def __init__(self, state: State, owner: str, account_id: int, begin: datetime) -> None:
        """Prepare.

        Args:
            state: Of the import.
            owner: The account at the source.
            account_id: The account here.
            begin: Of copies that were accepted before nothing is told; refusals before are left out, too.
        """
        self._begin = begin
        self._state = state
        self._owner = owner
        self._account_id = account_id

    def take(self, unit: Unit, records: Sequence[Record]) -> Taken:
        """Return the events of some records of a list."""
        taken = Taken()
        for record in records:
            if unit.resource is Resource.ISSUES:
                self._refusal(record, taken)
            else:
                self._event(unit, record, taken)
        return taken

    def _refusal(self, record: Record, taken: Taken) -> None:
        moment, word = reading.read_instant(record, "date", "mssenttime"), record.text("issuetype")
        if moment is None:
            taken.counts["not valid"] += 1
            return
        if moment < self._begin:
            taken.counts["older"] += 1
            return
        issue_type = IssueType(word) if word in set(IssueType) else IssueType.REFUSED
        description, address = record.text("description"), record.text("emailaddress")
        ordinal = self._ordinal("issue", moment.isoformat(), word, description, address)
        facts = Refused(issue_type, description[: reading.MAX_TEXT])
        taken.add(
            Event(
                EventKind.REFUSED,
                reading.later(moment, ordinal),
                self._account_id,
                sender=record.text("sender") or None,
                recipient=reading.read_address(address) or address or None,
                x_headers=record.x_headers or None,
                facts=facts,
            )
        )

    def _event(self, unit: Unit, record: Record, taken: Taken) -> None:
        about = self._about(unit, record)
        if about is None:
            taken.counts["not valid"] += 1
            return
        match unit.resource:
            case Resource.SENT:
                self._sent(about, taken)
            case Resource.DELIVERED:
                self._delivered(about, taken)
            case Resource.BOUNCES:
                self._failed(about, unit, record, taken)
            case Resource.COMPLAINTS:
                self._visit(about, taken, EventKind.COMPLAINED, Complained())
            case Resource.UNIQUE_OPENS | Resource.UNIQUE_CLICKS:
                kind = EventKind.OPENED if unit.resource is Resource.UNIQUE_OPENS else EventKind.CLICKED
                events = record.text("count")
                visit = _visit_of(about, kind, _url(record))
                self._state.add_first(about.whose, visit, int(events[:9]) if events.isdecimal() else 1)
            case Resource.OPENS:
                self._visit(about, taken, EventKind.OPENED, Visited(ip=record.text("ip")))
            case _:
                self._visit(about, taken, EventKind.CLICKED, Visited(ip=record.text("ip"), url=_url(record)))

    def _sent(self, about: _About, taken: Taken) -> Copy | None:
        """Note a copy and its acceptance; None when nobody knows who sent it."""
        if not about.whose.sender:
            taken.counts["without a sender"] += 1
            return None
        sent_ms = round(about.moment.timestamp() * 1000)
        whose = about.whose
        words = (whose.owner, whose.sender, about.recipient, str(sent_ms), whose.x_headers)
        ordinal = self._ordinal("sent", *words)
        email_id = f"dyn-{sent_ms}-{_digest(*words).hex()[:24]}-{ordinal}"
        copy = self._state.add_copy(whose, sent_ms, email_id)
        self._of(taken, about, copy, EventKind.ACCEPTED)
        return copy

    def _delivered(self, about: _About, taken: Taken) -> None:
        sent_ms = round(about.moment.timestamp() * 1000)
        copy = self._state.undelivered(about.whose, sent_ms)
        copy = copy or self._made_up(about, taken)
        if copy is not None:
            self._state.mark(copy, "delivered")
            self._of(taken, about, copy, EventKind.DELIVERED)

    def _failed(self, about: _About, unit: Unit, record: Record, taken: Taken) -> None:
        kind = record.text("bouncetype").lower() or unit.kind
        blocked = kind in BLOCKED
        copy = self._latest(about, failed=True) or self._made_up(about, taken)
        if copy is None:
            return
        self._state.mark(copy, "ended")
        facts = reading.read_blocked(record) if blocked else reading.read_bounce(record)
        self._of(taken, about, copy, EventKind.BLOCKED if blocked else EventKind.BOUNCED, facts)

    def _visit(self, about: _About, taken: Taken, kind: EventKind, facts: Visited | Complained) -> None:
        seen = (facts.ip, facts.url) if isinstance(facts, Visited) else ()
        copy = (
            self._state.visited(about.whose, _visit_of(about, kind, facts.url)) if isinstance(facts, Visited) else None
        )
        copy = copy or self._latest(about, failed=False) or self._made_up(about, taken)
        if copy is None:
            return
        ordinal = self._ordinal(kind, copy.email_id, about.moment.isoformat(), *seen)
        self._of(taken, about, copy, kind, facts, ordinal=ordinal)

    def _latest(self, about: _About, *, failed: bool) -> Copy | None:
        end = int(about.moment.timestamp()) * 1000 + 1000
        return self._state.latest(about.whose, end, failed=failed)

    def _made_up(self, about: _About, taken: Taken) -> Copy | None:
        """Note a copy that `sent` does not have: accepted when the first is heard of it."""
        copy = self._sent(about, taken)
        if copy is not None:
            taken.counts["without a copy"] += 1
        return copy

    def _of(
        self, taken: Taken, about: _About, copy: Copy, kind: EventKind, facts: Facts = None, *, ordinal: int = 0
    ) -> None:
        """Add an event of a copy; told in seconds, it is no earlier than the copy, which is known to milliseconds."""
        sent_at = datetime.fromtimestamp(copy.sent_ms // 1000, UTC).replace(microsecond=copy.sent_ms % 1000 * 1000)
        if sent_at < self._begin:
            taken.counts["older"] += 1
            return
        taken.add(
            Event(
                kind,
                reading.later(max(about.moment, sent_at), ordinal),
                self._account_id,
                sender=about.whose.sender or None,
                recipient=about.recipient,
                email_id=copy.email_id,
                accepted_at=sent_at,
                x_headers=about.x_headers or None,
                facts=facts,
            )
        )

    def _about(self, unit: Unit, record: Record) -> _About | None:
        """Return whom and when an item is about; None when it does not say."""
        moment = reading.read_instant(record, *_TIMES.get(unit.resource, ("date",)))
        recipient = reading.read_address(record.text("emailaddress", "bounceemail"))
        if moment is None or recipient is None:
            return None
        sender = reading.read_address(record.text("sender", "from") or unit.sender) or ""
        folded = {name.lower(): value for name, value in record.x_headers.items()}
        x_headers = orjson.dumps(folded, option=orjson.OPT_SORT_KEYS).decode()
        whose = Whose(self._owner, sender.lower(), recipient.lower(), x_headers)
        return _About(moment, whose, recipient, record.x_headers)

    def _ordinal(self, *words: str) -> int:
        return self._state.ordinal(_digest(self._owner, *words))


_TIMES = {
    Resource.SENT: ("mssenttime", "senttime", "date"),
    Resource.DELIVERED: ("mssenttime", "senttime", "date"),
    Resource.BOUNCES: ("bouncetime", "date"),
    Resource.COMPLAINTS: ("complainttime", "date"),
}


def _url(record: Record) -> str:
    return record.text("clicklink")[:MAX_URL]


def _visit_of(about: _About, kind: EventKind, url: str) -> Visit:
    return Visit(kind, url, int(about.moment.timestamp()) * 1000)


def _digest(*words: str) -> bytes:
    return hashlib.blake2b("\0".join(words).encode("utf-8", "replace"), digest_size=16).digest()
