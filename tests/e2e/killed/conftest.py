"""The product whose parts the tests of this folder kill; the supervisor starts them again."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.platform import Platform, Sink, platform, sink

PROCESSES = 2
"""Of delivery."""


@dataclass(frozen=True, slots=True)
class Victim:
    """A running product and the server its mail goes to."""

    running: Platform
    taken: Sink


@pytest.fixture(scope="package")
def victim(tmp_path_factory: pytest.TempPathFactory, installation: Path) -> Iterator[Victim]:
    directory = tmp_path_factory.mktemp("killed")
    with sink(directory, delay_ms=4) as taken:
        options = ("--relay", f"smtp://127.0.0.1:{taken.port}", "--workers", str(PROCESSES))
        with platform(directory, installation, *options) as running:
            yield Victim(running, taken)
