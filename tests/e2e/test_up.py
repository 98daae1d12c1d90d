"""The real command: started, asked, stopped, killed, started again."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from app.embedded.child import is_running
from tests.e2e.platform import SENDER

pytestmark = [pytest.mark.serial, pytest.mark.timeout(180)]
READY = "/api/trireme/v1/system/ready"


class Running:
    """One `trireme up`, with what it prints."""

    def __init__(self, data_dir: Path, *options: str) -> None:
        self.data_dir = data_dir
        # After a kill the file of the last run is still there; this run's is another one.
        self.stale = self._published()
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 lives as long as the object
        arguments = [sys.executable, "-m", "app", "up", "--ports", "auto", "--data-dir", str(data_dir), *options]
        self.process = subprocess.Popen(arguments, stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True)

    def wait_ready(self, seconds: float = 60) -> dict[str, Any]:
        wait_until(lambda: self._published() not in {0, self.stale} or self.process.poll() is not None, seconds)
        assert self.process.poll() is None, self.said()
        runtime: dict[str, Any] = json.loads((self.data_dir / "runtime.json").read_text(encoding="utf-8"))
        assert get(runtime["http"], READY) == 200
        return runtime

    def _published(self) -> int:
        try:
            return (self.data_dir / "runtime.json").stat().st_ino
        except FileNotFoundError:
            return 0

    def said(self) -> str:
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def stop(self, number: signal.Signals, seconds: float) -> int:
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.close()


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("up") / "var"


@contextlib.contextmanager
def up(data_dir: Path, *options: str) -> Iterator[Running]:
    """Run the command; afterwards nothing of it is left."""
    running = Running(data_dir, *options)
    try:
        yield running
    finally:
        running.close()
    wait_until(lambda: not processes_of(data_dir), 15)


@pytest.fixture(scope="module")
def first(data_dir: Path) -> Iterator[Running]:
    with up(data_dir) as running:
        running.wait_ready()
        yield running


@pytest.fixture(scope="module")
def again(data_dir: Path, first: Running) -> Iterator[Running]:
    """The start that follows a kill -9 of the first one's supervisor at once."""
    first.stop(signal.SIGKILL, 5)
    with up(data_dir, "--workers", "1") as running:
        running.wait_ready()
        yield running


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def get(url: str, path: str) -> int:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def processes_of(data_dir: Path) -> dict[int, str]:
    """Every process that was told of the data directory, by its environment or its command line, whoever its parent."""
    found = {}
    marks = (f"TRIREME_DATA_DIR={data_dir}\0".encode(), str(data_dir / "postgres-").encode(), str(data_dir).encode())
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes()
            known = marks[0] in (entry / "environ").read_bytes() or marks[1] in command or marks[2] in command
        except OSError:
            continue
        if known and command:
            found[int(entry.name)] = command.replace(b"\0", b" ").decode(errors="replace")
    return found


def pids_of(runtime: dict[str, Any]) -> list[int]:
    pids = []
    for value in runtime["pids"].values():
        pids += value if isinstance(value, list) else [value]
    return pids


def trireme(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, cwd=cwd)


