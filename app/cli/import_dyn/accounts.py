"""Accounts, keys, X-header names, senders and suppressions, through the core's verbs. Imports their front doors.

What is there already stays what it is: of an account that is known only what the source says is set, an entry of the
suppression list keeps its reason and time, a sender keeps its state.
"""

import secrets
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncEngine

from app.cli.import_dyn.reading import read_address, read_changes, read_instant, read_reason
from app.cli.import_dyn.source import Owner, Record
from app.core import accounts, contacts, senders, suppressions
from app.core.accounts import Account, Changes, Role
from app.core.errors import Conflict, Invalid, NotFound
from app.core.suppressions import NewEntry, Reason, key_of
from app.db.unit_of_work import WriteSession, reading, unit_of_work
from app.kit.secrets import Vault

MARKED = {"hardbounce", "softbounce", "complaint"}
"""Reasons that mark an address as bounced or complained."""


@dataclass(slots=True)
class Notes:
    """What became of what.

    Attributes:
        counts: `accounts.made` and the like.
        warnings: Sentences for people; the first hundred.
    """

    counts: Counter[str] = field(default_factory=Counter)
    warnings: list[str] = field(default_factory=list)

    def warn(self, sentence: str) -> None:
        """Note a sentence; all are counted."""
        self.counts["warnings"] += 1
        if len(self.warnings) < 100:  # noqa: PLR2004 told above
            self.warnings.append(sentence)


class Refused(Exception):
    """The import can't be begun; the text says why."""


