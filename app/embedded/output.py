"""Gathers what children write and prints it line by line, each line with the name of its part.

A thread of its own reads the pipes, so that no child waits while the supervisor starts another. Imports nothing of
ours.
"""

import os
import selectors
import sys
import threading
from typing import IO

LONGEST_LINE = 64 * 1024
"""Bytes; a longer line is printed in pieces."""
NAME_WIDTH = 11
COLOURS = {"api": 36, "delivery": 32, "worker": 33, "scheduler": 35, "sandbox": 34, "postgres": 90, "valkey": 90}
DRAIN_SECONDS = 2.0


class Console:
    """Where all lines of one supervisor go."""

    def __init__(self, target: IO[bytes] | None = None, *, colour: bool | None = None) -> None:
        """Open the console.

        Args:
            target: Takes the bytes; None: standard output.
            colour: None: when the target is a terminal.
        """
        self._target = target or sys.stdout.buffer
        self._colour = self._target.isatty() if colour is None else colour
        self._selector = selectors.DefaultSelector()
        self._pending: dict[str, bytearray] = {}
        self._writers: dict[str, int] = {}
        self._lock = threading.Lock()
        self._read_end, self._write_end = os.pipe()
        self._selector.register(self._read_end, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._pump, name="console", daemon=True)
        self._thread.start()

    def channel(self, name: str) -> int:
        """Return the descriptor a part writes to; the same for the same name."""
        if name not in self._writers:
            reader, self._writers[name] = os.pipe()
            os.set_blocking(reader, False)
            self._pending[name] = bytearray()
            self._selector.register(reader, selectors.EVENT_READ, name)
            os.write(self._write_end, b"+")
        return self._writers[name]

    def say(self, text: str, name: str = "trireme") -> None:
        """Print lines of the supervisor's own."""
        for line in text.splitlines():
            self._print(name, line.encode(errors="replace"))

    def plain(self, text: str) -> None:
        """Print text as it is, for what people copy."""
        self._write(text.encode(errors="replace") + b"\n")

    def close(self) -> None:
        """Print what is left and end the thread; the children have ended before."""
        os.write(self._write_end, b".")
        self._thread.join(DRAIN_SECONDS)
        if self._thread.is_alive():
            # Whoever reads us has stopped reading; the thread ends with the process.
            return
        for key in list(self._selector.get_map().values()):
            os.close(key.fd)
        self._selector.close()
        for writer in (*self._writers.values(), self._write_end):
            os.close(writer)

    def _pump(self) -> None:
        closing = False
        while True:
            events = self._selector.select(0 if closing else None)
            if closing and not any(key.data for key, _ in events):
                break
            for key, _ in events:
                if key.data is None:
                    closing = b"." in os.read(key.fd, 64) or closing
                else:
                    self._take(key.data, key.fd)
        for name, rest in self._pending.items():
            if rest:
                self._print(name, bytes(rest))

    def _take(self, name: str, reader: int) -> None:
        try:
            chunk = os.read(reader, LONGEST_LINE)
        except BlockingIOError:
            return
        pending = self._pending[name]
        pending += chunk
        *lines, rest = pending.split(b"\n")
        if len(rest) >= LONGEST_LINE:
            lines.append(rest)
            rest = bytearray()
        self._pending[name] = bytearray(rest)
        for line in lines:
            self._print(name, bytes(line))

    def _print(self, name: str, line: bytes) -> None:
        label = f"{name:<{NAME_WIDTH}}|"
        if self._colour:
            label = f"\x1b[{COLOURS.get(name.partition('-')[0], 1)}m{label}\x1b[0m"
        self._write(label.encode() + b" " + line.rstrip(b"\r") + b"\n")

    def _write(self, data: bytes) -> None:
        with self._lock:
            try:
                self._target.write(data)
                self._target.flush()
            except (OSError, ValueError):
                # Nobody reads any more (`trireme up | head`): go on working in silence.
                return
