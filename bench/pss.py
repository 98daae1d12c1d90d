"""Memory of processes as they share it: PSS from /proc/<pid>/smaps_rollup, children included."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Self

from bench.machine import PROC, family

PERIOD = 0.5


def pss_bytes(pids: Iterable[int]) -> int:
    """Return the proportional set size of these processes and all below them, in bytes; what has ended counts 0."""
    total = 0
    for pid in family(pids):
        try:
            lines = (PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total


class PssSampler:
    """Looks twice a second while the block runs."""

    def __init__(self, parts: Callable[[], Mapping[str, Iterable[int]]]) -> None:
        """Prepare.

        Args:
            parts: Returns process ids by name, as they are now.
        """
        self._parts = parts
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="pss")
        self.samples: list[tuple[float, dict[str, int]]] = []
        """Monotonic seconds, and bytes by name."""

    @property
    def largest(self) -> int:
        """The most that all parts had together, in bytes."""
        return max((sum(found.values()) for _, found in self.samples), default=0)

    def largest_of(self, name: str) -> int:
        """The most that a part had, in bytes."""
        return max((found[name] for _, found in self.samples), default=0)

    def growth(self) -> float:
        """Return the mean of the last quarter over that of the second: what a start still fills is left out."""
        totals = [sum(found.values()) for _, found in self.samples]
        quarter = len(totals) // 4
        if not quarter:
            return 1.0
        return sum(totals[-quarter:]) / sum(totals[quarter : 2 * quarter])

    def _run(self) -> None:
        while not self._stop.is_set():
            self.samples.append((time.monotonic(), {name: pss_bytes(pids) for name, pids in self._parts().items()}))
            self._stop.wait(PERIOD)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(10)
