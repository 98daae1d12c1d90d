"""What the tests of webhooks share."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import driver_connection
from tests.core.webhooks.world import World
from tests.factories import Factories


@pytest.fixture
async def world(make: Factories, engine: AsyncEngine) -> AsyncIterator[World]:
    async with driver_connection(engine) as connection:
        world = World(make, engine, connection)
        await world.open()
        yield world
