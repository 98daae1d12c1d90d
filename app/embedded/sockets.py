"""Directories for Unix sockets, whose paths must stay under 108 bytes (104 on macOS). Imports `errors` alone."""

import os
import stat
import tempfile
from hashlib import sha256
from pathlib import Path

from app.embedded.errors import EmbeddedError

LONGEST_PATH = 103
LONGEST_NAME = len("/.s.PGSQL.5432")


def short_name(path: Path) -> str:
    """Return ten characters that stand for a path."""
    return sha256(os.fsencode(path.absolute())).hexdigest()[:10]


def socket_directory(preferred: Path, *, owner: tuple[int, int]) -> Path:
    """Make and return a directory with mode 0700 for sockets: `preferred`, or a short one when that path is too long.

    The same `preferred` always gives the same directory, so that URLs survive a restart.

    Raises:
        EmbeddedError: Somebody else owns the short directory.
    """
    directory, owners = preferred, None
    if len(os.fsencode(preferred)) + LONGEST_NAME > LONGEST_PATH:
        name = f"trireme-{owner[0]}-{short_name(preferred)}"
        directory = Path(tempfile.gettempdir()) / name
        if len(os.fsencode(directory)) + LONGEST_NAME > LONGEST_PATH:
            directory = Path("/tmp") / name  # noqa: S108 checked below
        # Everybody may make files there, so what is found must be ours.
        owners = {os.geteuid(), owner[0]}
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or (owners and found.st_uid not in owners):
        raise EmbeddedError(f"{directory} belongs to somebody else. Remove it, or choose another --data-dir.")
    directory.chmod(0o700)
    if found.st_uid != owner[0]:
        os.chown(directory, *owner)
    return directory
