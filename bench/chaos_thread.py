"""Work beside the hands that kill: a coroutine in a thread with a loop of its own, told to stop by an event."""

import asyncio
import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

import uvloop

JOIN_SECONDS = 30.0


class Beside(ABC):
    """Runs `work` from the start of the block to its end; what it raises is raised at the end."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True, name=type(self).__name__)

    @abstractmethod
    async def work(self) -> None:
        """Do it until `stopping` is set."""

    @property
    def is_over(self) -> bool:
        """Whether the work has ended."""
        return not self._thread.is_alive()

    def finish(self) -> None:
        """Ask it to stop, and wait for it.

        Raises:
            TimeoutError: It does not stop.
            BaseException: What the work has raised.
        """
        self.stopping.set()
        self._thread.join(JOIN_SECONDS)
        if self._thread.is_alive():
            raise TimeoutError(f"{self._thread.name} does not end")
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self.work())
        except BaseException as error:  # noqa: BLE001 raised by `finish`, in the main thread
            self._error = error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stopping.set()
        self._thread.join(JOIN_SECONDS)
