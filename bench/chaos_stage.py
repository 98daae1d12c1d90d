"""The whole product in processes of its own, part by part, with a recording SMTP server, and hands that kill.

The same programs with the same settings as `trireme up` starts; only who starts them again differs: here it is whoever
has killed them, at once, because the supervisor's growing waits would turn two hundred kills into an hour of silence.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random
from smtplib import SMTP
from typing import BinaryIO, Self

from app.embedded.part import Part
from app.embedded.supervisor import Runnable
from app.kit.ports import free_port, is_answering
from app.settings import as_environment, environment
from bench.processes import Process, wait_until
from bench.record import Reader
from bench.stand import Stand

PARTS = ("api", "worker", "scheduler")
SERVERS = ("postgres", "valkey")
STOP_SECONDS = 20.0
"""How long a part may take to end by SIGTERM; it promises 15."""
AUDIT_SECONDS = 120.0
NOTICE_SECONDS = 30.0
"""How long the SMTP server may take to notice that a client is gone."""


class Stage(ExitStack):
    """A running product; everything ends with the block."""

    def __init__(
        self,
        sink: Sequence[object] = (),
        installation: Path | None = None,
        /,
        *,
        deliveries: int = 2,
        connections: int = 10,
        **values: object,
    ) -> None:
        """Prepare.

        Args:
            sink: Options of the recording server.
            installation: As `Stand` takes it.
            deliveries: Delivery processes.
            connections: Sessions of each of them.
            values: More settings, with `_` for the dot.
        """
        super().__init__()
        self._sink_options = sink
        self._installation = installation
        self.deliveries = [f"delivery-{number}" for number in range(1, deliveries + 1)]
        self.connections = connections
        self._values = {name.replace("_", ".", 1): value for name, value in values.items()}
        self._runnables: dict[str, Runnable] = {}
        self._down: set[str] = set()
        self.crashed = 0
        """Parts that have ended without being asked."""

    def __enter__(self) -> Self:
        super().__enter__()
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def _start(self) -> None:
        self.stand = self.enter_context(Stand(self._installation))
        self.record = self.stand.directory / "taken.record"
        sink = self.enter_context(Process("bench.recording_sink", self.record, *self._sink_options))
        self.sink = sink
        port = self._sink_port = int(sink.line())
        self.api_port = free_port()
        self.stand.values |= {
            "api.port": self.api_port,
            "delivery.route": "relay",
            "delivery.relay_url": f"smtp://127.0.0.1:{port}",
            "delivery.connections": self.connections,
            "delivery.retry_seconds": "1,1,2,2,5",
            **self._values,
        }
        self._reader = self.reader()
        self._runnables |= dict(zip(SERVERS, (self.stand.postgres, self.stand.valkey), strict=True))
        variables = environment() | as_environment(self.stand.values) | {"PYTHONUNBUFFERED": "1"}
        variables.pop("PYTHONDONTWRITEBYTECODE", None)
        for name in (*PARTS, *self.deliveries):
            self._runnables[name] = self._part(name, variables)
        # Runs before the parts are stopped one after the other, so that they end at the same time.
        self.callback(self._ask_all)
        for name in (*PARTS, *self.deliveries):
            self._runnables[name].start()
        self.wait_for("the API", lambda: is_answering("127.0.0.1", self.api_port), 60)
        journals = self.stand.directory / "journals"
        self.wait_for("delivery", lambda: len(list(journals.glob("*.journal"))) >= len(self.deliveries), 60)

    def _part(self, name: str, variables: dict[str, str]) -> Part:
        log: BinaryIO = self.enter_context((self.stand.directory / f"{name}.log").open("ab"))
        part = Part(_command(name), variables, log.fileno())
        self.callback(part.stop, STOP_SECONDS)
        return part

    def _ask_all(self) -> None:
        for name in (*PARTS, *self.deliveries):
            self._runnables[name].ask()

    def reader(self) -> Reader:
        """Return a new reader of what the SMTP server has taken."""
        return Reader(self.record)

    def wait_for(self, what: str, condition: Callable[[], bool], seconds: float, *, every: float = 0.02) -> None:
        """Wait until something holds, and start again what ends meanwhile by itself.

        Raises:
            TimeoutError: It does not come to hold.
        """

        def look() -> bool:
            self.revive()
            return condition()

        wait_until(what, look, seconds, every=every)

    # ------------------------------------------------------------------ hands

    def revive(self) -> None:
        """Start again what has ended without being asked."""
        for name, runnable in self._runnables.items():
            if name not in self._down and runnable.poll() is not None:
                self.crashed += 1
                runnable.start()

    def end(self, *names: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send parts a signal and wait for their end; return the SMTP transactions that were open then.

        Raises:
            TimeoutError: One does not end in time.
        """
        before = self._reader.dropped
        self._down.update(names)
        running = [self._runnables[name] for name in names if self._runnables[name].poll() is None]
        for runnable in running:
            os.kill(runnable.pid, number)
        what = f"the end of {', '.join(names)} by {number.name}"
        wait_until(what, lambda: all(runnable.poll() is not None for runnable in running), STOP_SECONDS)
        return self._drops_since(before) if set(names) & set(self.deliveries) else 0

    def start_again(self, *names: str) -> None:
        """Start what `end` has ended."""
        for name in names:
            self._runnables[name].start()
            self._down.discard(name)

    def kill_backend(self, random: Random) -> None:
        """Kill one of PostgreSQL's processes that serve a connection; the server throws all of them out."""
        backends = [pid for pid, command in children(self.stand.postgres.pid) if "[local]" in command]
        if backends:
            os.kill(random.choice(sorted(backends)), signal.SIGKILL)

    def audit(self) -> list[str]:
        """Return what `trireme audit` complains of: nothing when ledger, queue and counters agree."""
        variables = as_environment(self.stand.values)
        log = self.stand.directory / f"audit-{time.monotonic_ns()}.log"
        audit = self.enter_context(Process("app", "audit", variables=variables, log=log))
        wait_until("the end of the audit", lambda: audit.status is not None, AUDIT_SECONDS)
        return [] if audit.status == 0 else [f"audit: {line}" for line in log.read_text().splitlines()]

    def pids(self, *names: str) -> list[int]:
        """Return the process ids of parts."""
        return [self._runnables[name].pid for name in names]

    def _drops_since(self, before: int) -> int:
        """Return how many sessions were lost since then.

        The SMTP server learns of them in the order in which they end: once it has answered a new one, it has noticed.
        """
        with SMTP("127.0.0.1", self._sink_port, timeout=NOTICE_SECONDS) as session:
            session.noop()
        return self._reader.dropped - before


def claims(recipients: int) -> dict[str, int]:
    """Return settings that make small campaigns be claimed in many pieces, as large ones are by themselves."""
    chunk = min(max(recipients // 200, 20), 500)
    return {
        "delivery_chunk_size": chunk,
        "delivery_claim_size": chunk // 2,
        "delivery_max_in_flight": 4 * chunk,
    }


def _command(name: str) -> list[str]:
    # -P: a folder `app` where the command is typed is not ours.
    return [sys.executable, "-P", "-m", "app", name.partition("-")[0]]


def children(pid: int) -> list[tuple[int, str]]:
    """Return process id and command line of the children of a process."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1]
            if int(parent) == pid:
                found.append((int(entry.name), (entry / "cmdline").read_text(encoding="utf-8", errors="replace")))
        except OSError:
            continue
    return found
