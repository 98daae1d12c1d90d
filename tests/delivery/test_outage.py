"""PostgreSQL goes away while a campaign is sent."""

from collections import Counter

import pytest

from app.delivery import keeper
from app.settings import Settings
from tests.delivery.conftest import running
from tests.delivery.mailing import HoldingServer, Mailing, tuned
from tests.fixtures.database import connect_to

CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


async def test_lost_connections_lose_nobody_and_double_nobody(
    to_server: Settings, server: HoldingServer, mailing: Mailing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Claims and outcomes are cut off at any point; what was committed unheard is found out."""
    monkeypatch.setattr(keeper, "UNKNOWN_SECONDS", 2.0)
    monkeypatch.setattr(keeper, "SWEEP_SECONDS", 0.2)
    run = await mailing.make.sending(await mailing.campaign(400))
    narrow = tuned(to_server, connections=2, chunk_size=20, max_in_flight=100, claim_size=20, lease_seconds=8.0)
    cutting = await connect_to(to_server.database_url)
    async with running(narrow):
        for _ in range(8):
            await server.has(min(len(server.messages) + 30, 400))
            await cutting.execute(CUT)
        await mailing.engine.dispose()  # the test's own were cut as well
        await mailing.done(run)
    await cutting.close()
    targets = await mailing.rows("SELECT address FROM run_targets")
    assert Counter(message.recipient for message in server.messages) == Counter(row["address"] for row in targets)
    assert await mailing.rows("SELECT FROM messages WHERE possible_duplicate OR attempts <> 1") == []
