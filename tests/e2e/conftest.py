"""What the tests of the whole product share."""

import fcntl
from pathlib import Path

import pytest

from tests.e2e import installation as first_start


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Path:
    """A data directory after its first start, to be copied; there is one for all processes of a run."""
    base = tmp_path_factory.getbasetemp()
    if hasattr(pytestconfig, "workerinput"):
        base = base.parent
    made = base / "installation"
    with (base / "installation.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            unfinished = tmp_path_factory.mktemp("first-start") / "data"
            first_start.make(unfinished)
            unfinished.rename(made)
    return made
