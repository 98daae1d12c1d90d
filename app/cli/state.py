"""The files `up` keeps in a data directory: lock, secrets.json, ports.json, runtime.json. Standard library alone."""

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class AlreadyRunning(Exception):
    """Another `trireme up` holds the data directory."""


class DataDirectory:
    """One data directory.

    Attributes:
        path: Absolute.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock: int | None = None

    def open(self) -> None:
        """Make the directory with mode 0700 when it is missing, and hold it for this process.

        Raises:
            AlreadyRunning: Another process holds it.
            OSError: It cannot be made or written.
        """
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            # Goes with the process, in whatever way that ends; children do not inherit it.
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._lock, 32).decode().strip()
            raise AlreadyRunning(
                f"Trireme is running already on {self.path} (process {holder or 'unknown'}). "
                "Stop it first, or choose another --data-dir."
            ) from None
        os.truncate(self._lock, 0)
        os.write(self._lock, str(os.getpid()).encode())

    def secrets(self) -> dict[str, Any]:
        """Return what secrets.json holds; empty before the first start."""
        return self._read("secrets.json")

    def keep_secrets(self, secrets: Mapping[str, object]) -> None:
        """Replace secrets.json."""
        self._replace("secrets.json", secrets)

    def runtime(self) -> dict[str, Any]:
        """Return what runtime.json holds; empty when nothing runs."""
        return self._read("runtime.json")

    def ports(self) -> dict[str, Any]:
        """Return the ports of the last run with `--ports auto`."""
        return self._read("ports.json")

    def keep_ports(self, ports: Mapping[str, object]) -> None:
        """Replace ports.json."""
        self._replace("ports.json", ports)

    def publish(self, runtime: Mapping[str, object]) -> None:
        """Replace runtime.json, which tells scripts where everything is."""
        self._replace("runtime.json", runtime)

    def withdraw(self) -> None:
        """Remove runtime.json, because what it tells is not true any more."""
        (self.path / "runtime.json").unlink(missing_ok=True)

    def fresh(self, name: str) -> Path:
        """Return a directory of this name, emptied of what an earlier run left in it."""
        path = self.path / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(mode=0o700)
        return path

    def _read(self, name: str) -> dict[str, Any]:
        try:
            found = json.loads((self.path / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return found if isinstance(found, dict) else {}

    def _replace(self, name: str, content: Mapping[str, object]) -> None:
        """Write a whole new file with mode 0600 and put it in the place of the old one: a reader sees either."""
        descriptor, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=self.path)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).rename(self.path / name)
