"""From the queue to a real SMTP server and back into the ledger."""

import asyncio
import email
import email.policy
from datetime import UTC, datetime, timedelta

import pytest

from app.core import contacts, messages
from app.core.messages import Lane
from app.core.suppressions import Reason
from app.db.unit_of_work import unit_of_work
from app.delivery import singles
from app.delivery.drain import Drain
from app.kit.secrets import derive
from app.mail import verp
from app.settings import Settings
from tests.delivery.conftest import Post, running
from tests.fixtures.smtp_server import DROP, SmtpServer

STATES = "SELECT string_agg(state, ',' ORDER BY id) FROM messages"


async def test_each_copy_goes_out_once_with_its_own_return_path(
    to_server: Settings, server: SmtpServer, post: Post
) -> None:
    accepted = await post.accept("jo@example.org", "ann@example.net", text="Good day.", html="<p>Good day.</p>")
    async with running(to_server):
        await post.until(STATES, "delivered,delivered")

    by_recipient = {message.recipient: message for message in server.messages}
    assert sorted(by_recipient) == ["ann@example.net", "jo@example.org"]
    keys = [derive(key, "verp") for key in to_server.secret_keys]
    for message_id, recipient in zip(accepted.message_ids, ("jo@example.org", "ann@example.net"), strict=True):
        message = by_recipient[recipient]
        local, domain = recipient.split("@")
        assert message.mail_from.endswith(f"+{local}={domain}@bounces.example.com")
        token = verp.token_of(message.mail_from)
        assert token is not None
        assert verp.decode(keys, token) == (int(accepted.accepted_at.timestamp()), message_id)
        parsed = email.message_from_bytes(message.data, policy=email.policy.SMTP)
        assert parsed["To"] == "jo@example.org, ann@example.net"
        assert parsed["X-Trireme-Message"] == token
        assert parsed.get_content_type() == "multipart/alternative"
        assert [part.get_content().strip() for part in parsed.iter_parts()] == ["Good day.", "<p>Good day.</p>"]
    ids = {email.message_from_bytes(message.data)["Message-ID"] for message in server.messages}
    assert len(ids) == 1


async def test_outcome_attempt_and_counters_are_recorded_together(
    to_server: Settings, server: SmtpServer, post: Post
) -> None:
    server.on("rcpt", "550 5.1.1 <gone@example.org>: User unknown", match="gone@")
    server.on("rcpt", "451 4.7.1 Greylisted, try later", match="grey@")
    await post.accept("ok@example.org", "gone@example.org", "grey@example.org")
    async with running(to_server):
        await post.until(STATES, "delivered,bounced,deferred")

    attempts = await post.rows("SELECT attempt, outcome, code, enhanced, reply, host FROM attempts ORDER BY message_id")
    assert [(row["attempt"], row["outcome"], row["code"]) for row in attempts] == [
        (1, "delivered", 250),
        (1, "rejected", 550),
        (1, "deferred", 451),
    ]
    assert "User unknown" in attempts[1]["reply"]
    bounce = (await post.rows("SELECT * FROM bounces"))[0]
    assert (bounce["bounce_type"], bounce["category"], bounce["code"], bounce["recipient"]) == (
        "hard",
        "bad-mailbox",
        "5.1.1",
        "gone@example.org",
    )
    counts = await post.rows(
        "SELECT sum(accepted) a, sum(delivered) d, sum(hard_bounces) h, sum(deferred) r FROM hourly_counts"
    )
    assert counts == [{"a": 3, "d": 1, "h": 1, "r": 1}]
    assert counts == await post.rows(
        "SELECT sum(accepted) a, sum(delivered) d, sum(hard_bounces) h, sum(deferred) r FROM daily_counts"
    )
    queue = await post.rows("SELECT attempt, due_at > now() + interval '50 minutes' AS later FROM delivery_queue")
    assert queue == [{"attempt": 2, "later": True}]
    assert await post.rows("SELECT FROM delivery_leases") == []


async def test_a_deferred_copy_is_tried_again_with_the_same_message_id(
    to_server: Settings, server: SmtpServer, post: Post
) -> None:
    server.on("dot", "451 4.3.0 later", times=1)
    await post.accept("jo@example.org")
    async with running(to_server) as drain:
        await post.until(STATES, "deferred")
        await post.rows("UPDATE delivery_queue SET due_at = now()")
        drain.wake()
        await post.until(STATES, "delivered")
    assert [row["outcome"] for row in await post.rows("SELECT outcome FROM attempts ORDER BY attempt")] == [
        "deferred",
        "delivered",
    ]
    assert len(server.messages) == 1


async def test_a_copy_whose_lifetime_is_spent_bounces(to_server: Settings, server: SmtpServer, post: Post) -> None:
    server.on("rcpt", "452 4.2.2 Mailbox full")
    await post.accept("jo@example.org", received_at=datetime.now(UTC) - timedelta(hours=71, minutes=30))
    async with running(to_server):
        await post.until(STATES, "bounced")
    bounce = (await post.rows("SELECT bounce_type, category, code FROM bounces"))[0]
    assert bounce == {"bounce_type": "soft", "category": "quota-issues", "code": "4.2.2"}


async def test_a_connection_lost_after_the_final_dot_is_in_doubt(
    to_server: Settings, server: SmtpServer, post: Post
) -> None:
    server.on("dot", DROP, times=1)
    await post.accept("jo@example.org")
    async with running(to_server) as drain:
        await post.until(STATES, "uncertain")
        assert await post.rows("SELECT possible_duplicate AS d FROM messages") == [{"d": True}]
        await post.rows("UPDATE delivery_queue SET due_at = now()")
        drain.wake()
        await post.until(STATES, "delivered")
    assert await post.rows("SELECT possible_duplicate AS d FROM messages") == [{"d": True}]


