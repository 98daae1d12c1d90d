"""Which host of a route the next session is opened with; those that failed are left alone for a while.

May import `app.mail.smtp` (not `pool`) and the standard library.
"""

import ssl
from collections import Counter
from collections.abc import Iterable
from time import monotonic

from app.mail.smtp.connection import Owner, Session, connect
from app.mail.smtp.outcome import Outcome, Status, from_us
from app.mail.smtp.routes import Host, Route

FIRST_PAUSE = 1.0
"""How long a host is left alone after a failure to open a session, in seconds; doubled each time it fails again."""
MAX_PAUSE = 60.0
"""Longest such pause, in seconds."""


class Pauses:
    """The pauses of one pool's hosts."""

    def __init__(self) -> None:
        self._pauses: dict[Host, tuple[float, float, Outcome]] = {}

    def of(self, host: Host) -> Outcome | None:
        """Return why a host is being left alone now, if it is."""
        pause = self._pauses.get(host)
        return pause[2] if pause is not None and pause[0] > monotonic() else None

    def of_all(self, hosts: Iterable[Host]) -> Outcome | None:
        """Return why there is no host that could be tried now; None: there is one."""
        outcome: Outcome | None = None
        for host in hosts if self._pauses else ():
            outcome = self.of(host)
            if outcome is None:
                return None
        return outcome

    def begin(self, host: Host, outcome: Outcome) -> None:
        """Leave a host alone from now on."""
        until, length, _ = self._pauses.get(host, (0.0, 0.0, outcome))
        now = monotonic()
        if until <= now:  # else: another session has just counted the same failure
            length = min(max(length * 2, FIRST_PAUSE), MAX_PAUSE)
            self._pauses[host] = (now + length, length, outcome)

    def end(self, host: Host) -> None:
        """Note that a session was opened."""
        self._pauses.pop(host, None)


class Opener:
    """Opens the sessions of one pool and remembers how many there are with each host."""

    def __init__(
        self,
        route: Route,
        *,
        helo_name: str,
        connect_timeout: float,
        reply_timeout: float,
        tls_context: ssl.SSLContext | None,
        source_address: str,
    ) -> None:
        """Prepare; the arguments are those of `Pool`."""
        self.route = route
        """May be replaced by one of the same key: the next session is opened by it."""
        self._pauses = Pauses()
        self._live: Counter[Host] = Counter()
        self._helo_name = helo_name
        self._connect_timeout = connect_timeout
        self._reply_timeout = reply_timeout
        self._tls_context = tls_context
        self._source_address = source_address

    @property
    def hopeless(self) -> Outcome | None:
        """Why no host can be tried now; None: there is one."""
        return self._pauses.of_all(self.route.hosts)

    async def open(self, owner: Owner) -> tuple[Session, Host] | Outcome:
        """Open a session with the first host that works; hosts that failed lately are left out."""
        outcome: Outcome | None = None
        for host in self.route.order():
            pause = self._pauses.of(host)
            if pause is not None:
                outcome = pause
                continue
            opened = await connect(
                self.route,
                host,
                owner,
                helo_name=self._helo_name,
                connect_timeout=self._connect_timeout,
                reply_timeout=self._reply_timeout,
                tls_context=self._tls_context,
                source_address=self._source_address,
            )
            if not isinstance(opened, Outcome):
                self._pauses.end(host)
                self._live[host] += 1
                return opened, host
            outcome = opened
            if self._live[host] <= 0:  # while sessions with it work, it is only one too many
                self._pauses.begin(host, opened)
        return outcome or from_us(Status.DEFERRED, "4.4.1", "the route has no host")

    def ended(self, host: Host) -> None:
        """Note that a session with a host is no more."""
        self._live[host] -= 1
