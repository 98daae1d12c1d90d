"""What submission decides over SMTP sessions: who may log in, and what becomes of a mail.

A mail is durable before its 250: the batcher writes many in one commit. Imports the listener's words, the core's front
doors, `app.db`, `app.mail`.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from ipaddress import ip_address
from typing import TypeVar

from app.core.accounts import Caller, KeyRing, LogIns, Scope
from app.core.errors import Forbidden, Overloaded, QuotaExceeded, Unauthenticated
from app.core.messages import Batcher, Draft, IssueDraft, email_id, tracking_of_raw
from app.core.senders import SenderBook
from app.db.engine import DatabaseAway
from app.kit.clock import Clock
from app.mail.raw import Malformed
from app.models.issue import IssueType
from app.models.message import Kind
from app.settings import Settings
from app.smtpd.service import Mail, Peer
from app.smtpd.submission import letters
from app.smtpd.submission.attempts import Attempts
from app.smtpd.submission.letters import Letter

Result = TypeVar("Result")
LARGE = 128 * 1024
"""Octets from which a mail is read in a thread: about a millisecond for the loop."""
OK = "250 2.1.0 Ok"
TRY_LATER = "451 4.3.0 Error: not possible at the moment, try again"
LOGIN_FIRST = "530 5.7.0 Error: authentication required"
_ISSUES = {"552": (IssueType.TOO_LARGE, letters.TOO_LARGE)}


@dataclass(slots=True)
class Client:
    """Who has logged in, and what is noted of the mail under way.

    Attributes:
        key: Through which the client acts.
        recipients: Asked for so far.
        told_too_many: Whether it was recorded that these are too many.
    """

    key: str
    recipients: int = 0
    told_too_many: bool = False


@dataclass(frozen=True, slots=True)
class Parts:
    """What of the process the desk works with."""

    settings: Settings
    keys: KeyRing
    logins: LogIns
    senders: SenderBook
    batcher: Batcher
    clock: Clock


class SubmissionDesk:
    """The service behind the listener."""

    def __init__(self, name: str, parts: Parts) -> None:
        """Take what it works with.

        Args:
            name: Ours, for the greeting.
            parts: Of the process.
        """
        self._name = name
        self._parts = parts
        self._settings = parts.settings
        self._attempts = Attempts(parts.settings.smtp.failed_logins)

    @property
    def name(self) -> str:
        """What the server calls itself."""
        return self._name

    def offers_login(self, peer: Peer) -> bool:
        """Offer it where nobody can listen, unless the settings allow more."""
        return peer.encrypted or self._settings.smtp.allow_plain_login or _is_loopback(peer.address)

    async def login(self, peer: Peer, username: str, password: str) -> str:
        """Check a user name with its password, or with a key of the account that may send."""
        async with self._attempts.turn(peer.address) as may_try:
            if not may_try:
                return "454 4.7.0 Error: too many failed logins, come back later"
            try:
                key = await self._parts.logins.key_of(username, password, Scope.SEND)
            except (Unauthenticated, Forbidden):
                self._attempts.failed(peer.address)
                return "535 5.7.8 Error: authentication failed"
            except DatabaseAway:
                return "454 4.7.0 Error: not possible at the moment, try again"
        peer.identity = Client(key)
        return "235 2.7.0 Authentication successful"

    async def sender(self, peer: Peer, address: str, size: int) -> str:
        """Begin a mail of somebody who has logged in; what counts is its From header."""
        del address, size
        client = peer.identity
        if client is None:
            return LOGIN_FIRST if self.offers_login(peer) else "530 5.7.0 Error: STARTTLS and authentication required"
        client.recipients, client.told_too_many = 0, False
        return OK

    async def recipient(self, peer: Peer, sender: str, address: str) -> str:
        """Take any address; whether it is suppressed is not told here."""
        client: Client = peer.identity
        client.recipients += 1
        if client.recipients > self._settings.send.max_recipients:
            if not client.told_too_many:
                client.told_too_many = True
                await self._record(client, sender, IssueType.TOO_MANY_RECIPIENTS, address, letters.TOO_MANY)
            return letters.TOO_MANY
        if letters.address_of(address) is None:
            await self._record(client, sender, IssueType.INVALID_RECIPIENT, address, letters.BAD_ADDRESS)
            return letters.BAD_ADDRESS
        return "250 2.1.5 Ok"

    async def refused(self, peer: Peer, sender: str, recipients: tuple[str, ...], reply: str) -> str:
        """Record what the listener refuses, in our words."""
        if reply.startswith("4") or peer.identity is None:
            return reply
        text = letters.MALFORMED.format(reply.partition(" ")[2].partition(" ")[2])
        kind, text = _ISSUES.get(reply[:3], (IssueType.INVALID_MESSAGE, text))
        await self._record(peer.identity, sender, kind, next(iter(recipients), ""), text)
        return text

    async def message(self, peer: Peer, mail: Mail) -> str:
        """Accept a mail or say why not, once either is durable."""
        received_at = self._parts.clock.now()
        client: Client = peer.identity
        given = [address for address in map(letters.address_of, mail.recipients) if address is not None]
        try:
            letter: Letter | Malformed
            if len(mail.raw) > LARGE:
                letter = await asyncio.to_thread(letters.read_letter, mail.raw, given)
            else:
                letter = letters.read_letter(mail.raw, given)
        except Malformed as error:
            letter = error
        try:
            if isinstance(letter, Malformed):
                reply, issue = letters.refused_mail(letter, given[0])
                refuse = partial(self._parts.batcher.refuse, sender=mail.sender, issues=(issue,), at=received_at)
                await self._acting(client, refuse)
                return reply
            return await self._acting(client, partial(self._hand_over, letter=letter, received_at=received_at))
        except (Unauthenticated, Forbidden):
            peer.identity = None
            return LOGIN_FIRST
        except (DatabaseAway, Overloaded):
            return TRY_LATER

    async def _hand_over(self, caller: Caller, letter: Letter, received_at: datetime) -> str:
        """Return what the client is told, once the mail or its refusal is durable.

        Raises:
            StaleCaller: The account has changed; nothing was written.
            Overloaded, DatabaseAway: Nothing was written.
        """
        parts = self._parts
        x_headers = letter.remembered(caller.x_headers)
        sender_id = None
        if letter.sender is not None:
            sender_id = await parts.senders.ready(caller.account_id, caller.revision, letter.sender.address)
        if sender_id is None:
            unapproved = IssueDraft(IssueType.UNAPPROVED_SENDER, letter.recipients[0], letters.NOT_APPROVED)
            await parts.batcher.refuse(
                caller, sender=letter.from_text, issues=(unapproved,), x_headers=x_headers, at=received_at
            )
            return letters.NOT_APPROVED
        tracked = await tracking_of_raw(caller, letter.mail, public_url=self._settings.public_url)
        draft = Draft(
            caller=caller,
            sender_id=sender_id,
            from_address=letter.from_text,
            kind=Kind.SMTP,
            lane=letter.lane,
            headers=letter.headers,
            text=None,
            html=None,
            recipients=letter.recipients,
            x_headers=x_headers,
            issues=(),
            received_at=received_at,
            tracking=tracked.tracking,
            links=tracked.links,
            raw=letter.mail.raw,
        )
        try:
            accepted = await parts.batcher.accept(draft)
        except QuotaExceeded:
            return letters.LIMIT_REACHED
        first = email_id(accepted.accepted_at, accepted.message_ids[0], self._settings.node_name)
        return f"250 2.0.0 Ok: queued as {first}"

    async def _acting(self, client: Client, act: Callable[[Caller], Awaitable[Result]]) -> Result:
        """Do something for a client as `KeyRing.acting` does.

        Raises:
            Unauthenticated, Forbidden: Its key opens nothing any more, or not this.
            Overloaded, DatabaseAway: As `act`.
        """
        keys = self._parts.keys
        caller = await keys.caller(client.key)
        caller.require(Scope.SEND)
        return await keys.acting(client.key, caller, Scope.SEND, act)

    async def _record(self, client: Client, sender: str, kind: IssueType, address: str, text: str) -> None:
        """Record a refusal; that it can't be recorded now changes nothing for the client."""
        issue = IssueDraft(kind, address[: letters.MAX_SHOWN], text)
        with contextlib.suppress(Unauthenticated, Forbidden, DatabaseAway, Overloaded):
            await self._acting(client, partial(self._parts.batcher.refuse, sender=sender, issues=(issue,)))


def _is_loopback(address: str) -> bool:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return bool(mapped.is_loopback if mapped is not None else parsed.is_loopback)
