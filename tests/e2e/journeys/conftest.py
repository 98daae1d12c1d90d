"""The product on which the tests of this folder run, each file with an account of its own; nothing is killed here."""

from collections.abc import Iterator

import pytest

from tests.e2e.platform import Platform, platform


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A first start, as its first account sees it; mail goes to the sandbox inbox."""
    # What waits for something here asks more often than a customer would, and postbacks go to this machine.
    variables = {"TRIREME_LIMITS_DYNOSEND_PER_SECOND": "0", "TRIREME_OUTBOUND_ALLOW_PRIVATE_NETWORKS": "true"}
    with platform(tmp_path_factory.mktemp("journeys"), None, "--workers", "1", **variables) as running:
        yield running
