"""The program every child passes through before it becomes what it is to be.

Run as a file (`python -I -S launch.py MODE SIGNAL PARENT COMMAND ...`), never imported by the product. It makes a
session of its own (Ctrl-C reaches only the supervisor), takes the identity, asks the kernel for a signal at the
parent's death and executes COMMAND in its place, keeping the process id. With `--check` for COMMAND it tells by its
exit status whether that identity may pass through the directories, or run the programs, that follow.

A program instead of `preexec_fn` because code between fork and exec is unsafe once the parent has threads. Imports
the standard library alone, so that it starts in some 20 ms.
"""

import ctypes
import os
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
REFUSED = 126
"""Exit status when the identity is refused or a path is out of reach."""


def take_identity(mode: str) -> None:
    """Become what `mode` says: `plain`, `namespace:UID` or `setuid:UID:GID`.

    Raises:
        OSError: The kernel refuses.
    """
    kind, _, ids = mode.partition(":")
    if kind == "namespace":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWUSER) != 0:
            raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWUSER)")
        # The child sees an ordinary user; to everybody else its files still belong to root, with mode 0700.
        proc = Path("/proc/self")
        proc.joinpath("setgroups").write_text("deny", encoding="ascii")
        proc.joinpath("uid_map").write_text(f"{ids} 0 1", encoding="ascii")
        proc.joinpath("gid_map").write_text(f"{ids} 0 1", encoding="ascii")
    elif kind == "setuid":
        uid, gid = (int(part) for part in ids.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)


def die_with_parent(signal_number: int, parent: int) -> None:
    """Ask for a signal when the thread that started us ends; Linux only, elsewhere a no-op.

    Raises:
        SystemExit: The parent is gone already.
    """
    if signal_number and sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
        if os.getppid() != parent:
            raise SystemExit(REFUSED)


def main(arguments: list[str]) -> None:
    """Take the identity, then check the paths or become the command.

    Raises:
        SystemExit: With 0 or 126 after a check; with 126 when the identity is refused or the command cannot be run.
    """
    mode, signal_number, parent, *command = arguments
    try:
        if command[0] != "--check":
            os.setsid()
        take_identity(mode)
        if command[0] == "--check":
            raise SystemExit(0 if all(os.access(path, os.X_OK) for path in command[1:]) else REFUSED)
        # After the change of identity, which would clear it.
        die_with_parent(int(signal_number), int(parent))
        os.execv(command[0], command)  # noqa: S606 no shell wanted
    except OSError as error:
        print(f"cannot start {command[0]} as {mode}: {error}", file=sys.stderr)  # noqa: T201
        raise SystemExit(REFUSED) from error


if __name__ == "__main__":
    main(sys.argv[1:])
