"""The drain of a delivery process: one long-lived event loop in a thread of its own.

Celery wakes, it does not host: an SMTP time-out of minutes must not hold up its consumer, and its loss of the broker
must not hold up delivery.
"""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Sequence

import uvloop

from app.core.messages import Recorded
from app.delivery.drain import STOP_SECONDS, Drain
from app.kit import memory
from app.settings import Settings
from app.telemetry import counters

logger = logging.getLogger(__name__)


class DrainThread:
    """Runs a `Drain` beside Celery's main thread."""

    def __init__(self, settings: Settings) -> None:
        """Prepare; `start` starts."""
        self._settings = settings
        self._drain: Drain | None = None
        self._thread = threading.Thread(target=self._run, name="drain", daemon=True)
        self._ready = threading.Event()
        self._stopping = False

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def wake(self) -> None:
        """Look at the queue now."""
        if self._drain is not None:
            self._drain.wake()

    def stop(self) -> None:
        """Begin to stop: nothing more is claimed."""
        self._stopping = True
        self._ready.wait(STOP_SECONDS)
        if self._drain is not None:
            self._drain.stop()

    def join(self) -> None:
        """Wait until everything claimed is recorded or released, or its time is over."""
        self._thread.join(STOP_SECONDS + 1)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._work())
        except BaseException:
            logger.exception("the drain has failed")
        if not self._stopping:
            # Without its drain the process is of no use: it ends, and whoever supervises it starts another.
            os.kill(os.getpid(), signal.SIGTERM)

    async def _work(self) -> None:
        memory.settle()
        self._drain = Drain(self._settings, on_recorded=_count, on_sent=counters.observe_delivery)
        self._ready.set()
        await self._drain.run()


def _count(recorded: Sequence[Recorded]) -> None:
    for one in recorded:
        counters.count_messages(one.kind, one.state, one.copies)
        if one.bounce_type is not None and one.category is not None:
            counters.count_bounces(one.bounce_type, one.category, one.copies)


_current: DrainThread | None = None


def start(settings: Settings) -> DrainThread:
    """Start the drain of this process."""
    global _current  # noqa: PLW0603 a process has one, and the task that wakes it has no other way to it
    _current = DrainThread(settings)
    _current.start()
    return _current


def wake() -> None:
    """Wake the drain of this process, if it has one."""
    if _current is not None:
        _current.wake()


def stop() -> None:
    """Begin to stop the drain of this process."""
    if _current is not None:
        _current.stop()


def join() -> None:
    """Wait for the drain of this process to end."""
    if _current is not None:
        _current.join()
