"""What one listener and one session may do. Imports nothing of ours."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds; all times in seconds, all sizes in bytes. Source: RFC 5321, 4.5.3.

    Attributes:
        message_bytes: Largest mail; a larger one gets 552.
        kept_bytes: Of a mail's beginning what is kept; 0: all of it.
        buffered_bytes: Content that all sessions may hold together; beyond it 452.
        recipients: Most recipients of one mail; further ones get 452.
        connections: Sessions at once; further ones get 421.
        connections_per_address: Sessions of one address (IPv6: of one /64) at once; further ones get 421.
        commands: Commands of one session; then 421.
        idle_commands: Commands between two mails that bring neither closer, such as NOOP; then 421.
        mistakes: Refused commands of one session; then 421.
        command_seconds: How long a command may take to arrive, and a reply to be taken.
        content_seconds: How long the content of a mail may take to arrive.
        session_seconds: How long a session may take; a mail that has arrived is still answered.
        handshake_seconds: How long TLS may take to be agreed on.
        close_seconds: How long mails under way may take when the listener closes.
    """

    message_bytes: int = 26 * 1024 * 1024
    kept_bytes: int = 0
    buffered_bytes: int = 256 * 1024 * 1024
    recipients: int = 100
    connections: int = 200
    connections_per_address: int = 50
    commands: int = 100_000
    idle_commands: int = 100
    mistakes: int = 20
    command_seconds: float = 300.0
    content_seconds: float = 600.0
    session_seconds: float = 3600.0
    handshake_seconds: float = 30.0
    close_seconds: float = 10.0


class Budget:
    """Bytes that all sessions of a listener may hold together."""

    def __init__(self, total: int) -> None:
        """Begin with nothing taken.

        Args:
            total: Most bytes.
        """
        self.left = total

    def take(self, size: int) -> bool:
        """Take so many bytes; False when there are not as many, and then none is taken."""
        if size > self.left:
            return False
        self.left -= size
        return True

    def give_back(self, size: int) -> None:
        """Give back what was taken."""
        self.left += size
