"""What a use of the listener has to decide. Imports nothing of ours."""

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol


@dataclass(slots=True)
class Peer:
    """The client of one session.

    Attributes:
        address: Its IP address.
        name: What it calls itself; empty before EHLO.
        encrypted: Whether TLS is spoken.
        identity: What `Service.login` noted; None before.
    """

    address: str
    name: str = ""
    encrypted: bool = False
    identity: Any = None


class Mail(NamedTuple):
    """One mail: envelope and bytes.

    Attributes:
        sender: Of the envelope; "" is the null sender.
        recipients: Of the envelope, those that were not refused, as given.
        raw: The content, dots undone; its beginning when it was `cut`.
        size: Bytes of the whole content.
        utf8: Whether SMTPUTF8 was asked for.
        cut: Whether `raw` is only the beginning.
    """

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    size: int
    utf8: bool = False
    cut: bool = False


class Service(Protocol):
    """Decides over sessions and mails.

    Each answer is a whole reply line, such as `250 2.1.5 OK`; one that begins with 4 or 5 refuses. What a method raises
    is logged, and the client hears 451.
    """

    @property
    def name(self) -> str:
        """What the server calls itself in its greeting."""
        ...

    def offers_login(self, peer: Peer) -> bool:
        """Whether AUTH is offered to this client now."""
        ...

    async def login(self, peer: Peer, username: str, password: str) -> str:
        """Check credentials, note whose they are in `peer.identity`, and reply: 235, 535 or 454."""
        ...

    async def sender(self, peer: Peer, address: str, size: int) -> str:
        """Reply to MAIL.

        Args:
            peer: The client.
            address: The envelope sender; "" is the null sender.
            size: What the client declared; 0: nothing.
        """
        ...

    async def recipient(self, peer: Peer, sender: str, address: str) -> str:
        """Reply to RCPT."""
        ...

    async def refused(self, peer: Peer, sender: str, recipients: tuple[str, ...], reply: str) -> str:
        """Learn that the listener refuses a mail whose octets it does not hand over; return what the client is told.

        Args:
            peer: The client.
            sender: Of the envelope.
            recipients: Of the envelope; none when MAIL already declared too much.
            reply: What it would be told: 552 too large, 452 no room now, 550 bare line ends.
        """
        ...

    async def message(self, peer: Peer, mail: Mail) -> str:
        """Keep or refuse a mail; 250 only once it is durable."""
        ...
