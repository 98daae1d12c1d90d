"""Where binaries and data go when the unprivileged user cannot reach them, for example below a home with mode 0700.

Imports its siblings.
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.embedded.binaries import PostgresBinaries
from app.embedded.errors import EmbeddedError
from app.embedded.identity import Mode, may_enter
from app.embedded.sockets import short_name

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Places:
    """Where a PostgreSQL runs from and writes to; the child may enter both."""

    binaries: PostgresBinaries
    home: Path
    """The directory that holds the cluster and the sockets."""


def prepare(data_dir: Path, binaries: PostgresBinaries, mode: Mode, *, stage: Path | None, say: Say) -> Places:
    """Return places the child may enter: the given ones where it can, copies where it cannot.

    Args:
        data_dir: Where the data should be; made with mode 0700 when missing.
        binaries: The server.
        mode: The identity of the child.
        stage: Where copies go; None: below /var/lib, or the system's temporary directory when that fails.
        say: Takes a sentence about everything that is put elsewhere.

    Raises:
        EmbeddedError: No directory was found that the child may enter.
    """
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    if mode is Mode.PLAIN:
        return Places(binaries, data_dir)
    if mode is Mode.SETUID and may_enter(mode, [data_dir.parent]) and not may_enter(mode, [data_dir]):
        # The directory is ours; passing through it shows nothing, because what lies in it has modes of its own.
        data_dir.chmod(data_dir.stat().st_mode | 0o011)
        say(f"{data_dir} may now be passed through by every user, because PostgreSQL runs as 'nobody'")
    if not may_enter(mode, [binaries.directory, binaries.postgres]):
        binaries = _copy(binaries, _stage(mode, stage), say)
    home = data_dir
    if not may_enter(mode, [data_dir]):
        home = _stage(mode, stage) / short_name(data_dir)
        _make(home)
        _move(data_dir, home)
        say(f"the data of PostgreSQL is in {home}, because 'nobody' cannot reach {data_dir}")
    return Places(binaries, home)


def remember(data_dir: Path, cluster: Path) -> None:
    """Leave a link in the data directory to a cluster that lives elsewhere, so that every later start finds it."""
    link = data_dir / cluster.name
    if link.resolve() != cluster.resolve():
        link.unlink(missing_ok=True)
        link.symlink_to(cluster)


def _move(data_dir: Path, home: Path) -> None:
    """Take over what earlier starts made: clusters move; a link to a place that is gone is an error, not a new start.

    Raises:
        EmbeddedError: The data that a link points to is missing.
    """
    for cluster in data_dir.glob("postgres-*"):
        if cluster.is_symlink() and not cluster.exists():
            raise EmbeddedError(f"the data was in {cluster.readlink()}, which is gone; put it back or remove {cluster}")
        if (cluster / "PG_VERSION").exists() and not cluster.is_symlink():
            shutil.move(cluster, home / cluster.name)


def _stage(mode: Mode, stage: Path | None) -> Path:
    for candidate in [stage] if stage else [Path("/var/lib/trireme"), Path(tempfile.gettempdir()) / "trireme-root"]:
        try:
            _make(candidate)
        except OSError:
            continue
        if candidate.lstat().st_uid == os.geteuid() and may_enter(mode, [candidate]):
            return candidate
    raise EmbeddedError(
        "PostgreSQL does not run as root, and no directory was found that the user 'nobody' can reach. "
        "Start as an ordinary user, choose a --data-dir outside of private directories, or give --database-url."
    )


def _make(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o755)


def _copy(binaries: PostgresBinaries, stage: Path, say: Say) -> PostgresBinaries:
    """Copy the server once per build of it; a copy is complete or absent.

    Raises:
        EmbeddedError: It belongs to the system and cannot be copied.
    """
    if binaries.base is None:
        raise EmbeddedError(f"the user 'nobody' cannot reach {binaries.directory}; start as an ordinary user instead")
    found = binaries.postgres.stat()
    name = f"postgres-{binaries.major}-{found.st_size:x}-{int(found.st_mtime):x}"
    target = stage / name
    if not target.exists():
        unfinished = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=stage))
        for part in binaries.parts:
            destination = unfinished / part.relative_to(binaries.base)
            shutil.copytree(part, destination, symlinks=True, ignore=_unneeded)
        unfinished.chmod(0o755)
        try:
            unfinished.rename(target)
        except OSError:
            shutil.rmtree(unfinished)
    say(f"PostgreSQL runs from a copy in {target}, because 'nobody' cannot reach {binaries.directory}")
    return PostgresBinaries(
        target / binaries.directory.relative_to(binaries.base), binaries.source, major=binaries.major
    )


def _unneeded(directory: str, names: list[str]) -> list[str]:
    """Leave out the client programs; a server needs none."""
    return [name for name in names if Path(directory).name == "bin" and name not in {"postgres", "initdb"}]
