"""The whole product in processes of its own, and a counting SMTP sink, for tests that kill."""

import asyncio
import contextlib
import copy
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import asyncpg
import httpx2

from app.settings import as_environment, environment

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 90.0
SENDER = "hello@localhost.test"
PASSWORD = "the password of every account"


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 60.0, *, every: float = 0.02) -> Any:
    """Return what the condition returns once that is true; fail when it never is."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, httpx2.TransportError):
            if value := condition():
                return value
        time.sleep(every)
    raise AssertionError(f"{what} did not come within {seconds} s")


class Sink:
    """An SMTP server in its own process that writes a line for each recipient it has taken."""

    def __init__(self, directory: Path, *, delay_ms: float = 0.0) -> None:
        self.record = directory / "accepted.txt"
        self.record.touch()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fixtures.smtp_sink", "--record", self.record, "--delay-ms", str(delay_ms)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def recipients(self) -> Counter[str]:
        """How often each recipient was taken."""
        return Counter(line.split("\t")[0] for line in self.record.read_text().splitlines())

    def lines(self) -> int:
        """How many recipients were taken, doubles included."""
        return self.record.read_bytes().count(b"\n")

    def close(self) -> None:
        self._process.terminate()
        self._process.communicate(timeout=10)


UNLIMITED = as_environment({"limits.native_per_second": 0})
"""Tests ask faster than people."""


class Platform:
    """A running `trireme up`, as one of its accounts sees it: the first one, unless said otherwise.

    Attributes:
        username: Of the account.
        api_key: Of the account.
    """

    def __init__(self, data_dir: Path, *options: str, **variables: str) -> None:
        self.data_dir = data_dir
        self.log = data_dir.with_suffix(".log")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "app", "up", "--ports", "auto", "--data-dir", data_dir, *options],
                cwd=ROOT,
                env=environment() | UNLIMITED | variables,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            wait_for(self._is_up, f"the start; see {self.log}", START_SECONDS)
        except BaseException:
            self.stop()
            sys.stdout.write(self.log.read_text())
            raise
        runtime = self.runtime()
        self.client = httpx2.Client(base_url=runtime["http"], timeout=60)
        self.username, self.api_key = runtime["username"], runtime["api_key"]

    def _is_up(self) -> bool:
        assert self._process.poll() is None, self.log.read_text()
        return (self.data_dir / "runtime.json").exists()

    def runtime(self) -> dict[str, Any]:
        """What runtime.json says now."""
        content: dict[str, Any] = json.loads((self.data_dir / "runtime.json").read_text())
        return content

    def native(self, method: str, path: str, status: int, given: object) -> dict[str, Any]:
        """The answer of the native API to the account's request, which must have that status."""
        headers = {"Authorization": f"Bearer {self.api_key}"}
        answer = self.client.request(method, f"/api/trireme/v1{path}", json=given, headers=headers)
        assert answer.status_code == status, answer.text
        content: dict[str, Any] = answer.json()
        return content

    def with_account(self, username: str) -> Self:
        """The same product as a new account sees it, which has a sender like that of the first one."""
        opened = self.native("POST", "/accounts", 201, {"username": username, "password": PASSWORD, "role": "master"})
        other = copy.copy(self)
        other.username, other.api_key = username, opened["api_key"]
        assert other.native("POST", "/senders", 201, {"email": SENDER})["status"] == "ready"
        return other

    def send(self, *recipients: str, **fields: str) -> httpx2.Response:
        """Send a mail from the account's sender to these recipients."""
        data: dict[str, Any] = {
            "apikey": self.api_key,
            "from": SENDER,
            "to": list(recipients),
            "subject": "Hello",
            "bodytext": "Good day.",
            **fields,
        }
        return self.client.post("/rest/json/send", data=data)

    def emails(self) -> list[dict[str, Any]]:
        """Every copy, by the metrics API."""
        now = int(time.time())
        found: list[dict[str, Any]] = []
        while True:
            query = {"start_time": now - 86400, "end_time": now + 60, "offset": len(found)}
            answer = self.client.get("/emails", params=query, headers={"Authorization": f"apikey={self.api_key}"})
            page = answer.json()["data"]
            found.extend(page)
            if len(page) < 500:
                return found

    def kill(self, *parts: str) -> list[int]:
        """Kill -9 the processes of these parts; return which."""
        pids = self.runtime()["pids"]
        killed = []
        for part in parts:
            for pid in pids[part] if isinstance(pids[part], list) else [pids[part]]:
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
        return killed

    def stop(self) -> int:
        """Stop everything as Ctrl-C does; return the exit status."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            return self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise


@contextlib.contextmanager
def platform(directory: Path, installation: Path | None, /, *options: str, **variables: str) -> Iterator[Platform]:
    """A platform that is stopped afterwards.

    Args:
        directory: Gets its data directory.
        installation: A data directory to begin with a copy of; without one this is a first start.
        options: Of `trireme up`.
        variables: More of the environment.
    """
    if installation is not None:
        shutil.copytree(installation, directory / "data")
    running = Platform(directory / "data", *options, **variables)
    try:
        yield running
    finally:
        running.client.close()
        running.stop()


@contextlib.contextmanager
def sink(directory: Path, *, delay_ms: float = 0.0) -> Iterator[Sink]:
    """A sink that is ended afterwards."""
    running = Sink(directory, delay_ms=delay_ms)
    try:
        yield running
    finally:
        running.close()


def trireme(*arguments: object, **variables: str) -> str:
    """What a command prints that must succeed."""
    command = [sys.executable, "-m", "app", *map(str, arguments)]
    whole = environment() | variables
    return subprocess.run(command, cwd=ROOT, env=whole, capture_output=True, text=True, check=True).stdout


def rows(running: Platform, query: str, *arguments: object) -> list[Any]:
    """What a query finds in the platform's database."""
    with ThreadPoolExecutor(1) as pool:  # the test's own thread may have a loop
        return pool.submit(lambda: asyncio.run(_fetch(running.runtime()["database_url"], query, *arguments))).result()  # noqa: TID251


async def _fetch(url: str, query: str, *arguments: object) -> list[Any]:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        return await connection.fetch(query, *arguments)
    finally:
        await connection.close()
