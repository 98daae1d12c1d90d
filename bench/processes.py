"""Processes of a benchmark: started with a parent-death signal, so that nothing outlives it."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from app.embedded import child
from app.settings import environment

STOP_SECONDS = 20.0
READY_SECONDS = 60.0


class Process(AbstractContextManager["Process"]):
    """A Python module in a process of its own, stopped with the block."""

    def __init__(self, *arguments: object, variables: Mapping[str, str] | None = None, log: Path | None = None) -> None:
        """Start it.

        Args:
            arguments: What follows `python -m`.
            variables: Added to the environment.
            log: Where its output goes; without one it is read by `lines` or `result`.
        """
        self.log = log
        command = [sys.executable, "-m", *map(str, arguments)]
        everything = environment() | dict(variables or {}) | {"PYTHONUNBUFFERED": "1"}
        if log is None:
            self._process = child.spawn(command, output=subprocess.PIPE, variables=everything)
        else:
            with log.open("ab") as file:
                self._process = child.spawn(command, output=file, variables=everything)

    @property
    def pid(self) -> int:
        """Its id."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """Its exit status once it has ended."""
        return self._process.poll()

    def line(self) -> str:
        """Return the next line of its output."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().decode().strip()

    def result(self) -> dict[str, Any]:
        """Wait for its end and return the JSON object in its last line.

        Raises:
            RuntimeError: It has failed.
        """
        output = self._process.communicate(timeout=600)[0].decode()
        if self._process.returncode:
            raise RuntimeError(output)
        found: dict[str, Any] = json.loads(output.splitlines()[-1])
        return found

    def has_logged(self, text: str) -> bool:
        """Tell whether the text is in its log."""
        return self.log is not None and text in self.log.read_text(errors="replace")

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds, which this process is to bring about.

        Raises:
            RuntimeError: It has ended, or the time is over.
        """
        deadline = time.monotonic() + READY_SECONDS
        while not condition():
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = self.log.read_text(errors="replace")[-3000:] if self.log else ""
                raise RuntimeError(f"a process did not get ready:\n{said}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Ask it to end, and kill it when it does not."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
        child.stop(self._process, signal.SIGTERM, STOP_SECONDS)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def wait_until(what: str, condition: Callable[[], bool], seconds: float, *, every: float = 0.02) -> None:
    """Wait until something holds.

    Raises:
        TimeoutError: It does not.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come within {seconds:g} s")
        time.sleep(every)


def results(commands: Sequence[Sequence[object]]) -> list[dict[str, Any]]:
    """Run modules at the same time and return what each has measured."""
    running = [Process(*command) for command in commands]
    try:
        return [process.result() for process in running]
    finally:
        for process in running:
            process.stop()
