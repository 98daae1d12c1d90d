"""Mail by MX: a local name server, SMTP servers on loopback."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.settings import Settings
from tests.delivery.conftest import Post, running
from tests.delivery.mailing import HoldingServer, Mailing, tuned
from tests.fixtures.dns_server import DnsServer

ZONE = {
    ("one.test.", "MX"): ["10 mx.site.test."],
    ("two.test.", "MX"): ["10 mx.site.test."],
    ("other.test.", "MX"): ["10 mx.other.test."],
    ("mx.site.test.", "A"): ["127.0.0.1"],
    ("mx.other.test.", "A"): ["127.0.0.1"],
    ("plain.test.", "A"): ["127.0.0.1"],
    ("null.test.", "MX"): ["0 ."],
}


@pytest.fixture
async def names() -> AsyncIterator[DnsServer]:
    async with DnsServer(ZONE) as names:
        yield names


@pytest.fixture
def by_mx(to_server: Settings, server: HoldingServer, names: DnsServer) -> Settings:
    return tuned(
        to_server,
        route="mx",
        relay_url="",
        name_servers=[f"127.0.0.1:{names.port}"],
        allow_private=True,
        mx_port=server.port,
        mta_sts=False,
        ipv6=False,
    )


def shaped(settings: Settings, folder: Path, text: str) -> Settings:
    path = folder / "rules.toml"
    path.write_text(text)
    return tuned(settings, shaping_file=path)


def people_of(*domains: str, count: int = 3) -> dict[str, dict[str, object]]:
    return {f"person{number}@{domain}": {} for domain in domains for number in range(count)}


async def test_domains_with_the_same_servers_share_a_gate(
    by_mx: Settings, server: HoldingServer, mailing: Mailing
) -> None:
    run = await mailing.make.sending(await mailing.campaign(people_of("one.test", "two.test", "plain.test")))
    async with mailing.watched(), running(by_mx) as drain:
        await mailing.done(run)
        keys = list(drain._dispatcher._gates._gates)
    assert len(keys) == 2
    domains = Counter(message.recipient.partition("@")[2] for message in server.messages)
    assert domains == {"one.test": 3, "two.test": 3, "plain.test": 3}
    hosts = await mailing.rows("SELECT DISTINCT host FROM attempts ORDER BY 1")
    assert [row["host"].partition("[")[0].strip() for row in hosts] == ["mx.site.test", "plain.test"]


async def test_domains_that_take_no_mail_bounce_with_their_codes(
    by_mx: Settings, server: HoldingServer, mailing: Mailing, names: DnsServer
) -> None:
    names.failing.add("broken.test.")
    run = await mailing.make.sending(
        await mailing.campaign(people_of("null.test", "gone.test", "broken.test", "one.test", count=1))
    )
    async with running(by_mx):
        await mailing.until("SELECT count(*) FROM attempts", 4)
        await mailing.idle(run)
    attempts = await mailing.rows(
        """
        SELECT split_part(recipient, '@', 2) AS domain, state, enhanced
        FROM messages JOIN attempts ON message_id = id ORDER BY domain
        """
    )
    assert [tuple(row.values()) for row in attempts] == [
        ("broken.test", "deferred", "4.4.3"),
        ("gone.test", "bounced", "5.1.2"),
        ("null.test", "bounced", "5.1.10"),
        ("one.test", "delivered", "2.0.0"),
    ]
    bounces = await mailing.rows("SELECT bounce_type, code FROM bounces ORDER BY code")
    assert bounces == [{"bounce_type": "hard", "code": "5.1.10"}, {"bounce_type": "hard", "code": "5.1.2"}]
    await mailing.sound()


async def test_a_slow_site_leaves_the_process_to_others(
    by_mx: Settings, server: HoldingServer, mailing: Mailing, post: Post, tmp_path: Path
) -> None:
    slow = '[[site]]\nname = "slow"\nhosts = ["mx.site.test"]\nrate = "1/minute"\n'
    settings = tuned(shaped(by_mx, tmp_path, slow), max_in_flight=40, chunk_size=10, claim_size=10)
    run = await mailing.make.sending(await mailing.campaign(people_of("one.test", "two.test", count=20)))
    async with mailing.watched(), running(settings):
        # The minute's one mail may have gone, or wait for the next: that depends on when the limit was agreed upon.
        await mailing.until(
            "SELECT count(*) >= 39 FROM delivery_queue WHERE due_at > now() + interval '2 seconds'", True
        )
        await mailing.idle(run)
        await post.accept("jo@other.test")
        await mailing.until("SELECT count(*) FROM messages WHERE run_id IS NULL AND state = 'delivered'", 1)
        states = await mailing.states(run)
        assert states.get("delivered", 0) <= 1
        assert sum(states.values()) == 40
        sites = await mailing.rows("SELECT site, count(*) AS n, max(attempt) AS a FROM delivery_queue GROUP BY 1")
    assert {row["site"] for row in sites} == {"one.test", "two.test"}
    assert {row["a"] for row in sites} == {1}


async def test_a_new_sender_domain_sends_what_its_plan_allows(
    to_server: Settings, server: HoldingServer, mailing: Mailing, tmp_path: Path
) -> None:
    today = await mailing.value("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD')")
    plan = f'[warmup."young.example"]\nstarted_on = {today}\nper_day = [100]\n'
    young = await mailing.make.account(senders=["news@young.example"])
    run = await mailing.make.sending(await mailing.campaign(10, account=young))
    other = await mailing.make.sending(await mailing.campaign(10, domain="other.example"))
    async with mailing.watched(), running(shaped(to_server, tmp_path, plan)):
        await mailing.done(other)
        await mailing.until("SELECT state FROM messages WHERE run_id = $1 AND state = 'delivered'", "delivered", run.id)
        waiting = "SELECT count(*) FROM delivery_queue WHERE run_id = $1 AND attempt = 1 AND due_at > now()"
        await mailing.until(waiting, 9, run.id)
    assert len(server.messages) == 11


async def test_one_host_behind_many_names_is_asked_for_once(
    by_mx: Settings, mailing: Mailing, names: DnsServer, server: HoldingServer
) -> None:
    run = await mailing.make.sending(await mailing.campaign(people_of("one.test", count=50)))
    async with running(tuned(by_mx, chunk_size=10)):
        await mailing.done(run)
    assert names.questions.count("one.test. MX") == 1
    assert len(server.messages) == 50
