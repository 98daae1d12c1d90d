"""One Valkey server: start, wait until ready, URL, stop. Reached by a Unix socket with a password.

Imports its siblings and `app.kit` alone.
"""

import secrets
import signal
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

from app.embedded import child
from app.embedded.binaries import ValkeyBinary, find_valkey
from app.embedded.child import Output
from app.embedded.errors import EmbeddedError
from app.embedded.identity import Mode, owner
from app.embedded.sockets import socket_directory

DATABASES = 64
PREDECESSOR_SECONDS = 10


class EmbeddedValkey:
    """A server on the data below one directory; used from the main thread."""

    def __init__(
        self, data_dir: Path, *, binary: Path | None = None, durable: bool = True, output: Output = None
    ) -> None:
        """Describe the server; nothing happens before `start`.

        Args:
            data_dir: Holds `valkey/`: configuration, password, append-only file.
            binary: The server program; None: find one.
            durable: False for tests: nothing is kept on disk.
            output: Where the server's log goes; None: `<data_dir>/valkey.log`.
        """
        self._data_dir = data_dir.absolute()
        self._directory = self._data_dir / "valkey"
        self._explicit = binary
        self._durable = durable
        self._output = output
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: Path | None = None
        self._password = ""
        self.binary: ValkeyBinary | None = None
        """What was found, after `start`."""

    @property
    def pid(self) -> int:
        """The id of the running server.

        Raises:
            EmbeddedError: It was not started.
        """
        if self._process is None:
            raise EmbeddedError("Valkey was not started")
        return self._process.pid

    @property
    def url(self) -> str:
        """The URL for Celery and redis clients, the same after every start on the same directory.

        Raises:
            EmbeddedError: It was not started.
        """
        if self._socket is None:
            raise EmbeddedError("Valkey was not started")
        return f"redis+socket://:{self._password}@{quote(str(self._socket))}"

    def poll(self) -> int | None:
        """Return the exit status when the server has ended by itself."""
        return self._process.poll() if self._process else None

    def start(self, timeout_seconds: float = 60.0) -> str:
        """Start the server, wait until it has loaded its data, and return its URL.

        Raises:
            EmbeddedError: No binary, or it does not come up in time.
        """
        self.stop()
        self.binary = find_valkey(self._explicit)
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._await_predecessor()
        directory = socket_directory(self._data_dir / "run" / "valkey", owner=owner(Mode.PLAIN))
        self._socket = directory / "valkey.sock"
        self._password = self._kept_password()
        self._spawn([str(self.binary.path), str(self._configure(self._socket))])
        self._write(self._pid_file, str(self.pid))
        deadline = time.monotonic() + timeout_seconds
        while self.poll() is None and time.monotonic() < deadline:
            if self._answers(self._socket):
                return self.url
            time.sleep(child.POLL_SECONDS)
        status = self.stop()
        raise EmbeddedError(f"Valkey did not come up (exit status {status}){self._last_words()}")

    def ask(self) -> None:
        """Ask for the end, without waiting."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def stop(self, timeout_seconds: float = 5.0) -> int | None:
        """Stop the server, by force when it takes longer; return its exit status."""
        if self._process is None:
            return None
        status = child.stop(self._process, signal.SIGTERM, timeout_seconds)
        self._pid_file.unlink(missing_ok=True)
        return status

    def _configure(self, path: Path) -> Path:
        """Write the configuration, which holds the password and therefore is no command line."""
        lines = {
            "port": "0",
            "unixsocket": f'"{path}"',
            "unixsocketperm": "700",
            "requirepass": self._password,
            "dir": f'"{self._directory}"',
            "appendonly": "yes" if self._durable else "no",
            "appendfsync": "everysec",
            "save": '""',
            "maxmemory-policy": "noeviction",
            "databases": str(DATABASES),
            "daemonize": "no",
            "logfile": '""',
            "loglevel": "warning",
            "always-show-logo": "no",
        }
        file = self._directory / "valkey.conf"
        self._write(file, "".join(f"{key} {value}\n" for key, value in lines.items()))
        return file

    def _kept_password(self) -> str:
        file = self._directory / "password"
        if not file.exists():
            self._write(file, secrets.token_hex(16))
        return file.read_text(encoding="ascii").strip()

    def _spawn(self, arguments: list[str]) -> None:
        if self._output is not None:
            self._process = child.spawn(arguments, output=self._output, death_signal=signal.SIGTERM)
            return
        with self._log.open("ab") as log:
            self._log.chmod(0o600)
            self._process = child.spawn(arguments, output=log, death_signal=signal.SIGTERM)

    def _await_predecessor(self) -> None:
        """Wait for the server of a killed run to end: two on one append-only file would spoil it.

        Raises:
            EmbeddedError: It does not end.
        """
        text = self._pid_file.read_text(encoding="ascii").strip() if self._pid_file.exists() else ""
        if not text.isdigit():
            return
        pid = int(text)
        if not all(child.wait_until_gone(pid, name, PREDECESSOR_SECONDS) for name in ("valkey", "redis")):
            raise EmbeddedError(f"another Valkey (process {pid}) is running on {self._directory}; stop it first")

    def _answers(self, path: Path) -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(1)
            try:
                connection.connect(str(path))
                connection.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
                reply = b""
                while reply.count(b"\r\n") < 2 and (chunk := connection.recv(1024)):  # noqa: PLR2004 two replies
                    reply += chunk
            except OSError:
                return False
        return b"+PONG" in reply

    @property
    def _pid_file(self) -> Path:
        return self._directory / "pid"

    @property
    def _log(self) -> Path:
        return self._data_dir / "valkey.log"

    @staticmethod
    def _write(file: Path, text: str) -> None:
        file.touch(mode=0o600, exist_ok=True)
        file.chmod(0o600)
        file.write_text(text, encoding="utf-8")

    def _last_words(self) -> str:
        if self._output is not None or not self._log.exists():
            return "; its log above says why"
        return ":\n" + self._log.read_text(encoding="utf-8", errors="replace")[-2000:].strip()
