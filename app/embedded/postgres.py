"""One PostgreSQL server: start, wait until ready, URL, stop. Reached by a Unix socket alone.

Imports its siblings.
"""

import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from app.embedded import child
from app.embedded.binaries import PostgresBinaries, find_postgres
from app.embedded.buffers import memory_octets, shared_buffers
from app.embedded.child import Output
from app.embedded.cluster import DATABASE, USER, ensure_cluster
from app.embedded.errors import EmbeddedError
from app.embedded.identity import Mode, choose, owner
from app.embedded.sockets import socket_directory
from app.embedded.staging import Say, prepare, remember

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "[%p] ",
    "logging_collector": "off",
    "log_checkpoints": "off",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
SOCKET = ".s.PGSQL.5432"
PREDECESSOR_SECONDS = 20
"""How long the server of an earlier run may take to end."""
TRIES = 5
"""Starts tried while backends of a killed server still hold its shared memory."""


class EmbeddedPostgres:
    """A server on the data below one directory; used from the main thread."""

    def __init__(
        self,
        data_dir: Path,
        *,
        binaries: Path | None = None,
        mode: Mode | None = None,
        stage: Path | None = None,
        durable: bool = True,
        options: Mapping[str, str] | None = None,
        output: Output = None,
        say: Say = lambda _: None,
    ) -> None:
        """Describe the server; nothing happens before `start`.

        Args:
            data_dir: Holds `postgres-<major>/`.
            binaries: A directory with `postgres` and `initdb`; None: find one.
            mode: Forces the identity; None: what fits.
            stage: Where copies go that the unprivileged user can reach; None: a directory of the system.
            durable: False for tests: nothing is forced to disk, and the cache stays small.
            options: More server settings, as for `postgres -c`.
            output: Where the server's log goes; None: `<data_dir>/postgres.log`.
            say: Takes sentences for people.
        """
        self._data_dir = data_dir.absolute()
        self._explicit = binaries
        self._mode = mode
        self._stage = stage
        self._durable = durable
        sized = {"shared_buffers": shared_buffers(memory_octets())} if durable else NOT_DURABLE
        self._options = SETTINGS | sized | dict(options or {})
        self._output = output
        self._say = say
        self._process: subprocess.Popen[bytes] | None = None
        self._sockets: Path | None = None
        self.binaries: PostgresBinaries | None = None
        """What was found, after `start`."""

    @property
    def pid(self) -> int:
        """The id of the running server.

        Raises:
            EmbeddedError: It was not started.
        """
        if self._process is None:
            raise EmbeddedError("PostgreSQL was not started")
        return self._process.pid

    @property
    def url(self) -> str:
        """The URL of the database, the same after every start on the same directory.

        Raises:
            EmbeddedError: It was not started.
        """
        if self._sockets is None:
            raise EmbeddedError("PostgreSQL was not started")
        return f"postgresql+asyncpg://{USER}@/{DATABASE}?host={quote(str(self._sockets))}"

    def poll(self) -> int | None:
        """Return the exit status when the server has ended by itself."""
        return self._process.poll() if self._process else None

    def start(self, timeout_seconds: float = 60.0) -> str:
        """Start the server, wait until it takes connections, and return its URL.

        Raises:
            EmbeddedError: No binaries, no directory it may use, or it does not come up in time.
        """
        self.stop()
        found = find_postgres(self._explicit)
        mode = choose(self._mode)
        places = prepare(self._data_dir, found, mode, stage=self._stage, say=self._say)
        self.binaries = places.binaries
        if self._sockets is not None and not (places.home / f"postgres-{places.binaries.major}").exists():
            # A new start must not pass off an empty database as the one that was.
            raise EmbeddedError(f"the data in {places.home} is gone")
        cluster = ensure_cluster(places.binaries, places.home, mode, durable=self._durable)
        remember(self._data_dir, cluster)
        self._sockets = socket_directory(places.home / "run" / "pg", owner=owner(mode))
        self._await_predecessor(cluster, self._sockets)
        deadline = time.monotonic() + timeout_seconds
        for attempt in range(1, TRIES + 1):
            self._spawn(places.binaries, cluster, self._sockets, mode)
            if self._await_ready(cluster, self._sockets, deadline):
                return self.url
            status = self.stop()
            if time.monotonic() > deadline or attempt == TRIES:
                break
            time.sleep(0.2 * attempt)
        raise EmbeddedError(f"PostgreSQL did not come up (exit status {status}){self._last_words()}")

    def ask(self) -> None:
        """Ask for a fast shutdown, without waiting."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)

    def stop(self, timeout_seconds: float = 10.0) -> int | None:
        """Stop the server: fast shutdown, then at once, then by force; return its exit status."""
        if self._process is None:
            return None
        self.ask()
        if self._process.poll() is None:
            try:
                self._process.wait(timeout_seconds)
            except subprocess.TimeoutExpired:
                child.stop(self._process, signal.SIGQUIT, 2)
        return self._process.wait()

    def _spawn(self, binaries: PostgresBinaries, cluster: Path, sockets: Path, mode: Mode) -> None:
        arguments = [str(binaries.postgres), "-D", str(cluster), "-k", str(sockets)]
        for key, value in self._options.items():
            arguments += ["-c", f"{key}={value}"]
        if self._output is not None:
            self._process = child.spawn(arguments, output=self._output, mode=mode, death_signal=signal.SIGINT)
            return
        with self._log.open("ab") as log:
            self._log.chmod(0o600)
            self._process = child.spawn(arguments, output=log, mode=mode, death_signal=signal.SIGINT)

    def _await_ready(self, cluster: Path, sockets: Path, deadline: float) -> bool:
        while self.poll() is None and time.monotonic() < deadline:
            if _announced(cluster, self.pid) and _answers(sockets / SOCKET):
                return True
            time.sleep(child.POLL_SECONDS)
        return False

    @staticmethod
    def _await_predecessor(cluster: Path, sockets: Path) -> None:
        """Wait for the server of a killed run, and drop the files that hold its process id.

        That id may belong to another program by now, which would keep the server from starting.

        Raises:
            EmbeddedError: It does not end.
        """
        for file in (cluster / "postmaster.pid", sockets / f"{SOCKET}.lock"):
            lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
            if lines and lines[0].isdigit():
                if not child.wait_until_gone(int(lines[0]), "postgres", PREDECESSOR_SECONDS):
                    raise EmbeddedError(
                        f"another PostgreSQL (process {lines[0]}) is running on {cluster}; stop it first"
                    )
                file.unlink(missing_ok=True)

    @property
    def _log(self) -> Path:
        return self._data_dir / "postgres.log"

    def _last_words(self) -> str:
        if self._output is not None or not self._log.exists():
            return "; its log above says why"
        return ":\n" + self._log.read_text(encoding="utf-8", errors="replace")[-2000:].strip()


def _announced(cluster: Path, pid: int) -> bool:
    """Tell whether the server has written that it takes connections (line 8 of its pid file, as pg_ctl reads it)."""
    try:
        lines = (cluster / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"  # noqa: PLR2004 line 8


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(path))
        except OSError:
            return False
    return True
