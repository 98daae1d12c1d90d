"""The service without its parts: for what needs no database, hundreds of times faster."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from app.main import create_app
from tests.fixtures.bare import bare_settings


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a main listener whose parts were never started."""
    transport = httpx2.ASGITransport(create_app(bare_settings(tmp_path)), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://mail.example.com") as client:
        yield client
