"""What a session asks of its pool, and the pool of its sessions. May import `app.mail.smtp` below `connection`.

A session that is ready asks for the next message itself: nothing waits for anything, and a message costs neither a
task nor a future.
"""

from typing import Protocol

from app.mail.smtp.envelope import SendJob
from app.mail.smtp.outcome import Outcome


class Session(Protocol):
    """One session with one host; sends one message at a time."""

    def start(self, job: SendJob) -> None:
        """Send a first message, then go on with what the owner has."""
        ...

    def wake(self) -> None:
        """Ask the owner for a message, if resting."""
        ...

    def finish(self) -> None:
        """End what has begun, then close; a resting session closes now."""
        ...

    def abort(self, reason: str) -> None:
        """Close at once; a message whose content has not been touched is given back, another settled."""
        ...


class Owner(Protocol):
    """What a session works for. Called on the loop; each job is settled, given back or taken over exactly once."""

    @property
    def max_per_connection(self) -> int:
        """Messages after which a session is closed."""
        ...

    @property
    def idle_seconds(self) -> float:
        """How long a session may rest."""
        ...

    def next_job(self, session: Session) -> SendJob | None:
        """Return the next message; None: there is nothing now, or the session has been told to finish."""
        ...

    def settle(self, job: SendJob, outcome: Outcome) -> None:
        """Take the outcome of a message."""
        ...

    def give_back(self, job: SendJob) -> None:
        """Take back a message of whose content nothing was sent."""
        ...

    def retry(self, job: SendJob) -> bool:
        """Take over a message that another session may send, because this one ended before it was begun.

        Returns:
            False when it has been tried often enough: it is still the caller's.
        """
        ...

    def resting(self, session: Session) -> None:
        """Note that a session has nothing to do."""
        ...

    def ended(self, session: Session) -> None:
        """Note that a session is no more; nothing else comes from it."""
        ...

    def wake(self) -> None:
        """Let resting sessions ask again."""
        ...
