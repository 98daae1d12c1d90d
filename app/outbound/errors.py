"""Why a call did not come about. Imports nothing of ours."""

REASON_LENGTH = 200


class OutboundError(Exception):
    """A call brought no answer.

    Attributes:
        reason: In a few words, fit for a customer's eyes.
    """

    def __init__(self, reason: str) -> None:
        """Keep the reason, shortened."""
        super().__init__(reason[:REASON_LENGTH])
        self.reason = reason[:REASON_LENGTH]


class Refused(OutboundError):
    """We do not call this: the URL is malformed, or leads where no call may go. Nothing was sent."""


class Failed(OutboundError):
    """The call was tried: no address, no connection, no HTTP."""


class TimedOut(Failed):
    """The call was tried, and its time is over."""
