"""The world of automations, for each test."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.settings import Settings
from tests.core.automations.world import World
from tests.factories import Factories


@pytest.fixture
async def world(make: Factories, engine: AsyncEngine, settings: Settings) -> World:
    return await World(make, engine, settings).open()
