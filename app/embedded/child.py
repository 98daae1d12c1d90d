"""Child processes: spawned from the main thread, dying with us, stopped within a bound.

Imports `app.settings` (the environment) and its sibling `identity`.
"""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from app.embedded.errors import EmbeddedError
from app.embedded.identity import Mode, command
from app.settings import environment

Output = int | IO[bytes] | None
POLL_SECONDS = 0.01
KEPT_VARIABLES = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


def spawn(
    arguments: list[str],
    *,
    output: Output,
    mode: Mode = Mode.PLAIN,
    death_signal: signal.Signals = signal.SIGKILL,
    variables: Mapping[str, str] | None = None,
    given: IO[bytes] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own.

    Args:
        arguments: The program by its full path, and its arguments.
        output: Where standard output and standard error go: a descriptor or an open file; None throws them away.
        mode: Its identity.
        death_signal: What the kernel sends it when this process ends in whatever way (Linux).
        variables: Its whole environment; by default a handful of variables, so that settings of other programs
            (PGDATA, PGPORT ...) do not leak into the server.
        given: What it reads as its standard input; by default nothing.

    Raises:
        EmbeddedError: Called from a thread other than the main one: its end would count as ours.
    """
    if threading.current_thread() is not threading.main_thread():
        raise EmbeddedError("children are started from the main thread, whose end sends them the parent-death signal")
    if variables is None:
        variables = {key: value for key, value in environment().items() if key in KEPT_VARIABLES}
        variables |= {"LC_ALL": "C", "TZ": "UTC"}
    return subprocess.Popen(  # noqa: S603
        command(mode, arguments, death_signal=death_signal),
        stdin=given or subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if output is None else output,
        stderr=subprocess.DEVNULL if output is None else subprocess.STDOUT,
        env=dict(variables),
        cwd=None if mode is Mode.PLAIN else "/",
    )


def stop(process: subprocess.Popen[bytes], first: signal.Signals, timeout_seconds: float) -> int:
    """Send `first`, wait, and kill the process with its whole session when the time is over; return its exit status."""
    if process.poll() is None:
        process.send_signal(first)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout_seconds)
    kill_session(process)
    return process.wait()


def kill_session(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the child's process group, the child included."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def wait_until_gone(pid: int, program: str, timeout_seconds: float) -> bool:
    """Wait for a server of an earlier run to end; true when it has, or when the id belongs to another program."""
    deadline = time.monotonic() + timeout_seconds
    while is_running(pid, program):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def is_running(pid: int, program: str) -> bool:
    """Tell whether that process exists and, where the system lets us see it, runs that program."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    proc = Path("/proc") / str(pid)
    if not proc.exists():
        return not Path("/proc/self").exists()
    try:
        state = proc.joinpath("stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
        return state not in {"Z", "X"} and program in proc.joinpath("comm").read_text(encoding="utf-8")
    except OSError:
        return False