def test_a_first_start_publishes_everything_and_a_second_up_is_refused(first: Running, data_dir: Path) -> None:
    runtime = first.wait_ready()
    assert list(runtime) == [
        *("http", "dyno", "sandbox_smtp", "intake_smtp", "database_url", "broker_url"),
        *("username", "password", "api_key", "pids"),
    ]
    assert list(runtime["pids"]) == [
        "api",
        "delivery",
        "worker",
        "scheduler",
        "outbox",
        "sandbox",
        "intake",
        "postgres",
        "valkey",
    ]
    assert runtime["intake_smtp"].startswith("127.0.0.1:")
    assert all(is_running(pid, "") for pid in pids_of(runtime))
    for name in ("runtime.json", "secrets.json"):
        assert stat.S_IMODE((data_dir / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700

    second = trireme("up", "--ports", "auto", "--data-dir", str(data_dir))
    assert second.returncode == 1
    assert f"running already on {data_dir} (process {first.process.pid})" in second.stderr
    assert get(runtime["http"], READY) == 200, "the first one was not disturbed"


def test_a_kill_of_the_supervisor_leaves_nothing_and_the_next_start_has_the_same_account(
    first: Running, again: Running, data_dir: Path
) -> None:
    assert first.process.poll() == -signal.SIGKILL
    runtime = again.wait_ready()
    survivors = {pid: line for pid, line in processes_of(data_dir).items() if started_before(pid, runtime)}
    assert survivors == {}
    secrets = json.loads((data_dir / "secrets.json").read_text(encoding="utf-8"))
    assert runtime["api_key"] == secrets["api_key"]
    assert runtime["password"] == secrets["password"]
    assert secrets["api_key"] in first.said()


def started_before(pid: int, runtime: dict[str, Any]) -> bool:
    """Tell whether a process is older than the Valkey of that run, its first child, and not the run itself."""

    def ticks(one: int) -> int:
        return int(Path(f"/proc/{one}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19])

    try:
        parent = int(Path(f"/proc/{runtime['pids']['valkey']}/stat").read_text(encoding="utf-8").split()[3])
        return pid != parent and ticks(pid) < ticks(runtime["pids"]["valkey"])
    except FileNotFoundError:
        return False


def test_what_dies_is_started_again_and_a_stop_leaves_nothing(again: Running, data_dir: Path) -> None:
    runtime = again.wait_ready()
    for name in ("valkey", "postgres", "scheduler"):
        os.kill(pids_of({"pids": {name: runtime["pids"][name]}})[0], signal.SIGKILL)

    def all_new() -> bool:
        now = json.loads((data_dir / "runtime.json").read_text(encoding="utf-8"))
        return all(now["pids"][name] != runtime["pids"][name] for name in ("valkey", "postgres", "scheduler"))

    wait_until(all_new, 30)
    wait_until(lambda: get(runtime["http"], READY) == 200, 30)
    now = json.loads((data_dir / "runtime.json").read_text(encoding="utf-8"))
    assert (now["database_url"], now["broker_url"]) == (runtime["database_url"], runtime["broker_url"])
    assert again.stop(signal.SIGTERM, 15) == 0
    assert processes_of(data_dir) == {}
    assert not (data_dir / "runtime.json").exists()
    said = again.said()
    assert "postgres   | " in said
    assert "trireme    | postgres was ended by SIGKILL; starting it again" in said


def test_a_warm_start_without_valkey_accepts_and_delivers_mail(installation: Path, tmp_path: Path) -> None:
    """No nudge arrives; the queue is looked at every second all the same."""
    data_dir = tmp_path / "var"
    shutil.copytree(installation, data_dir)
    with up(data_dir, "--broker-url", "redis://127.0.0.1:1/0", "--workers", "1") as running:
        runtime = running.wait_ready()
        data = {"apikey": runtime["api_key"], "from": SENDER, "to": "jo@example.org", "subject": "x", "bodytext": "x"}
        answer = httpx2.post(f"{runtime['http']}/rest/json/send", data=data, timeout=60)
        assert answer.json()["response"]["data"] == "250 2.1.0 Ok", answer.text

        def seen(path: str) -> list[dict[str, Any]]:
            headers = {"Authorization": f"Bearer {runtime['api_key']}"}
            listed = httpx2.get(f"{runtime['http']}/api/trireme/v1{path}", headers=headers, timeout=60)
            found: list[dict[str, Any]] = listed.json()["data"]
            return found

        wait_until(lambda: [one["status"] for one in seen("/messages")] == ["delivered"], 60)
        assert [one["envelope"]["recipients"] for one in seen("/sandbox/messages")] == [["jo@example.org"]]
        assert running.stop(signal.SIGINT, 15) == 0
        assert processes_of(data_dir) == {}


def test_a_taken_port_is_named(data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setenv("TRIREME_API_PORT", str(port))
        refused = trireme("up", "--data-dir", str(tmp_path / "var"))
    assert refused.returncode == 1
    assert f"Port {port} on 127.0.0.1 (api.port) is in use" in refused.stdout
    assert "--ports auto" in refused.stdout
    assert processes_of(tmp_path / "var") == {}


def test_mistaken_options_start_nothing(tmp_path: Path) -> None:
    for options in (("--relay", "mail.example.com"), ("--mx", "--relay", "smtp://h:25"), ("--ports", "some")):
        refused = trireme("up", "--data-dir", str(tmp_path / "var"), *options)
        assert refused.returncode == 1
        assert refused.stderr.startswith("--")
    assert not list((tmp_path / "var").glob("postgres-*"))
