"""What the figures were measured on, and what processes have used of it. Linux alone: it reads /proc."""

import os
import platform
import time
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

PROC = Path("/proc")
TICK = os.sysconf("SC_CLK_TCK")
LIBRARIES = ("fastapi", "uvicorn", "uvloop", "asyncpg", "cryptography", "celery")
IDLE_LOOK_SECONDS = 0.25
IDLE_SHARE = 0.06
"""Share of a core below which processes count as idle."""


def facts() -> dict[str, str]:
    """Return the facts of this machine, by name."""
    cpu = next((line.partition(":")[2].strip() for line in _lines("cpuinfo") if line.startswith("model name")), "")
    memory = next((line.split()[1] for line in _lines("meminfo") if line.startswith("MemTotal")), "0")
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": cpu or platform.processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{int(memory) / 2**20:.1f} GiB",
        "kernel": platform.release(),
        "python": platform.python_version(),
        "libraries": ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
        "load before": "{:.2f} {:.2f} {:.2f}".format(*os.getloadavg()),
    }


class Surroundings:
    """What else took CPU time from when this was made: other programs, and the hypervisor."""

    def __init__(self) -> None:
        """Begin."""
        self._began = time.monotonic()
        self._before = self._now()

    def sentence(self) -> str:
        """Return both as shares of the time of all cores."""
        total = (time.monotonic() - self._began) * (os.cpu_count() or 1)
        busy, ours, stolen = (now - before for now, before in zip(self._now(), self._before, strict=True))
        others = max(busy - ours, 0.0)
        return (
            f"of the cores' time meanwhile: {ours / total:.0%} this benchmark, {others / total:.0%} other programs, "
            f"{stolen / total:.0%} stolen by the hypervisor"
        )

    @staticmethod
    def _now() -> tuple[float, float, float]:
        user, nice, system, _idle, _wait, irq, soft, stolen = map(int, _lines("stat")[0].split()[1:9])
        return (user + nice + system + irq + soft) / TICK, cpu_seconds([os.getpid()]), stolen / TICK


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the CPU time, user and system, of these processes and all below them, ended children included."""
    stats = _stats()
    # utime, stime, cutime, cstime
    return sum(sum(map(int, stats[pid][11:15])) for pid in _family(pids, stats)) / TICK


def family(pids: Iterable[int]) -> set[int]:
    """Return these processes, as far as they live, and all below them."""
    return _family(pids, _stats())


def _family(pids: Iterable[int], stats: dict[int, list[str]]) -> set[int]:
    children: defaultdict[int, list[int]] = defaultdict(list)
    for pid, fields in stats.items():
        children[int(fields[1])].append(pid)
    found: set[int] = set()
    waiting = [pid for pid in pids if pid in stats]
    while waiting:
        pid = waiting.pop()
        found.add(pid)
        waiting += children[pid]
    return found


def wait_until_idle(pids: Iterable[int], timeout_seconds: float = 30.0) -> None:
    """Wait until processes have finished their start, which shows in the CPU time they use.

    Raises:
        TimeoutError: They do not come to rest.
    """
    pids = list(pids)
    deadline = time.monotonic() + timeout_seconds
    before = cpu_seconds(pids)
    while True:
        time.sleep(IDLE_LOOK_SECONDS)
        now = cpu_seconds(pids)
        if now - before <= IDLE_SHARE * IDLE_LOOK_SECONDS + 1 / TICK:
            return
        before = now
        if time.monotonic() > deadline:
            raise TimeoutError("the processes do not come to rest")


def _lines(name: str) -> list[str]:
    return (PROC / name).read_text(encoding="utf-8").splitlines()


def _stats() -> dict[int, list[str]]:
    entries = {int(entry.name): _stat(entry) for entry in PROC.iterdir() if entry.name.isdigit()}
    return {pid: fields for pid, fields in entries.items() if fields}


def _stat(entry: Path) -> list[str]:
    """Return the fields of a process's `stat` after its name: state first; empty when it has ended."""
    try:
        return (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []
