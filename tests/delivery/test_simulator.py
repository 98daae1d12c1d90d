"""Addresses at simulator.test have the outcome they name, and no server is asked."""

import pytest

from app.delivery import simulator
from app.mail.smtp.outcome import Status
from app.settings import Settings
from tests.delivery.conftest import Post, running
from tests.delivery.mailing import HoldingServer

ROWS = """
    SELECT split_part(messages.recipient, '@', 1) AS who, state, bounce_type, category, bounces.code
    FROM messages LEFT JOIN bounces ON bounces.message_id = messages.id
    ORDER BY messages.id
"""
STATES = "SELECT string_agg(state, ',' ORDER BY id) FROM messages"


async def test_each_address_has_its_outcome(to_server: Settings, server: HoldingServer, post: Post) -> None:
    names = ["delivered", "hardbounce+42", "softbounce", "defer+1", "Anything"]
    await post.accept(*(f"{name}@simulator.test" for name in names), "jo@example.org")
    async with running(to_server):
        await post.until(STATES, "delivered,bounced,bounced,deferred,delivered,delivered")
    assert [tuple(row.values()) for row in await post.rows(ROWS)] == [
        ("delivered", "delivered", None, None, None),
        ("hardbounce+42", "bounced", "hard", "bad-mailbox", "5.1.1"),
        ("softbounce", "bounced", "soft", "quota-issues", "5.2.2"),
        ("defer+1", "deferred", None, None, None),
        ("Anything", "delivered", None, None, None),
        ("jo", "delivered", None, None, None),
    ]
    assert await post.rows("SELECT DISTINCT host FROM attempts WHERE host LIKE '%simulator%'") == [
        {"host": "mx.simulator.test"}
    ]
    assert [message.recipient for message in server.messages] == ["jo@example.org"]


async def test_switched_off_it_is_a_domain_like_others(to_server: Settings, server: HoldingServer, post: Post) -> None:
    off = to_server.model_copy(update={"simulator": to_server.simulator.model_copy(update={"enabled": False})})
    await post.accept("hardbounce@simulator.test")
    async with running(off):
        await post.until(STATES, "delivered")
    assert [message.recipient for message in server.messages] == ["hardbounce@simulator.test"]


@pytest.mark.parametrize(
    ("local", "status"),
    [
        ("hardbounce", Status.REJECTED),
        ("HardBounce+x+y", Status.REJECTED),
        ("hardbounced", Status.DELIVERED),
        ("complaint", Status.DELIVERED),
        ("defer", Status.DEFERRED),
    ],
)
def test_the_local_part_up_to_a_plus_decides(local: str, status: Status) -> None:
    assert simulator.outcome_of(f"{local}@simulator.test").status is status
