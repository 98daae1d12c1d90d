"""A database of Valkey that no other test uses."""

from uuid import uuid4

import pytest


@pytest.fixture
def shaping_url(broker_server_url: str) -> str:
    """The URL of database 62, as Celery would write it."""
    server = broker_server_url.partition("?")[0]
    return f"{server}?virtual_host=62"


@pytest.fixture
def prefix() -> str:
    """A prefix of keys that is this test's own, so that tests may run beside each other."""
    return f"{{test:{uuid4()}}}:"
