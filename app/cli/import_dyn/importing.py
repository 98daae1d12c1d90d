"""What comes in which order, and where it goes. Imports its siblings and ingest's front door."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from app.cli.import_dyn.accounts import MARKED, Accounts, Notes, sender_addresses
from app.cli.import_dyn.history import History, Taken
from app.cli.import_dyn.source import Owner, Record, Resource, Source, SourceFailed, Unit
from app.cli.import_dyn.state import State
from app.core import ingest

TELL_SECONDS = 2.0
"""Between two lines about progress."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted.

    Attributes:
        begin: Copies that were accepted before are left out, with what happened to them.
        account: User name of the account here that the master becomes; "" for that of the same name.
        old_senders: From addresses that have a history and are listed nowhere any more.
        with_history: Whether history is brought along.
        dry_run: Whether nothing is to be written.
    """

    begin: datetime
    account: str = ""
    old_senders: Sequence[str] = ()
    with_history: bool = True
    dry_run: bool = False


class Importing:
    """One import."""

    def __init__(
        self,
        *,
        engine: AsyncEngine,
        source: Source,
        state: State,
        accounts: Accounts,
        notes: Notes,
        wish: Wish,
        say: Callable[[str], None],
    ) -> None:
        """Prepare; `run` works.

        Args:
            engine: Of the installation.
            source: Where everything comes from.
            state: Of this import.
            accounts: Takes accounts and what belongs to them.
            notes: Takes what happened.
            wish: What is wanted.
            say: Takes lines about progress.
        """
        self._engine = engine
        self._source = source
        self._state = state
        self._accounts = accounts
        self._notes = notes
        self._wish = wish
        self._say = say
        self._told = 0.0

    async def run(self) -> None:
        """Bring everything along that is not there yet.

        Raises:
            SourceFailed: The source can't be read any more.
            Refused: It can't be begun.
            DatabaseAway: It can be begun again.
        """
        owners = await self._source.owners()
        master_id = await self._accounts.master(owners[0], self._wish.account)
        for number, owner in enumerate(owners):
            self._tell(f"{owner.username or 'master'}: account {number + 1} of {len(owners)}", always=True)
            account_id = master_id if number == 0 else await self._accounts.sub(owner, master_id)
            if account_id is None:
                continue
            if not owner.key and self._source.needs_keys:
                continue
            await self._belongings(owner, account_id)

    async def _belongings(self, owner: Owner, account_id: int) -> None:
        await self._accounts.x_headers(account_id, await self._source.x_headers(owner))
        addresses: list[str] = []
        async for page in self._source.pages(owner, Unit(Resource.SENDERS), ""):  # few, and their names are needed
            addresses += await self._accounts.senders(account_id, page.records)
            self._notes.counts["senders.not valid"] += page.unreadable
        await self._suppressions(owner, account_id)
        if self._wish.with_history:
            await self._accounts.old_senders(account_id, self._wish.old_senders)
            if not addresses and account_id:
                addresses = await sender_addresses(self._engine, account_id)
            names = list(dict.fromkeys(address.lower() for address in (*addresses, *self._wish.old_senders)))
            history = History(self._state, owner.username.lower(), account_id, self._wish.begin)
            for unit in self._source.history(names):
                await self._list(owner, unit, history)

    async def _suppressions(self, owner: Owner, account_id: int) -> None:
        unit = Unit(Resource.SUPPRESSIONS)
        name, (position, done) = self._name(owner, unit), self._state.position(self._name(owner, unit))
        if done:
            return
        async for page in self._source.pages(owner, unit, position):
            await self._accounts.suppressions(account_id, page.records, await self._activated(owner, page.records))
            self._notes.counts["suppressions.not valid"] += page.unreadable
            self._state.reached(name, page.position)
            self._tell(f"{name} {page.position}")
        self._state.reached(name, "", done=True)

    async def _activated(self, owner: Owner, records: Sequence[Record]) -> Collection[str]:
        marked = [one.text("emailaddress") for one in records if one.text("reasontype").lower() in MARKED]
        try:
            return await self._source.activated(owner, marked) if marked else ()
        except SourceFailed as error:
            self._notes.warn(f"{owner.username}: which addresses were activated is not known: {error}")
            return ()

    async def _list(self, owner: Owner, unit: Unit, history: History) -> None:
        name, (position, done) = self._name(owner, unit), self._state.position(self._name(owner, unit))
        if done:
            return
        async for page in self._source.pages(owner, unit, position):
            taken = history.take(unit, page.records)
            await self._record(taken)
            for what, count in taken.counts.items():
                self._notes.counts[f"history.{what}"] += count
            self._notes.counts["history.not valid"] += page.unreadable
            self._state.reached(name, page.position)
            self._tell(f"{name} {page.position}")
        self._state.reached(name, "", done=True)

    async def _record(self, taken: Taken) -> None:
        if self._wish.dry_run:
            return
        for start in range(0, len(taken.events), ingest.MAX_EVENTS):
            part = taken.events[start : start + ingest.MAX_EVENTS]
            outcome = await ingest.take_over(self._engine, part, now=datetime.now(UTC))
            self._notes.counts["history.rejected"] += len(outcome.rejected)
            for rejection in outcome.rejected[:10]:
                event = part[rejection.index]
                why = "; ".join(f"{fault.field} {fault.message}" for fault in rejection.faults)
                self._notes.warn(f"{event.kind} of {event.occurred_at.isoformat()}: {why}")

    def _name(self, owner: Owner, unit: Unit) -> str:
        return f"{owner.username.lower()} {unit.name}"

    def _tell(self, line: str, *, always: bool = False) -> None:
        now = time.monotonic()
        if always or now - self._told >= TELL_SECONDS:
            self._told = now
            self._say(line)
