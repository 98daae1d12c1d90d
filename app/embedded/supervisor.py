"""Keeps children running: started in order, restarted with back-off, stopped in reverse order.

Knows nothing of what they do. Works in the main thread, because the kernel ties the parent-death signal to the thread
that started a child. Imports its siblings.
"""

import os
import selectors
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any, Protocol, Self

from app.embedded.errors import EmbeddedError
from app.embedded.output import Console

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
STEADY_SECONDS = 60.0
"""After this long without a failure the waits begin anew."""
LOOK_SECONDS = 0.25
STOP_SECONDS = 14.0
"""Everything is asked, and where need be forced, to stop by then."""
RESERVE_SECONDS = 0.6
"""What a stage leaves of the time for each stage after it."""
HOPELESS = 3
"""Failures of one child before everything was up once, after which the start is given up."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Runnable(Protocol):
    """What can be supervised: a part, or one of the embedded servers."""

    @property
    def pid(self) -> int:
        """The process id of the last start."""
        ...

    def start(self) -> object:
        """Start it, or start it again; raises `EmbeddedError` when it does not come up."""
        ...

    def poll(self) -> int | None:
        """Return the exit status once it has ended."""
        ...

    def ask(self) -> None:
        """Ask it to stop, without waiting."""
        ...

    def stop(self, timeout_seconds: float) -> int | None:
        """Stop it, by force when the time is over."""
        ...


@dataclass(slots=True)
class _Child:
    name: str
    stage: int
    runnable: Runnable
    started_at: float
    failures: int = 0
    due_at: float | None = None
    """When to start it again; None while it runs."""


class Supervisor:
    """The children of this process; a context manager that leaves none behind.

    Until `watch`, a signal ends the block by KeyboardInterrupt; in `watch` it ends `watch`; while stopping, a second
    one cuts the waiting short.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._children: list[_Child] = []
        self._asked = ""
        self._raises = True
        self._hurry = False
        self._handlers: dict[signal.Signals, Any] = {}
        self._wakeup_before = -1
        self._wake_reader, self._wake_writer = os.pipe()
        for end in (self._wake_reader, self._wake_writer):
            os.set_blocking(end, False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wake_reader, selectors.EVENT_READ)

    def __enter__(self) -> Self:
        for number in SIGNALS:
            # Started by nohup, the end of the terminal is not to stop us.
            if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                self._handlers[number] = signal.signal(number, self._on_signal)
        self._handlers[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        self._wakeup_before = signal.set_wakeup_fd(self._wake_writer, warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        self._raises = False
        self.stop()
        signal.set_wakeup_fd(self._wakeup_before)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._selector.close()
        os.close(self._wake_reader)
        os.close(self._wake_writer)

    def start(self, name: str, runnable: Runnable, *, stage: int) -> None:
        """Start a child for the first time.

        Args:
            name: Its name in the log.
            runnable: What to start.
            stage: Children of one stage stop together, those of higher stages before.

        Raises:
            EmbeddedError: It does not come up.
        """
        runnable.start()
        self._children.append(_Child(name, stage, runnable, time.monotonic()))

    def pid(self, name: str) -> int | None:
        """Return the process id of a child, None when there is no such child."""
        return next((child.runnable.pid for child in self._children if child.name == name), None)

    def wait_for(self, condition: Callable[[], bool], timeout_seconds: float) -> bool:
        """Keep everything running until the condition holds; false when the time is over.

        Raises:
            EmbeddedError: A child fails again and again.
        """
        deadline = time.monotonic() + timeout_seconds
        while not condition():
            self._look()
            if hopeless := next((child for child in self._children if child.failures >= HOPELESS), None):
                raise EmbeddedError(f"{hopeless.name} does not start; its log above says why")
            if time.monotonic() > deadline:
                return False
            self._rest(0.05)
        return True

    def watch(self, on_restart: Callable[[], None]) -> str:
        """Keep everything running until a signal asks to stop; return the signal's name.

        Args:
            on_restart: Called when a child has got a new process id.
        """
        self._raises = False
        while not self._asked:
            if self._look():
                on_restart()
            self._rest(LOOK_SECONDS)
        return self._asked

    def stop(self) -> None:
        """Stop every child, the last stage first, within `STOP_SECONDS` in all."""
        end = time.monotonic() + STOP_SECONDS
        stages = sorted({child.stage for child in self._children}, reverse=True)
        for position, stage in enumerate(stages):
            running = [child for child in self._children if child.stage == stage]
            for child in running:
                child.runnable.ask()
            deadline = end - RESERVE_SECONDS * (len(stages) - 1 - position)
            while any(child.runnable.poll() is None for child in running) and time.monotonic() < deadline:
                if self._hurry:
                    break
                self._rest(0.05)
            for child in running:
                if child.runnable.poll() is None:
                    self._console.say(f"{child.name} did not stop in time and is ended by force")
                child.runnable.stop(0.0)
        self._children.clear()

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self._hurry = bool(self._asked)
        self._asked = signal.Signals(number).name
        if self._raises:
            raise KeyboardInterrupt(self._asked)

    def _rest(self, seconds: float) -> None:
        """Sleep until something happens: a signal, the end of a child, or the time is over."""
        if self._selector.select(seconds):
            os.read(self._wake_reader, 4096)

    def _look(self) -> bool:
        """Notice children that have ended, and start again those whose wait is over; true when one was started."""
        now = time.monotonic()
        restarted = False
        for child in self._children:
            if child.due_at is None and (status := child.runnable.poll()) is not None:
                self._note_end(child, status, now)
            if child.due_at is not None and child.due_at <= now:
                restarted = self._start_again(child) or restarted
        return restarted

    def _note_end(self, child: _Child, status: int, now: float) -> None:
        if now - child.started_at > STEADY_SECONDS:
            child.failures = 0
        wait = FIRST_WAIT_SECONDS * 2**child.failures
        child.failures += 1
        child.due_at = now + min(wait, LONGEST_WAIT_SECONDS)
        how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        self._console.say(f"{child.name} {how}; starting it again in {child.due_at - now:.1f} s")

    def _start_again(self, child: _Child) -> bool:
        child.started_at = time.monotonic()
        try:
            child.runnable.start()
        except EmbeddedError as error:
            child.failures += 1
            wait = min(FIRST_WAIT_SECONDS * 2**child.failures, LONGEST_WAIT_SECONDS)
            child.due_at = time.monotonic() + wait
            self._console.say(f"{child.name} did not start, next try in {wait:.1f} s: {error}")
            return False
        child.due_at = None
        self._console.say(f"{child.name} runs again as process {child.runnable.pid}")
        return True
