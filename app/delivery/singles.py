"""Single mails: what is done between the claim of a copy and its SMTP transaction.

    load, compile, sign                once per mail, for all its copies
    return path, token, assemble       once per copy

Compiling and signing once is what makes a mail to a thousand recipients cost one signature: nothing that is signed
differs between its copies. A piece of a claim is compiled and signed by one thread while the piece before it is being
sent: signing is the real cost, and leaves Python meanwhile; a thread for each mail would cost more than it saves.

A mail that is tracked differs in every copy: it is compiled once, but its tokens are put in and the copy is signed
when the server waits for it, as copies of campaigns are.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypedDict

from app.core import messages
from app.core.messages import Content, Copy
from app.db.sql import Connection
from app.delivery.identities import Identities, Identity
from app.delivery.transmission import Obligations, Transmission
from app.kit.secrets import derive
from app.mail import compose, dkim, verp
from app.mail.campaign import Links
from app.mail.headers import header_lines
from app.mail.raw import Names, compile_raw, compile_raw_tracked, read_mail
from app.mail.tracked import CompiledTracked, Tracking, Tracks, compile_tracked
from app.mail.transfer import dot_stuff
from app.settings import Settings

ROOM_BYTES = 64 * 1024 * 1024
"""Bytes of mails in memory from which nothing more is loaded; one mail may be larger."""
SLICE_BYTES = 8 * 1024 * 1024
"""Bytes of mails loaded at a time."""
SLICE_MAILS = 25
"""Mails compiled and signed at a time."""


class ContentGone(LookupError):
    """Raised when a copy's content is not in the database any more."""


class _Names(TypedDict):
    """What a mail is called where its content says nothing of it."""

    message_id: str
    date: datetime
    boundary: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """A mail, compiled and signed.

    Attributes:
        compiled: Head and body.
        signature: DKIM-Signature line, empty without a key.
        eightbit: Whether its body holds octets above 127.
    """

    compiled: compose.Compiled
    signature: bytes
    eightbit: bool = False


@dataclass(frozen=True, slots=True)
class PreparedTracked:
    """A mail that is tracked, compiled.

    Attributes:
        compiled: What its copies share.
        signers: Of the sender; none without a key.
    """

    compiled: CompiledTracked
    signers: tuple[dkim.Signer, ...]

    @property
    def eightbit(self) -> bool:
        """Whether its body holds octets above 127."""
        return self.compiled.eightbit


@dataclass(slots=True)
class _Mail:
    """A mail in memory."""

    size: int
    prepared: Prepared | PreparedTracked | Exception
    users: int = 0
    """Claimed copies that have not been sent; while there are any it stays."""


