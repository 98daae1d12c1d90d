"""What is done for one copy, step by step, between its claim and its SMTP transaction.

    content -> compile -> sign         once per mail, kept for its copies
    return path, token, assemble       once per copy

Compiling and signing once is what makes a mail to a thousand recipients cost one signature: nothing that is signed
differs between its copies.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import messages, senders
from app.core.messages import Copy
from app.db.sql import Connection
from app.db.unit_of_work import reading
from app.kit.secrets import Vault, derive
from app.mail import compose, dkim, verp
from app.mail.smtp.connection import SendJob
from app.settings import Settings

PREPARED_BYTES = 64 * 1024 * 1024
"""Most bytes of compiled mails kept in memory."""
SIGNER_SECONDS = 60.0
"""How long a sender's key is believed."""
SIGNERS = 1_000


class ContentGone(LookupError):
    """Raised when a copy's content is not in the database any more."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A mail, compiled and signed.

    Attributes:
        compiled: Head and body.
        signature: DKIM-Signature line, empty without a key.
    """

    compiled: compose.Compiled
    signature: bytes

    @property
    def size(self) -> int:
        """Bytes held."""
        return len(self.compiled.head) + len(self.compiled.body)


class Composer:
    """Makes the bytes of copies. One per delivery process."""

    def __init__(self, settings: Settings, engine: AsyncEngine, vault: Vault) -> None:
        """Prepare.

        Args:
            settings: `secret_keys`, `bounce_domain`, `node_name`.
            engine: Where senders' keys are read.
            vault: Opens them.
        """
        self._settings = settings
        self._engine = engine
        self._vault = vault
        self._token_key = derive(settings.secret_keys[0], "verp")
        self._mails: OrderedDict[int, Prepared] = OrderedDict()
        self._bytes = 0
        self._signers: OrderedDict[int, tuple[float, dkim.Signer | None]] = OrderedDict()

    async def load(self, connection: Connection, copies: Iterable[Copy]) -> None:
        """Compile and sign the mails of these copies that are not in memory, with one query for all."""
        wanted = {copy.mail_id: copy for copy in copies if copy.mail_id not in self._mails}
        if not wanted:
            return
        found = await messages.contents(connection, [(copy.mail_id, copy.accepted_at) for copy in wanted.values()])
        for content in found:
            copy = wanted[content.mail_id]
            signer = await self._signer(copy.sender_id)
            self._keep(content.mail_id, self._prepare(content, copy, signer))

    def job(self, copy: Copy, before_final_dot: Callable[[], None]) -> SendJob:
        """Return the SMTP transaction of a copy.

        Args:
            copy: Whose mail `load` has seen.
            before_final_dot: Called before the final dot can reach the wire.

        Raises:
            ContentGone: The mail was not in the database.
        """
        prepared = self._mails.get(copy.mail_id)
        if prepared is None:
            raise ContentGone(f"mail {copy.mail_id}")
        self._mails.move_to_end(copy.mail_id)
        token = verp.encode(self._token_key, accepted_at=int(copy.accepted_at.timestamp()), message_id=copy.message_id)
        return SendJob(
            envelope_from=verp.return_path(token, copy.recipient, self._settings.bounce_domain),
            recipient=copy.recipient,
            data=compose.assemble(prepared.compiled, [("X-Trireme-Message", token)], prepared.signature),
            smtputf8=prepared.compiled.needs_smtputf8 or not copy.recipient.isascii(),
            before_final_dot=before_final_dot,
        )

    def _prepare(self, content: messages.Content, copy: Copy, signer: dkim.Signer | None) -> Prepared:
        boundary = verp.encode(
            self._token_key,
            accepted_at=int(content.accepted_at.timestamp()),
            message_id=content.mail_id,
            purpose=b"boundary",
        )
        name = messages.email_id(content.accepted_at, content.mail_id, self._settings.bounce_domain)
        # Feedback-ID: what, whose, which kind, who sends; complaint reports of large receivers group by it.
        feedback = f"{content.mail_id}:{content.account_id}:{copy.kind}:{self._settings.node_name}"
        compiled = compose.compile(
            compose.Content((*content.headers, ("Feedback-ID", feedback)), content.text, content.html),
            message_id=f"<{name}>",
            date=content.accepted_at,
            boundary=f"=_{boundary}",
        )
        return Prepared(compiled, signer.sign(compiled.head, compiled.body) if signer is not None else b"")

    def _keep(self, mail_id: int, prepared: Prepared) -> None:
        self._mails[mail_id] = prepared
        self._bytes += prepared.size
        # The newest stays whatever its size; its copies are about to be sent.
        while self._bytes > PREPARED_BYTES and len(self._mails) > 1:
            self._bytes -= self._mails.popitem(last=False)[1].size

    async def _signer(self, sender_id: int) -> dkim.Signer | None:
        known = self._signers.get(sender_id)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        async with reading(self._engine) as read:
            key = await senders.signing_key(read, self._vault, sender_id)
        signer = dkim.Signer(*key) if key is not None else None
        self._signers[sender_id] = (time.monotonic() + SIGNER_SECONDS, signer)
        self._signers.move_to_end(sender_id)
        if len(self._signers) > SIGNERS:
            self._signers.popitem(last=False)
        return signer
