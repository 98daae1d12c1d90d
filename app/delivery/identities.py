"""Senders as a delivery process knows them: domain, signer, hosts of their own; believed for a minute."""

import time
from collections import OrderedDict
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import senders
from app.db.unit_of_work import reading
from app.kit.secrets import Vault
from app.mail import dkim

BELIEVED_SECONDS = 60.0
REMEMBERED = 1_000


@dataclass(frozen=True, slots=True)
class Identity:
    """How a sender's mail is signed and shaped.

    Attributes:
        domain: Of the From address; warm-up plans go by it.
        signer: None: its mail is not signed.
        return_domain: Domain of the return path; empty: the installation's.
        tracking_domain: Host of links; empty: the installation's.
    """

    domain: str
    signer: dkim.Signer | None
    return_domain: str = ""
    tracking_domain: str = ""


class Identities:
    """The senders of one delivery process."""

    def __init__(self, engine: AsyncEngine, vault: Vault) -> None:
        """Prepare.

        Args:
            engine: Where senders and their keys are read.
            vault: Opens the keys.
        """
        self._engine = engine
        self._vault = vault
        self._known: OrderedDict[int, tuple[float, Identity]] = OrderedDict()

    def known(self, sender_id: int) -> Identity | None:
        """Return a sender that was asked for lately, however long ago that is."""
        known = self._known.get(sender_id)
        return known[1] if known is not None else None

    def return_domain(self, sender_id: int) -> str:
        """Return the domain of a sender's return path as it is known; empty: the installation's.

        Source:
            docs/contract/dyn-email.md, 14.
        """
        known = self.known(sender_id)
        return known.return_domain if known is not None else ""

    async def of(self, sender_id: int) -> Identity:
        """Return a sender, read again after a minute.

        Raises:
            DatabaseAway: PostgreSQL can't be reached.
            SecretUnreadable: Its key was sealed under a secret key that is not configured any more.
        """
        known = self._known.get(sender_id)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        async with reading(self._engine) as read:
            found = await senders.identity(read, self._vault, sender_id)
        signer = dkim.Signer(found.domain, found.selector, found.private_key) if found.private_key else None
        identity = Identity(found.domain, signer, found.return_domain, found.tracking_domain)
        self._known[sender_id] = (time.monotonic() + BELIEVED_SECONDS, identity)
        self._known.move_to_end(sender_id)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return identity
