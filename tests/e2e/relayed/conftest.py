"""The product on which the tests of this folder run, and the other mail server, which takes all its mail."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.processes import Process
from bench.record import Reader
from tests.e2e.platform import Platform, platform

LATENCY_MS = 12
"""Of each reply of the SMTP server: a campaign takes long enough to be paused in the middle on any machine."""
MARKS = ("Subject: ", "X-Trireme-Message: ", "<mailto:")
"""What the SMTP server notes of a mail, each up to the end of the word."""


@dataclass(frozen=True, slots=True)
class Relayed:
    """A running product and what another mail server has taken of it."""

    running: Platform
    record: Path

    def reader(self) -> Reader:
        """Return a reader of what is taken from now on."""
        reader = Reader(self.record)
        reader.skip()
        return reader


@pytest.fixture(scope="package")
def relayed(tmp_path_factory: pytest.TempPathFactory, installation: Path) -> Iterator[Relayed]:
    directory = tmp_path_factory.mktemp("relayed")
    record = directory / "taken.record"
    marks = (option for mark in MARKS for option in ("--mark", mark))
    # What waits for something here asks more often than a customer would, and webhooks go to this machine.
    variables = {"TRIREME_LIMITS_DYNO_PER_SECOND": "0", "TRIREME_OUTBOUND_ALLOW_PRIVATE_NETWORKS": "true"}
    with Process("bench.recording_sink", record, "--latency-ms", LATENCY_MS, *marks) as server:
        options = ("--relay", f"smtp://127.0.0.1:{server.line()}", "--workers", "1")
        with platform(directory, installation, *options, **variables) as running:
            yield Relayed(running, record)
