"""Taking over from processes that are gone."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from app.core import messages
from app.core.messages import Copy, Owner
from app.db.engine import driver_connection
from app.delivery import keeper, recovery
from app.delivery.host import host_id
from app.delivery.journal import Journal
from app.delivery.retry import Policy, decide
from app.mail.smtp.outcome import Outcome, Status
from app.settings import Settings
from tests.core.messages.conftest import RULES
from tests.delivery.conftest import Post, running
from tests.fixtures.smtp_server import SmtpServer

TAKEN = Outcome(Status.DELIVERED, 250, "2.0.0", "2.0.0 Ok: queued as 4XyZ", "mx.example.org", 12)
STATES = "SELECT string_agg(state, ',' ORDER BY id) FROM messages"


async def claim(post: Post, owner: Owner) -> list[Copy]:
    async with driver_connection(post.engine) as connection:
        return await messages.claim_due(connection, owner, limit=100, lease_seconds=60)


async def test_what_the_journal_tells_is_recorded_and_only_what_is_in_doubt_is_sent_again(
    to_server: Settings, server: SmtpServer, post: Post
) -> None:
    await post.accept("untouched@example.org", "doubt@example.org", "taken@example.org", "refused@example.org")
    owner = Owner(host_id(to_server.data_dir), uuid4())
    copies = {copy.recipient.split("@")[0]: copy for copy in await claim(post, owner)}
    journal = Journal(to_server.data_dir / "journals", owner.incarnation, slots=10)
    for name in ("doubt", "taken", "refused"):
        journal.begin(copies[name].message_id, 1)
    journal.finish(copies["taken"].message_id, 1, TAKEN)
    journal.finish(copies["refused"].message_id, 1, Outcome(Status.REJECTED, 550, "5.1.1", "550 5.1.1 no", "mx", 1))
    journal._map.close()
    journal._file.close()

    async with running(to_server):
        await post.until(STATES, "delivered,delivered,delivered,bounced")

    assert sorted(message.recipient for message in server.messages) == ["doubt@example.org", "untouched@example.org"]
    flags = await post.rows(
        "SELECT split_part(recipient, '@', 1) AS name, possible_duplicate AS d FROM messages ORDER BY id"
    )
    assert [(row["name"], row["d"]) for row in flags] == [
        ("untouched", False),
        ("doubt", True),
        ("taken", False),
        ("refused", False),
    ]
    outcomes = await post.rows(
        "SELECT string_agg(outcome, ',' ORDER BY attempt) AS o FROM attempts GROUP BY message_id ORDER BY message_id"
    )
    assert [row["o"] for row in outcomes] == ["delivered", "in_doubt,delivered", "delivered", "rejected"]
    assert await post.rows("SELECT delivered, hard_bounces FROM hourly_counts WHERE delivered > 0") == [
        {"delivered": 3, "hard_bounces": 1}
    ]
    assert await post.rows("SELECT FROM delivery_leases") == []
    assert list((to_server.data_dir / "journals").iterdir()) == []


async def test_what_was_recorded_before_the_end_is_not_touched(
    to_server: Settings, server: SmtpServer, post: Post
) -> None:
    """The process was killed between its commit and forgetting its note."""
    await post.accept("jo@example.org")
    async with running(to_server):
        await post.until(STATES, "delivered")
    row = (await post.rows("SELECT message_id FROM attempts"))[0]
    journal = Journal(to_server.data_dir / "journals", uuid4(), slots=10)
    journal.begin(row["message_id"], 1)
    journal._map.close()
    journal._file.close()
    async with running(to_server):
        await post.accept("ann@example.org")
        await post.until(STATES, "delivered,delivered")
        await post.gone(journal.path)
    assert len(server.messages) == 2


async def test_the_leases_of_a_living_process_are_left_alone(
    to_server: Settings, server: SmtpServer, post: Post
) -> None:
    await post.accept("held@example.org")
    owner = Owner(host_id(to_server.data_dir), uuid4())
    await claim(post, owner)
    journal = Journal(to_server.data_dir / "journals", owner.incarnation, slots=10)
    async with running(to_server):
        await post.accept("jo@example.org")
        await post.until(STATES, "queued,delivered")
    assert [message.recipient for message in server.messages] == ["jo@example.org"]
    journal.close()


async def test_another_host_is_taken_over_late_and_flagged(
    to_server: Settings, server: SmtpServer, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "GRACE_SECONDS", 0.0)
    await post.accept("jo@example.org")
    await claim(post, Owner("elsewhere", uuid4()))
    await post.rows("UPDATE delivery_leases SET lease_until = now() - interval '1 second'")
    short = to_server.model_copy(update={"delivery": to_server.delivery.model_copy(update={"lease_seconds": 0.2})})
    async with running(short):
        await post.until(STATES, "delivered")
    assert await post.rows("SELECT possible_duplicate AS d FROM messages") == [{"d": True}]
    assert [row["outcome"] for row in await post.rows("SELECT outcome FROM attempts ORDER BY attempt")] == [
        "in_doubt",
        "delivered",
    ]


async def test_a_late_outcome_of_the_old_owner_wins_and_is_kept_beside_the_new_one(
    to_server: Settings, server: SmtpServer, post: Post
) -> None:
    """A process that lost its lease in an outage comes back with what the server told it."""
    await post.accept("jo@example.org")
    owner = Owner("elsewhere", uuid4())
    (copy,) = await claim(post, owner)
    async with driver_connection(post.engine) as connection:
        (orphan,) = await messages.orphaned_leases(connection, Owner("here", uuid4()), grace_seconds=-120)
        taker = Owner("here", uuid4())
        (undone,) = await messages.take_over(connection, orphan, taker, lease_seconds=60)
        policy, now = Policy.of(to_server), datetime.now(UTC)
        rejected = decide(undone, Outcome(Status.REJECTED, 550, "", "550 no", "mx", 1), now=now, policy=policy)
        await messages.record(connection, [rejected], ended_leases=[undone.lease_id], rules=RULES)
        late = decide(copy, TAKEN, now=datetime.now(UTC), policy=policy)
        await messages.record(connection, [late], rules=RULES)
    assert await post.rows("SELECT state, possible_duplicate AS d, bounced_at IS NOT NULL AS b FROM messages") == [
        {"state": "delivered", "d": True, "b": True}
    ]
    assert await post.rows("SELECT count(*) AS n FROM attempts") == [{"n": 2}]


async def test_a_claim_whose_answer_was_lost_is_given_back(
    to_server: Settings, server: SmtpServer, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands in the name of a process that lives and knows nothing of it."""
    monkeypatch.setattr(keeper, "UNKNOWN_SECONDS", 0.0)
    monkeypatch.setattr(keeper, "SWEEP_SECONDS", 0.05)
    quick = to_server.model_copy(update={"delivery": to_server.delivery.model_copy(update={"lease_seconds": 0.2})})
    async with running(quick) as drain:
        idle = quick.model_copy(update={"delivery": quick.delivery.model_copy(update={"claim_size": 0})})
        monkeypatch.setattr(drain._claimer, "_settings", idle)
        await post.accept("jo@example.org")
        assert await claim(post, drain._owner)
        await post.until("SELECT count(*) FROM delivery_queue", 1)
        monkeypatch.undo()
        await post.until(STATES, "delivered")
    assert await post.rows("SELECT possible_duplicate AS d FROM messages") == [{"d": False}]
    assert len(server.messages) == 1
