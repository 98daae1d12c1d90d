"""One copy on its way to a server: what a session of `app.mail.smtp` asks for."""

from collections.abc import Callable
from dataclasses import dataclass

from app.core.messages import Copy
from app.mail.smtp.envelope import Withdrawn


@dataclass(frozen=True, slots=True)
class Obligations:
    """What is asked and told on the way of every copy of a process.

    Attributes:
        is_withdrawn: Tells whether a copy must not begin any more.
        journal: Notes message id and attempt before the final dot can reach the wire.
    """

    is_withdrawn: Callable[[Copy], bool]
    journal: Callable[[int, int], None]


class Transmission:
    """The transaction of one claimed copy; its bytes are made when the server waits for them (`SendJob`)."""

    __slots__ = ("_compose", "_obligations", "copy", "eightbit", "envelope_from", "recipient", "size", "smtputf8")

    def __init__(
        self,
        copy: Copy,
        compose: Callable[[], bytes],
        *,
        envelope_from: str,
        size: int,
        smtputf8: bool,
        eightbit: bool = False,
        obligations: Obligations,
    ) -> None:
        """Prepare.

        Args:
            copy: Which.
            compose: Makes the mail.
            envelope_from: Return path.
            size: Octets of the mail, or a little more.
            smtputf8: Whether its head or an address is not ASCII.
            eightbit: Whether its body holds octets above 127: only what a signature of its author covers does.
            obligations: What is asked and told on its way.
        """
        self.copy = copy
        self.recipient = copy.recipient
        self.envelope_from = envelope_from
        self.size = size
        self.smtputf8 = smtputf8
        self.eightbit = eightbit  # a head in UTF-8 needs SMTPUTF8
        self._compose = compose
        self._obligations = obligations

    def content(self) -> bytes:
        """Return the mail.

        Raises:
            Withdrawn: The run was paused or stopped meanwhile, or the process is stopping.
        """
        if self._obligations.is_withdrawn(self.copy):
            raise Withdrawn
        return self._compose()

    def before_final_dot(self) -> None:
        """Note in the journal that the copy is about to be in doubt."""
        self._obligations.journal(self.copy.message_id, self.copy.attempt)
