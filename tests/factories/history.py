"""History: copies laid down in the ledger at a time of one's choice, and what happened to them, with all counters.

    copy = await make.delivered(account.id, sender_id, at, "ann@example.org")
    await make.opened(copy, at + timedelta(hours=1), ip="192.0.2.7")

Every event counts in the hour and on the day of its own time, a blocked copy in those of its acceptance. For tests of
what is read; how such rows come about by themselves is tested where they are written. Nothing here suppresses anybody.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Unpack

from sqlalchemy import func, insert, update
from sqlalchemy.dialects.postgresql import insert as upsert

from app.db.unit_of_work import WriteSession, unit_of_work
from app.models import (
    Bounce,
    Click,
    Complaint,
    DailyCount,
    Engagement,
    HourlyCount,
    LinkClick,
    Message,
    Open,
    Unsubscription,
)
from app.models.message import State
from app.models.opens import EVENT_IDS
from app.models.unsubscription import Means
from tests.factories.copies import CopyFactory, CopyFields, CopySpec

ROWS = 1000
"""Per statement."""


@dataclass(frozen=True, slots=True)
class LaidCopy:
    """A copy that is in the ledger."""

    message_id: int
    spec: CopySpec

    @property
    def accepted_at(self) -> datetime:
        """Second of acceptance: the partition of the copy and of what happens to it."""
        return self.spec.accepted_at.replace(microsecond=0)

    def key(self) -> dict[str, object]:
        """Return the columns that every companion row shares."""
        return {
            "message_id": self.message_id,
            "accepted_at": self.accepted_at,
            "account_id": self.spec.account_id,
            "sender_id": self.spec.sender_id,
        }

    def event(self) -> dict[str, object]:
        """Return the same for an event, which knows the run of its copy."""
        return {**self.key(), "run_id": self.spec.extra.get("run_id")}


@dataclass(frozen=True, slots=True)
class BounceSpec:
    """One bounce that should have been recorded."""

    at: datetime
    type: str = "hard"
    category: str = "bad-mailbox"
    code: str = "5.1.1"
    regex_name: str = "badmailbox03"
    diagnostic: str = "550 5.1.1 User unknown"
    content: str = "Return-Path: <>\n\n550 5.1.1 User unknown"
    postback_at: datetime | None = None


_Tally = Counter[tuple[int, int, datetime, str]]


class HistoryFactory(CopyFactory):
    """Makes copies and their events; whatever it returns is committed."""

    async def lay(self, specs: Iterable[CopySpec]) -> list[LaidCopy]:
        """Write copies as they are specified, and count them."""
        specs = list(specs)
        ids = await self.copies(specs)
        return [LaidCopy(id_, spec) for id_, spec in zip(ids, specs, strict=True)]

    async def sent(
        self,
        account_id: int,
        sender_id: int,
        at: datetime,
        recipient: str = "recipient1@example.com",
        **fields: Unpack[CopyFields],
    ) -> LaidCopy:
        """Write a copy that was accepted and is still on its way (unless `fields` say otherwise)."""
        given: CopyFields = {"delivered": False, **fields}
        return (await self.lay([CopySpec(account_id, sender_id, at, recipient, **given)]))[0]

    async def delivered(
        self,
        account_id: int,
        sender_id: int,
        at: datetime,
        recipient: str = "recipient1@example.com",
        **fields: Unpack[CopyFields],
    ) -> LaidCopy:
        """Write a copy that was accepted and delivered in the same second."""
        fields["delivered"] = True
        return await self.sent(account_id, sender_id, at, recipient, **fields)

    async def blocked(
        self,
        account_id: int,
        sender_id: int,
        at: datetime,
        recipient: str = "recipient1@example.com",
        *,
        reason: str = "manual",
        finished_at: datetime | None = None,
        postback_at: datetime | None = None,
        **fields: Unpack[CopyFields],
    ) -> LaidCopy:
        """Write a copy that was blocked: at once, or at a later attempt (`finished_at`)."""
        extra = {"finished_at": finished_at or at, "postback_at": postback_at, **fields.get("extra", {})}
        given: CopyFields = {**fields, "delivered": False, "blocked_reason": reason, "extra": extra}
        return await self.sent(account_id, sender_id, at, recipient, **given)

    async def bounced(self, copy: LaidCopy, bounce: BounceSpec) -> None:
        """Record the bounce of a copy; it may have been delivered before."""
        await self.bounces([(copy, bounce)])

    async def bounces(self, given: Sequence[tuple[LaidCopy, BounceSpec]]) -> None:
        """Record many bounces."""
        tally: _Tally = Counter()
        async with unit_of_work(self.engine) as write:
            for start in range(0, len(given), ROWS):
                part = given[start : start + ROWS]
                await write.execute(insert(Bounce), [_bounce_row(copy, bounce) for copy, bounce in part])
            for copy, bounce in given:
                ended = {"bounced_at": bounce.at, "finished_at": bounce.at, "state": State.BOUNCED}
                mine = (Message.id == copy.message_id) & (Message.accepted_at == copy.accepted_at)
                await write.execute(update(Message).where(mine).values(ended))
                tally[_cell(copy, bounce.at, f"{bounce.type}_bounces")] += 1
            await _count(write, tally)

    async def opened(self, copy: LaidCopy, at: datetime, *, ip: str = "192.0.2.1", user_agent: str = "test") -> None:
        """Record an open; the first one of a copy, which has to be given first, is its unique one."""
        async with unit_of_work(self.engine) as write:
            await write.execute(insert(Open).values(_visit(copy, at, ip, user_agent)))
            first = {**copy.event(), "opens": 1, "opened_at": at, "open_ip": ip}
            more = {
                "opens": Engagement.opens + 1,
                "opened_at": func.coalesce(Engagement.opened_at, at),
                "open_ip": func.coalesce(func.nullif(Engagement.open_ip, ""), ip),
            }
            made = upsert(Engagement).values(first)
            made = made.on_conflict_do_update(index_elements=["message_id", "accepted_at"], set_=more)
            opens = (await write.execute(made.returning(Engagement.opens))).scalar_one()
            await _count(write, _tally(copy, at, "opens", *(["unique_opens"] if opens == 1 else [])))

    async def clicked(
        self,
        copy: LaidCopy,
        at: datetime,
        url: str = "https://example.com/",
        *,
        link: int = 0,
        ip: str = "192.0.2.1",
        user_agent: str = "test",
    ) -> None:
        """Record a click; the first one of a link of a copy, which has to be given first, is its unique one."""
        async with unit_of_work(self.engine) as write:
            await write.execute(insert(Click).values({**_visit(copy, at, ip, user_agent), "link": link, "url": url}))
            whole = upsert(Engagement).values({**copy.event(), "clicks": 1, "clicked_at": at})
            more = {"clicks": Engagement.clicks + 1, "clicked_at": func.coalesce(Engagement.clicked_at, at)}
            await write.execute(whole.on_conflict_do_update(index_elements=["message_id", "accepted_at"], set_=more))
            row = {**copy.event(), "link": link, "url": url, "clicks": 1, "clicked_at": at, "ip": ip}
            made = upsert(LinkClick).values(row)
            keys = ["message_id", "accepted_at", "link"]
            made = made.on_conflict_do_update(index_elements=keys, set_={"clicks": LinkClick.clicks + 1})
            clicks = (await write.execute(made.returning(LinkClick.clicks))).scalar_one()
            await _count(write, _tally(copy, at, "clicks", *(["unique_clicks"] if clicks == 1 else [])))

    async def complained(
        self, copy: LaidCopy, at: datetime, *, source: str = "example.org", content: str = "Feedback-Type: abuse"
    ) -> None:
        """Record the complaint about a copy."""
        row = {
            **copy.event(),
            **_whom(copy),
            "complained_at": at,
            "source": source,
            "full_content": content,
        }
        async with unit_of_work(self.engine) as write:
            await write.execute(insert(Complaint).values(row))
            await _count(write, _tally(copy, at, "complaints"))

    async def unsubscribed(self, copy: LaidCopy, at: datetime, *, means: Means = Means.PAGE) -> None:
        """Record an unsubscription through a copy."""
        row = {**_visit(copy, at, "192.0.2.1", "test"), **_whom(copy), "means": means}
        row.pop("machine")
        async with unit_of_work(self.engine) as write:
            await write.execute(insert(Unsubscription).values(row))
            await _count(write, _tally(copy, at, "unsubscribes"))


def _bounce_row(copy: LaidCopy, bounce: BounceSpec) -> dict[str, object]:
    return {
        **copy.key(),
        **_whom(copy),
        "bounced_at": bounce.at,
        "bounce_type": bounce.type,
        "category": bounce.category,
        "code": bounce.code,
        "regex_name": bounce.regex_name,
        "diagnostic": bounce.diagnostic,
        "full_content": bounce.content,
        "postback_at": bounce.postback_at,
    }


def _whom(copy: LaidCopy) -> dict[str, object]:
    return {"recipient": copy.spec.recipient, "x_headers": copy.spec.x_headers}


def _visit(copy: LaidCopy, at: datetime, ip: str, user_agent: str) -> dict[str, object]:
    visit = {"occurred_at": at, "ip": ip, "user_agent": user_agent, "machine": False}
    return {**copy.event(), "id": EVENT_IDS.next_value(), **visit}


def _cell(copy: LaidCopy, at: datetime, column: str) -> tuple[int, int, datetime, str]:
    hour = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return copy.spec.account_id, copy.spec.sender_id, hour, column


def _tally(copy: LaidCopy, at: datetime, *columns: str) -> _Tally:
    return Counter(_cell(copy, at, column) for column in columns)


async def _count(write: WriteSession, tally: Mapping[tuple[int, int, datetime, str], int]) -> None:
    """Raise the counters of hours and days."""
    for (account_id, sender_id, hour, column), events in sorted(tally.items()):
        whose = {"account_id": account_id, "sender_id": sender_id}
        for model, when in ((HourlyCount, {"hour": hour}), (DailyCount, {"day": hour.date()})):
            counted = upsert(model).values({**whose, **when, column: events})
            more = {column: getattr(model, column) + events}
            await write.execute(counted.on_conflict_do_update(index_elements=[*whose, *when], set_=more))
