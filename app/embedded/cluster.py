"""A PostgreSQL data directory: named after the major version, made once, and either whole or absent.

Imports its siblings.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from app.embedded.binaries import PostgresBinaries
from app.embedded.child import spawn
from app.embedded.errors import EmbeddedError
from app.embedded.identity import Mode, owner

USER = "app"
DATABASE = "app"
SECONDS = 120
"""How long initdb may take."""
BUILTIN_LOCALE_SINCE = 17


def ensure_cluster(binaries: PostgresBinaries, home: Path, mode: Mode, *, durable: bool) -> Path:
    """Return the cluster below `home`, made on first use with the user and the database `app`.

    Args:
        binaries: The server; its major version is part of the directory's name.
        home: The directory that holds the cluster.
        mode: The identity of the server, to whom the files must belong.
        durable: Whether the files are forced to disk.

    Raises:
        EmbeddedError: initdb fails, the data was made by another major version, or it was elsewhere and is gone.
    """
    cluster = home / f"postgres-{binaries.major}"
    if cluster.is_symlink() and not cluster.exists():
        raise EmbeddedError(f"the data was in {cluster.readlink()}, which is gone; put it back or remove {cluster}")
    if not (cluster / "PG_VERSION").exists():
        others = [path.parent.name for path in home.glob("postgres-*/PG_VERSION") if ".new-" not in path.parent.name]
        if others:
            raise EmbeddedError(
                f"{home} holds {', '.join(others)}, but the PostgreSQL found is version {binaries.major} "
                f"({binaries.source}). Install the version the data was made with, or move the data away."
            )
        _make(binaries, cluster, mode, durable=durable)
    _give(cluster, owner(mode))
    return cluster


def _make(binaries: PostgresBinaries, cluster: Path, mode: Mode, *, durable: bool) -> None:
    for left in cluster.parent.glob(f"{cluster.name}.new-*"):
        shutil.rmtree(left)
    unfinished = Path(tempfile.mkdtemp(prefix=f"{cluster.name}.new-", dir=cluster.parent))
    os.chown(unfinished, *owner(mode))
    arguments = [
        *(str(binaries.initdb), "-D", str(unfinished), "-U", USER, "-E", "UTF8", "--no-instructions"),
        *("--auth-local=trust", "--auth-host=scram-sha-256", "--locale=C"),
    ]
    if binaries.major >= BUILTIN_LOCALE_SINCE:
        arguments += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    _run(arguments if durable else [*arguments, "--no-sync"], mode, None)
    # Single-user mode needs no client program and leaves nothing running.
    single = [str(binaries.postgres), "--single", "-D", str(unfinished), "-c", f"fsync={'on' if durable else 'off'}"]
    _run([*single, "postgres"], mode, f"CREATE DATABASE {DATABASE};\n")
    unfinished.rename(cluster)


def _run(arguments: list[str], mode: Mode, text: str | None) -> None:
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as given:
        given.write((text or "").encode())
        given.seek(0)
        process = spawn(arguments, output=output, mode=mode, death_signal=signal.SIGKILL, given=given)
        try:
            status = process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
        output.seek(0)
        said = output.read().decode(errors="replace")
    if status or "ERROR:" in said:
        raise EmbeddedError(f"{Path(arguments[0]).name} failed with status {status}:\n{said[-2000:].strip()}")


def _give(cluster: Path, ids: tuple[int, int]) -> None:
    """Let the files belong to `ids`; they differ when the way of being root has changed since the last start."""
    if os.geteuid() != 0 or cluster.stat().st_uid == ids[0]:
        return
    for directory, _, files in os.walk(cluster):
        os.chown(directory, *ids)
        for name in files:
            os.chown(Path(directory, name), *ids, follow_symlinks=False)
