"""What the intake decides over SMTP sessions: whose address, how many, and what a mail leads to.

Imports the listener's words, `app.core`, `app.db`, `app.telemetry`.
"""

from sqlalchemy.exc import DBAPIError

from app.core import intake
from app.core.intake import Destination, Purpose
from app.db.engine import DatabaseAway
from app.smtpd.intake.applying import Applier
from app.smtpd.pace import Pace
from app.smtpd.service import Mail, Peer
from app.telemetry import counters
from app.telemetry.logger import Logger

RETURN_PATHS = "dynrp."
"""How the names of customers' return paths begin (docs/contract/dyn-email.md, 14)."""
TRY_LATER = "451 4.3.0 not possible at the moment, try again"
_LOG = Logger(__name__)


class IntakeDesk:
    """The service behind the listener."""

    def __init__(self, name: str, bounce_domain: str, applier: Applier, *, mails_per_minute: int) -> None:
        """Take what it works with.

        Args:
            name: Ours, for the greeting.
            bounce_domain: Of the settings.
            applier: Does what follows.
            mails_per_minute: Of one client address; 0: no limit.
        """
        self._name = name
        self._domain = bounce_domain.lower().rstrip(".")
        self._applier = applier
        self._pace = Pace(mails_per_minute)

    @property
    def name(self) -> str:
        """What the server calls itself."""
        return self._name

    def offers_login(self, peer: Peer) -> bool:
        """Nobody has to log in to bring a report."""
        del peer
        return False

    async def login(self, peer: Peer, username: str, password: str) -> str:
        """Refuse: it is never offered."""
        del peer, username, password
        return "503 5.5.1 not offered"

    async def sender(self, peer: Peer, address: str, size: int) -> str:
        """Take a mail of anybody, so many a minute."""
        del address, size
        if not self._pace.take(peer.address):
            return "450 4.7.1 too many mails from you, come back later"
        return "250 2.1.0 OK"

    async def recipient(self, peer: Peer, sender: str, address: str) -> str:
        """Take a mail for an address of ours whose token was made by us."""
        del peer, sender
        where = intake.destination(self._applier.keys, address)
        if not self._is_ours(where, address.rpartition("@")[2].lower().rstrip(".")):
            return "550 5.7.1 relaying denied"
        if where is None:
            return "550 5.1.1 no such mailbox"
        return "250 2.1.5 OK"

    def _is_ours(self, where: Destination | None, domain: str) -> bool:
        """Tell whether a domain is ours, for an address there.

        A return path below a customer's domain is known by its token: nobody but us makes one, and it holds after the
        sender was changed or deleted, or its DNS record is not seen any more, while mail of it may still bounce.
        """
        if domain == self._domain:
            return True
        return domain.startswith(RETURN_PATHS) and where is not None and where.purpose is Purpose.REPORT

    async def refused(self, peer: Peer, sender: str, recipients: tuple[str, ...], reply: str) -> str:
        """Say what the listener says."""
        del peer, sender, recipients
        return reply

    async def message(self, peer: Peer, mail: Mail) -> str:
        """Do what follows from a mail; 250 once that is durable."""
        keys = self._applier.keys
        found = [intake.destination(keys, address) for address in mail.recipients]
        try:
            await self._applier.apply(mail.raw, mail.sender, [where for where in found if where is not None])
        except (DatabaseAway, DBAPIError, TimeoutError) as error:
            counters.count_intake("put_off")
            _LOG.warning("intake.put_off", client=peer.address, error=type(error).__name__, cause=_cause(error))
            return TRY_LATER
        return "250 2.0.0 taken"


def _cause(error: BaseException) -> str:
    """Return PostgreSQL's code of what an error began with, its kind without one; its text might name people."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(getattr(error, "sqlstate", None) or type(error).__name__)
