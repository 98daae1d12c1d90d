"""A pytest plugin (`-p tests.e2e.side_by_side`): which tests stay in one process when several run side by side.

Those of a file, whose steps follow each other, and those of a folder below this one, which share what is running. What
xdist offers for that (`--dist loadgroup`) does nothing with this pytest.
"""

from pathlib import PurePosixPath

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

HERE = PurePosixPath("tests/e2e")


class Together(LoadScopeScheduling):  # type: ignore[misc]
    """Gives a process whole files and folders, those with the most tests first."""

    def _split_scope(self, nodeid: str) -> str:
        file = PurePosixPath(nodeid.partition("::")[0])
        return str(file.parent if HERE in file.parent.parents else file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Together:
    """Return what hands the tests out."""
    return Together(config, log)