class Accounts:
    """Writes into one installation, or only counts what it would write."""

    def __init__(self, engine: AsyncEngine, vault: Vault, notes: Notes, *, dry_run: bool, verification: bool) -> None:
        """Prepare.

        Args:
            engine: Of the installation.
            vault: Seals keys.
            notes: Takes what happened.
            dry_run: Whether nothing is to be written.
            verification: Whether new senders must prove themselves (`senders.require_verification`).
        """
        self._engine = engine
        self._vault = vault
        self._notes = notes
        self._dry_run = dry_run
        self._verification = verification

    async def master(self, owner: Owner, username: str) -> int:
        """Bring the master along; return its id here, 0 when it was not made because nothing is to be written.

        Args:
            owner: At the source.
            username: Of the account here that it becomes; "" for that of the same name, which is made when missing.

        Raises:
            Refused: There is no such account, or it can't be a master.
        """
        name = username or owner.username
        if not name:
            raise Refused("The source does not say what the master is called: give --account.")
        async with unit_of_work(self._engine) as write:
            known = await accounts.find_by_username(write, name)
            if known is None and (username or not owner.record.fields):
                raise Refused(f"There is no account {name}: give --account.")
            if known is not None and known.role == Role.SUB:
                raise Refused(f"{name} is a sub-account here.")
            return await self._save(write, owner, name, known, None)

    async def sub(self, owner: Owner, master_id: int) -> int | None:
        """Bring a sub-account along; return its id here, None when that can't be."""
        async with unit_of_work(self._engine) as write:
            known = await accounts.find_by_username(write, owner.username)
            if known is not None and known.parent_id != master_id:
                self._notes.warn(f"{owner.username} is an account of somebody else here; left out")
                return None
            if read_address(owner.username) is None:
                self._notes.warn(f"{owner.username!r} is no e-mail address; left out")
                return None
            return await self._save(write, owner, owner.username, known, master_id)

    async def x_headers(self, account_id: int, names: Sequence[str] | None) -> None:
        """Set the X-header names, if there are any at the source."""
        if not names or not any(names):
            return
        self._notes.counts["xheaders"] += 1
        if self._dry_run:
            return
        try:
            async with unit_of_work(self._engine) as write:
                await accounts.set_x_headers(write, account_id, names)
        except Invalid as error:
            self._notes.warn(f"X-headers of account {account_id}: {error}")

    async def senders(self, account_id: int, records: Sequence[Record]) -> list[str]:
        """Add senders that are missing; return the addresses of all."""
        addresses: list[str] = []
        async with unit_of_work(self._engine) as write:
            for record in records:
                address = read_address(record.text("emailaddress"))
                if address is None:
                    self._notes.counts["senders.not valid"] += 1
                    continue
                addresses.append(address)
                made = not account_id or await self._sender(write, account_id, address)
                self._notes.counts["senders.made" if made else "senders.existing"] += 1
        return addresses

    async def old_senders(self, account_id: int, addresses: Collection[str]) -> None:
        """Know senders that were deleted at the source: nobody can use them, but they have a history."""
        if self._dry_run:
            return
        async with unit_of_work(self._engine) as write:
            for address in addresses:
                if not await senders.ids_of(write, [account_id], address):
                    await senders.delete(
                        write, await senders.add(write, account_id, email=address, require_verification=True)
                    )
                    self._notes.counts["senders.deleted"] += 1

    async def suppressions(self, account_id: int, records: Sequence[Record], activated: Collection[str]) -> None:
        """Enter suppressions with their reasons and times; marks of those that were activated are cleared again."""
        entries: list[NewEntry] = []
        for record in records:
            address, reason = (
                read_address(record.text("emailaddress")),
                read_reason(record.text("reasontype", "reason")),
            )
            if address is None or reason is None:
                self._notes.counts["suppressions.not valid"] += 1
                continue
            entries.append(NewEntry(address, reason, created_at=read_instant(record, "suppresstime", "created_at")))
        if self._dry_run:
            self._notes.counts["suppressions.made"] += len(entries)
            return
        async with unit_of_work(self._engine) as write:
            known = await suppressions.reasons(write, account_id, [entry.address for entry in entries])
            fresh = [entry for entry in entries if known.get(key_of(entry.address)) in {None, Reason.UNSUBSCRIBE}]
            done = await contacts.suppress_many(write, account_id, fresh)  # others would be marked again
            clear = [address for address in done.added if address in activated]
            if clear:
                await suppressions.activate(write, account_id, clear)
        self._notes.counts["suppressions.made"] += len(done.added)
        self._notes.counts["suppressions.existing"] += len(entries) - len(done.added)

    async def _sender(self, write: WriteSession, account_id: int, address: str) -> bool:
        try:
            await senders.get(write, account_id, address)
        except NotFound:
            if not self._dry_run:
                await senders.add(write, account_id, email=address, require_verification=self._verification)
            return True
        return False

    async def _save(
        self, write: WriteSession, owner: Owner, username: str, known: Account | None, master_id: int | None
    ) -> int:
        """Make or change an account, and give it the key it had."""
        changes = read_changes(owner.record)
        self._notes.counts["accounts.made" if known is None else "accounts.existing"] += 1
        if self._dry_run:
            return known.id if known else 0
        if known is None:
            account = await self._make(write, owner, username, master_id, changes)
        else:
            account = known
            try:
                await accounts.change(write, account, **changes)
            except Conflict:
                changes.pop("account_name", None)
                await accounts.change(write, account, **changes)
        await self._key(write, account, owner, is_new=known is None)
        return account.id

    async def _make(
        self, write: WriteSession, owner: Owner, username: str, master_id: int | None, changes: Changes
    ) -> Account:
        password = owner.record.text("password") or secrets.token_urlsafe(24)
        given = {
            "username": username,
            "master_id": master_id,
            "password_hash": await accounts.hash_password(password),
            "created_at": read_instant(owner.record, "created"),
        }
        try:
            async with write.begin_nested():
                return await accounts.adopt(write, self._vault, **given, **changes)  # type: ignore[arg-type]  # by name
        except Conflict:
            changes.pop("account_name", None)
            self._notes.warn(f"{username}: its account name is taken; it is called by its user name")
            return await accounts.adopt(write, self._vault, **given, **changes)  # type: ignore[arg-type]  # by name

    async def _key(self, write: WriteSession, account: Account, owner: Owner, *, is_new: bool) -> None:
        if not owner.key:
            if is_new:
                self._notes.warn(f"{account.username}: the source does not tell its key; its clients need the new one")
            return
        try:
            async with write.begin_nested():
                changed = await accounts.adopt_key(write, self._vault, account.id, owner.key, keep_old=not is_new)
        except (Conflict, Invalid) as error:
            self._notes.warn(f"{account.username}: its key can't be taken over: {error}")
            return
        self._notes.counts["keys.taken over" if changed else "keys.existing"] += 1


async def sender_addresses(engine: AsyncEngine, account_id: int) -> list[str]:
    """Return the addresses of an account's senders."""
    found: list[str] = []
    async with reading(engine) as read:
        while page := await senders.list_page(read, account_id, offset=len(found), limit=500):
            found += [sender.email for sender in page]
    return found
