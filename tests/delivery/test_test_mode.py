"""Mail of an account in test mode is recorded as delivered and never leaves (docs/contract/native.md, 2)."""

from app.settings import Settings
from tests.delivery.conftest import Post, running
from tests.delivery.mailing import HoldingServer, Mailing

STATES = "SELECT string_agg(state, ',' ORDER BY id) FROM messages"
HOSTS = "SELECT host FROM attempts ORDER BY message_id"
SWITCH = "UPDATE accounts SET test_mode = $1, revision = revision + 1 WHERE id = $2"


async def test_single_mail_stays_and_counts_as_delivered(
    to_server: Settings, server: HoldingServer, post: Post
) -> None:
    account = await post.account()
    await post.accept("jo@example.org", "ann@nowhere.example", "hardbounce@simulator.test")
    await post.rows(SWITCH, True, account.id)
    async with running(to_server):
        await post.until(STATES, "delivered,delivered,bounced")
    assert server.messages == []
    assert [row["host"] for row in await post.rows(HOSTS)] == ["test-mode", "test-mode", "mx.simulator.test"]
    assert await post.rows("SELECT sum(delivered)::int AS n FROM hourly_counts") == [{"n": 2}]


async def test_the_switch_holds_for_what_is_claimed_from_then_on(
    to_server: Settings, server: HoldingServer, post: Post
) -> None:
    account = await post.account()
    async with running(to_server):
        for number, test_mode in enumerate((True, False, True), 1):
            await post.rows(SWITCH, test_mode, account.id)
            caller = await post._make.caller(account.key)
            await post.accept(f"r{number}@example.org", caller=caller)
            await post.until(STATES, ",".join(["delivered"] * number))
    assert [message.recipient for message in server.messages] == ["r2@example.org"]
    assert [row["host"] == "test-mode" for row in await post.rows(HOSTS)] == [True, False, True]


async def test_other_accounts_are_not_concerned(to_server: Settings, server: HoldingServer, post: Post) -> None:
    other = await post._make.account(senders=["info@example.net"])
    await post.rows(SWITCH, True, other.id)
    await post.accept("jo@example.org")
    async with running(to_server):
        await post.until(STATES, "delivered")
    assert len(server.messages) == 1


async def test_campaigns_stay_too_and_so_do_their_later_attempts(
    to_server: Settings, server: HoldingServer, mailing: Mailing
) -> None:
    account = await mailing.account()
    server.on("rcpt", "451 4.3.0 later", match="person1@")
    run = await mailing.make.sending(await mailing.campaign(2))
    async with running(to_server):
        await mailing.until("SELECT count(*) FROM delivery_queue", 1)
        await mailing.rows(SWITCH, True, account.id)
        await mailing.due()
        await mailing.done(run)
        second = await mailing.make.sending(await mailing.campaign(2))
        await mailing.done(second)
    assert await mailing.states(second) == {"delivered": 2}
    assert [message.recipient for message in server.messages] == ["person2@contacts.example"]
    assert (
        await mailing.rows("SELECT host FROM attempts WHERE outcome = 'delivered' AND host = 'test-mode'")
        == [{"host": "test-mode"}] * 3
    )
