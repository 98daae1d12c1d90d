"""Under which identity a server runs. PostgreSQL refuses to run as root, so root needs a way out.

Imports its siblings `launch` (by path) and `errors` alone.
"""

import os
import pwd
import subprocess
import sys
from enum import StrEnum
from pathlib import Path

from app.embedded.errors import EmbeddedError

LAUNCHER = Path(__file__).with_name("launch.py")
CHECK_SECONDS = 10


class Mode(StrEnum):
    """How a child is made unprivileged."""

    PLAIN = "plain"
    """As whoever we are."""
    NAMESPACE = "namespace"
    """In a user namespace: root outside, an ordinary user inside; nothing on disk changes hands."""
    SETUID = "setuid"
    """As the user `nobody`."""


def choose(forced: Mode | None = None) -> Mode:
    """Return the mode for this process: plain unless root, else a namespace, else (refused) setuid.

    Raises:
        EmbeddedError: A mode was forced that this process cannot take.
    """
    if forced is not None:
        if forced is not Mode.PLAIN and os.geteuid() != 0:
            raise EmbeddedError(f"only root can start servers in the mode '{forced}'")
        return forced
    if os.geteuid() != 0:
        return Mode.PLAIN
    if sys.platform.startswith("linux") and may_enter(Mode.NAMESPACE, [Path("/")]):
        return Mode.NAMESPACE
    return Mode.SETUID


def unprivileged() -> tuple[int, int]:
    """Return user and group id of `nobody`; it must have a passwd entry, because initdb looks it up.

    Raises:
        EmbeddedError: The system has no such user.
    """
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise EmbeddedError(
            "PostgreSQL does not run as root, and this system has no user 'nobody' to run it as. "
            "Start as an ordinary user, or give --database-url."
        ) from None
    return entry.pw_uid, entry.pw_gid


def owner(mode: Mode) -> tuple[int, int]:
    """Return the ids that must own the files of a server in that mode."""
    return unprivileged() if mode is Mode.SETUID else (os.geteuid(), os.getegid())


def specification(mode: Mode) -> str:
    """Return the mode as `launch` reads it."""
    if mode is Mode.PLAIN:
        return "plain"
    uid, gid = unprivileged()
    return f"namespace:{uid}" if mode is Mode.NAMESPACE else f"setuid:{uid}:{gid}"


def command(mode: Mode, arguments: list[str], *, death_signal: int) -> list[str]:
    """Return the command line that runs `arguments` in the mode, with a signal at our death."""
    return [
        *(sys.executable, "-I", "-S", str(LAUNCHER)),
        *(specification(mode), str(int(death_signal)), str(os.getpid())),
        *arguments,
    ]


def may_enter(mode: Mode, paths: list[Path]) -> bool:
    """Tell whether a child in that mode may be made, may pass these directories and run these programs."""
    arguments = ["--check", *(str(path) for path in paths)]
    done = subprocess.run(  # noqa: S603
        command(mode, arguments, death_signal=0),
        check=False,
        capture_output=True,
        timeout=CHECK_SECONDS,
        cwd="/",
    )
    return done.returncode == 0
