"""One process, many who want to send: equal shares for accounts, and single mails before campaigns."""

from collections import Counter

from app.core.messages import Lane
from app.settings import Settings
from tests.delivery.conftest import Post, running
from tests.delivery.mailing import HoldingServer, Mailing, eventually, tuned

CHUNK = 10


async def test_an_account_with_five_campaigns_gets_no_more_than_one_with_one(
    to_server: Settings, server: HoldingServer, mailing: Mailing
) -> None:
    many = await mailing.make.account(senders=["many@example.com"])
    one = await mailing.make.account(senders=["one@example.com"])
    runs = [
        await mailing.make.sending(await mailing.campaign(60, account=many, domain=f"many{number}.example"))
        for number in range(5)
    ]
    runs.append(await mailing.make.sending(await mailing.campaign(150, account=one, domain="one.example")))
    narrow = tuned(to_server, connections=2, chunk_size=CHUNK, max_in_flight=60, claim_size=20)
    async with running(narrow):
        await server.has(200)
        half = Counter(message.recipient.partition("@")[2] for message in server.messages[:200])
        for run in runs:
            await mailing.done(run)
    assert abs(half["one.example"] - 100) <= 2 * CHUNK
    assert all(abs(half[f"many{number}.example"] - 20) <= 2 * CHUNK for number in range(5))
    assert len(server.messages) == 450


async def test_single_mails_overtake_a_campaign_that_fills_the_process(
    to_server: Settings, server: HoldingServer, mailing: Mailing, post: Post
) -> None:
    await post.account()  # whose mail is accepted while answers are held
    run = await mailing.make.sending(await mailing.campaign(200))
    narrow = tuned(to_server, connections=1, chunk_size=30, max_in_flight=80, claim_size=20)
    server.hold(after=5)
    async with running(narrow) as drain:
        await server.holds(1)
        await mailing.until("SELECT sum(cardinality(message_ids)) >= 60 FROM delivery_leases", True)
        await post.accept(*(f"urgent{number}@example.org" for number in range(5)), lane=Lane.URGENT)
        await post.accept("normal@example.org", lane=Lane.NORMAL)
        drain.wake()
        (gate,) = drain._dispatcher._gates._gates.values()
        await eventually(lambda: sum(len(lane) for lane in gate._lanes[:2]) == 6)
        ahead = len(server.messages)
        server.let_go()
        await mailing.until("SELECT count(*) FROM messages WHERE run_id IS NULL AND state = 'delivered'", 6)
        order = [message.recipient for message in server.messages]
        single = [place for place, recipient in enumerate(order) if recipient.endswith("@example.org")]
        await mailing.done(run)
    # One was open, the envelope of the next may have been on its way.
    assert single == list(range(single[0], single[0] + 6))
    assert single[0] - ahead <= 2
    assert order[single[-1]] == "normal@example.org"