class Composer:
    """Makes the bytes of copies. One per delivery process."""

    def __init__(self, settings: Settings, identities: Identities) -> None:
        """Prepare.

        Args:
            settings: `secret_keys`, `public_url`, `bounce_domain`, `node_name`.
            identities: Senders' keys and hosts.
        """
        self._settings = settings
        self._identities = identities
        self._token_key = derive(settings.secret_keys[0], "verp")
        self._links = Links(settings.public_url, settings.bounce_domain, derive(settings.secret_keys[0], "tracking"))
        self._mails: OrderedDict[int, _Mail] = OrderedDict()
        self._bytes = 0
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="composing")

    @property
    def is_crowded(self) -> bool:
        """Whether mails that are still to be sent fill the memory meant for them."""
        return self._bytes > ROOM_BYTES

    def slices(self, copies: Sequence[Copy]) -> Iterator[list[Copy]]:
        """Cut a claim into pieces that may be loaded at once, in order; a piece is at least one mail."""
        piece: list[Copy] = []
        size = 0
        counted: set[int] = set()
        for copy in copies:
            more = 0 if copy.mail_id in self._mails or copy.mail_id in counted else copy.size
            if piece and (size + more > SLICE_BYTES or len(counted) >= SLICE_MAILS):
                yield piece
                piece, size, counted = [], 0, set()
            piece.append(copy)
            counted.add(copy.mail_id)
            size += more
        if piece:
            yield piece

    async def load(self, connection: Connection, copies: Sequence[Copy]) -> None:
        """Load, compile and sign the mails of these copies that are not in memory; each copy is `done` with later."""
        # Also of mails in memory: a return path is made for each copy, of what is known of its sender by then.
        known = {sender_id: await self._identity(sender_id) for sender_id in {copy.sender_id for copy in copies}}
        wanted = {copy.mail_id: copy for copy in copies if copy.mail_id not in self._mails}
        if wanted:
            mails = [(copy.mail_id, copy.accepted_at) for copy in wanted.values()]
            found = {content.mail_id: content for content in await messages.contents(connection, mails)}
            work = [(copy, found.get(mail_id), known[copy.sender_id]) for mail_id, copy in wanted.items()]
            loop = asyncio.get_running_loop()
            for copy, prepared in await loop.run_in_executor(self._threads, self._prepare_all, work):
                mail = self._mails[copy.mail_id] = _Mail(_held(copy, prepared), prepared)
                self._bytes += mail.size
        for copy in copies:
            self._mails[copy.mail_id].users += 1

    def job(self, copy: Copy, obligations: Obligations) -> Transmission:
        """Return the SMTP transaction of a copy whose mail was loaded.

        Args:
            copy: Of `load`.
            obligations: What is asked and told on its way.

        Raises:
            ContentGone: The mail was not in the database.
            Exception: What went wrong when it was compiled.
        """
        prepared = self._mails[copy.mail_id].prepared
        if isinstance(prepared, Exception):
            raise prepared
        token = verp.encode(self._token_key, accepted_at=int(copy.accepted_at.timestamp()), message_id=copy.message_id)
        composing, size = _composing(copy, prepared, token)
        domain = self._identities.return_domain(copy.sender_id) or self._settings.bounce_domain
        return Transmission(
            copy,
            composing,
            envelope_from=verp.return_path(token, copy.recipient, domain),
            size=size,
            smtputf8=prepared.compiled.needs_smtputf8 or not copy.recipient.isascii(),
            eightbit=prepared.eightbit,
            obligations=obligations,
        )

    def done(self, copy: Copy) -> None:
        """Let go of a copy; its mail stays for others as long as there is room."""
        mail = self._mails[copy.mail_id]
        mail.users -= 1
        if mail.users == 0:
            self._mails.move_to_end(copy.mail_id)
            if isinstance(mail.prepared, Exception):
                self._bytes -= self._mails.pop(copy.mail_id).size  # the next attempt tries again
        while self._bytes > ROOM_BYTES // 2:
            oldest = next((mail_id for mail_id, mail in self._mails.items() if mail.users == 0), None)
            if oldest is None:
                return
            self._bytes -= self._mails.pop(oldest).size

    def close(self) -> None:
        """End the composing thread."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _identity(self, sender_id: int) -> Identity | ValueError:
        try:
            return await self._identities.of(sender_id)
        except ValueError as error:  # its key can't be opened, or not used: nobody else's mail waits for that
            return error

    def _prepare_all(
        self, work: Sequence[tuple[Copy, Content | None, Identity | ValueError]]
    ) -> list[tuple[Copy, Prepared | PreparedTracked | Exception]]:
        return [(copy, self._prepare(copy, content, identity)) for copy, content, identity in work]

    def _prepare(
        self, copy: Copy, content: Content | None, identity: Identity | ValueError
    ) -> Prepared | PreparedTracked | Exception:
        if content is None:
            return ContentGone(f"mail {copy.mail_id}")
        if isinstance(identity, ValueError):
            return identity
        try:
            if content.raw is not None:
                return self._prepare_raw(content, content.raw, copy, identity)
            said, names = self._said(content, copy)
            signer = identity.signer
            if content.tracking:
                tracking = self._tracking(content, identity)
                signers = (signer,) if signer is not None else ()
                return PreparedTracked(compile_tracked(said, tracking, **names), signers)
            compiled = compose.compile(said, **names)
            return Prepared(compiled, signer.sign(compiled.head, compiled.body) if signer is not None else b"")
        except Exception as error:  # noqa: BLE001 it is this mail's alone, and raised where its copies are sent
            return error

    def _prepare_raw(self, content: Content, raw: bytes, copy: Copy, identity: Identity) -> Prepared | PreparedTracked:
        mail, signer = read_mail(raw), identity.signer
        names = Names(self._message_id(content), content.accepted_at, self._feedback_id(content, copy))
        if content.tracking:
            signers = (signer,) if signer is not None else ()
            return PreparedTracked(compile_raw_tracked(mail, self._tracking(content, identity), names), signers)
        made = compile_raw(mail, names)
        signature = signer.sign(made.head, made.body) if signer is not None else b""
        compiled = compose.Compiled(made.head, dot_stuff(made.body), needs_smtputf8=not made.head.isascii())
        return Prepared(compiled, signature, made.eightbit)

    def _tracking(self, content: Content, identity: Identity) -> Tracking:
        return Tracking(Tracks(content.tracking), content.links, self._links.at(identity.tracking_domain))

    def _message_id(self, content: Content) -> str:
        return f"<{messages.email_id(content.accepted_at, content.mail_id, self._settings.bounce_domain)}>"

    def _feedback_id(self, content: Content, copy: Copy) -> str:
        # What, whose, which kind, who sends; complaint reports of large receivers group by it.
        return f"{content.mail_id}:{content.account_id}:{copy.kind}:{self._settings.node_name}"

    def _said(self, content: Content, copy: Copy) -> tuple[compose.Content, _Names]:
        boundary = verp.encode(
            self._token_key,
            accepted_at=int(content.accepted_at.timestamp()),
            message_id=content.mail_id,
            purpose=b"boundary",
        )
        headers = (*content.headers, ("Feedback-ID", self._feedback_id(content, copy)))
        said = compose.Content(headers, content.text, content.html)
        return said, {"message_id": self._message_id(content), "date": content.accepted_at, "boundary": f"=_{boundary}"}


def _held(copy: Copy, prepared: Prepared | PreparedTracked | Exception) -> int:
    """Return the octets a mail takes in memory; one that is tracked is kept in canonical form too."""
    return 2 * prepared.compiled.size if isinstance(prepared, PreparedTracked) else copy.size


def _composing(copy: Copy, prepared: Prepared | PreparedTracked, token: str) -> tuple[Callable[[], bytes], int]:
    """Return what makes the bytes of a copy, and how many they will be, or a few more."""
    if isinstance(prepared, PreparedTracked):
        tracked = prepared.compiled
        return partial(tracked.compose, copy.message_id, copy.accepted_at, token, prepared.signers), tracked.size
    extra = header_lines([("X-Trireme-Message", token)])
    compiled, signature = prepared.compiled, prepared.signature
    size = len(compiled.head) + len(compiled.body) + len(extra) + len(signature) + 2
    return partial(compose.assemble, compiled, extra, signature), size
