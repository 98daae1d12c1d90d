"""The stage that all tests of the contract share."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.stage import Stage
from tests.contract.wire import Listener

BROKER_DATABASE = 63
"""Of the run's Valkey; no other test looks for nudges there."""


@pytest.fixture(scope="session")
async def stage(
    database_server_url: str, template_database: str, broker_server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    """One HTTP listener, and scenes to put behind it."""
    async with Listener().listening() as listener:
        broker_url = f"{broker_server_url}?virtual_host={BROKER_DATABASE}"
        directory = tmp_path_factory.mktemp("contract")
        stage = Stage(database_server_url, template_database, broker_url, directory, listener)
        yield stage
        await stage.close()