async def test_in_doubt_may_be_held(to_server: Settings, server: SmtpServer, post: Post) -> None:
    hold = to_server.model_copy(update={"delivery": to_server.delivery.model_copy(update={"in_doubt": "hold"})})
    server.on("dot", DROP, times=1)
    await post.accept("jo@example.org")
    async with running(hold):
        await post.until(STATES, "uncertain")
    assert await post.rows("SELECT FROM delivery_queue") == []


async def test_who_is_suppressed_after_acceptance_is_not_mailed(
    to_server: Settings, server: SmtpServer, post: Post
) -> None:
    await post.accept("jo@example.org", "gone@example.org")
    async with unit_of_work(post.engine) as write:
        await contacts.suppress(write, (await post.account()).id, ["gone@example.org"], Reason.UNSUBSCRIBE)
    async with running(to_server):
        await post.until(STATES, "delivered,blocked")
    assert [message.recipient for message in server.messages] == ["jo@example.org"]
    assert await post.rows("SELECT blocked_unsubscribe AS n FROM hourly_counts") == [{"n": 1}]


async def test_urgent_mail_overtakes(to_server: Settings, server: SmtpServer, post: Post) -> None:
    await post.accept("later@example.org", lane=Lane.NON_URGENT)
    await post.accept("normal@example.org", lane=Lane.NORMAL)
    await post.accept("urgent@example.org", lane=Lane.URGENT)
    narrow = to_server.model_copy(update={"delivery": to_server.delivery.model_copy(update={"connections": 1})})
    async with running(narrow):
        await post.until(STATES, "delivered,delivered,delivered")
    assert [message.recipient for message in server.messages] == [
        "urgent@example.org",
        "normal@example.org",
        "later@example.org",
    ]


async def test_a_wake_up_that_comes_twice_or_never_changes_nothing(
    to_server: Settings, server: SmtpServer, post: Post
) -> None:
    async with running(to_server) as drain:
        for _ in range(5):
            drain.wake()
        await post.accept(*(f"{n}@example.org" for n in range(20)))
        await post.until("SELECT count(*) FROM messages WHERE state = 'delivered'", 20)
    assert len(server.messages) == 20


async def test_two_processes_share_the_queue(to_server: Settings, server: SmtpServer, post: Post) -> None:
    await post.accept(*(f"{n}@example.org" for n in range(300)))
    small = to_server.model_copy(
        update={"delivery": to_server.delivery.model_copy(update={"claim_size": 20, "max_in_flight": 40})}
    )
    async with running(small), running(small):
        await post.until("SELECT count(*) FROM messages WHERE state = 'delivered'", 300)
    assert sorted(message.recipient for message in server.messages) == sorted(f"{n}@example.org" for n in range(300))
    assert await post.rows("SELECT count(*) AS n FROM attempts") == [{"n": 300}]


async def test_stopping_leaves_nothing_claimed(to_server: Settings, server: SmtpServer, post: Post) -> None:
    await post.accept(*(f"{n}@example.org" for n in range(200)))
    async with running(to_server):
        await post.until("SELECT count(*) > 0 FROM messages WHERE state = 'delivered'", True)
    left = await post.rows("SELECT count(*) AS n FROM delivery_queue")
    done = await post.rows("SELECT count(*) AS n FROM messages WHERE state = 'delivered'")
    assert left[0]["n"] + done[0]["n"] == 200
    assert len(server.messages) == done[0]["n"]
    assert await post.rows("SELECT FROM delivery_leases") == []
    assert list((to_server.data_dir / "journals").iterdir()) == []


async def test_more_content_than_fits_into_memory_is_sent_piece_by_piece(
    to_server: Settings, server: SmtpServer, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(singles, "ROOM_BYTES", 20_000)
    monkeypatch.setattr(singles, "SLICE_BYTES", 5_000)
    for number in range(40):
        await post.accept(f"{number}@example.org", f"{number}@example.net", text=f"{number} " * 1000)
    await post.accept("large@example.org", text="large " * 10_000)
    async with running(to_server):
        await post.until("SELECT count(*) FROM messages WHERE state = 'delivered'", 81)
    sent = {message.recipient: email.message_from_bytes(message.data) for message in server.messages}
    assert len(server.messages) == len(sent) == 81
    for number in range(40):
        body = sent[f"{number}@example.org"].get_payload(decode=True)
        assert isinstance(body, bytes)
        assert body.split()[0] == str(number).encode()


async def test_a_mail_that_can_not_be_composed_is_heard_of_again(
    to_server: Settings, server: SmtpServer, post: Post
) -> None:
    await post.accept("broken@example.org", headers=(("Not a header name", "x"),))
    await post.accept("jo@example.org")
    async with running(to_server):
        await post.until(STATES, "deferred,delivered")
    attempts = await post.rows("SELECT outcome, enhanced, reply FROM attempts ORDER BY message_id LIMIT 1")
    assert attempts == [{"outcome": "deferred", "enhanced": "4.3.0", "reply": "internal error"}]
    assert [message.recipient for message in server.messages] == ["jo@example.org"]


async def test_a_process_that_can_not_record_ends_and_the_next_one_knows(
    to_server: Settings, server: SmtpServer, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("not foreseen")

    await post.accept("jo@example.org")
    with monkeypatch.context() as broken:
        broken.setattr(messages, "record", fail)
        await asyncio.wait_for(Drain(to_server).run(), 20)
    assert len(server.messages) == 1
    async with running(to_server):
        await post.until(STATES, "delivered")
    assert len(server.messages) == 1
