"""A command as a child of the supervisor. Imports its siblings."""

import signal
import subprocess
from collections.abc import Mapping, Sequence

from app.embedded import child
from app.embedded.errors import EmbeddedError


class Part:
    """One part of the product in a process of its own; whatever it has started ends with it."""

    def __init__(self, arguments: Sequence[str], variables: Mapping[str, str], output: int) -> None:
        """Describe the part.

        Args:
            arguments: The program by its full path, and its arguments.
            variables: Its whole environment.
            output: The descriptor it writes its log to.
        """
        self._arguments = list(arguments)
        self._variables = variables
        self._output = output
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id of the last start.

        Raises:
            EmbeddedError: It was not started.
        """
        if self._process is None:
            raise EmbeddedError("the part was not started")
        return self._process.pid

    def start(self) -> None:
        """Start the command; what its last run has left behind ends first."""
        if self._process is not None:
            child.kill_session(self._process)
        self._process = child.spawn(self._arguments, output=self._output, variables=self._variables)

    def poll(self) -> int | None:
        """Return the exit status once it has ended."""
        return self._process.poll() if self._process else None

    def ask(self) -> None:
        """Ask it to stop, without waiting."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def stop(self, timeout_seconds: float = 10.0) -> int | None:
        """Stop it, by force when the time is over; return its exit status."""
        return child.stop(self._process, signal.SIGTERM, timeout_seconds) if self._process else None
