"""The division of limits: the real script in a real Valkey, with the time given."""

import asyncio
import math
from contextlib import AsyncExitStack

import pytest

from app.valkey.client import client_url, connect
from app.valkey.shares import Begins, DayAsk, Shares, SiteAsk, ValkeyAway


async def workers(stack: AsyncExitStack, url: str, prefix: str, count: int) -> list[Shares]:
    """Return so many processes' sides of the exchange."""
    made = [Shares(url, f"worker-{number}", prefix=prefix) for number in range(count)]
    for shares in made:
        stack.push_async_callback(shares.close)
    return made


def test_the_brokers_url_is_understood() -> None:
    assert client_url("redis+socket:///run/v.sock?virtual_host=7") == "unix:///run/v.sock?db=7"
    assert client_url("redis+socket://:secret@/run/v.sock") == "unix://:secret@/run/v.sock?db=0"
    assert client_url("redis://host:1/2") == "redis://host:1/2"


async def test_leases_never_exceed_the_limit_and_become_fair(shaping_url: str, prefix: str) -> None:
    async with AsyncExitStack() as stack:
        four = await workers(stack, shaping_url, prefix, 4)
        demands = [math.inf, math.inf, 1.0, 4.0]
        held = [0.0] * 4
        ask = [SiteAsk("mx:a", 20.0, 10, demand) for demand in demands]
        for turn in range(12):
            worker = turn % 4
            answer = await four[worker].exchange([ask[worker]], now=100 + turn * 0.05)
            held[worker] = answer.sites[0].rate or 0.0
            assert sum(held) <= 20.0 + 1e-6
        assert held == pytest.approx([7.5, 7.5, 1.0, 4.0])
        assert (answer.workers, answer.rank) == (4, 3)


async def test_what_nobody_wants_is_spread_and_what_is_given_back_is_used(shaping_url: str, prefix: str) -> None:
    async with AsyncExitStack() as stack:
        first, second = await workers(stack, shaping_url, prefix, 2)
        low = SiteAsk("mx:a", 10.0, 5, 2.0)
        assert (await first.exchange([low], now=1)).sites[0].rate == pytest.approx(10.0)
        assert (await second.exchange([low], now=1.1)).sites[0].rate == pytest.approx(0.0)
        assert (await first.exchange([low], now=1.2)).sites[0].rate == pytest.approx(5.0)
        assert (await second.exchange([low], now=1.3)).sites[0].rate == pytest.approx(5.0)
        await second.exchange([SiteAsk("mx:a", 10.0, 5, leaves=True)], now=1.4)
        assert (await first.exchange([low], now=1.5)).sites[0].rate == pytest.approx(10.0)


async def test_a_dead_process_loses_its_lease(shaping_url: str, prefix: str) -> None:
    async with AsyncExitStack() as stack:
        first, second = await workers(stack, shaping_url, prefix, 2)
        ask = [SiteAsk("mx:a", 10.0, 4)]
        await first.exchange(ask, now=1)
        share = (await second.exchange(ask, now=3.9)).sites[0]
        assert (share.rate, share.connections) == (0.0, 0)
        answer = await second.exchange(ask, now=4.1)
        assert (answer.sites[0].rate, answer.sites[0].connections, answer.workers) == (10.0, 4, 2)
        assert (await second.exchange(ask, now=11.1)).workers == 1


async def test_connections_are_divided_and_each_has_one(shaping_url: str, prefix: str) -> None:
    async with AsyncExitStack() as stack:
        four = await workers(stack, shaping_url, prefix, 4)
        for limit in (4, 5, 10):
            held = [0] * 4
            for turn in range(12):
                answer = await four[turn % 4].exchange([SiteAsk(f"mx:{limit}", None, limit)], now=1 + turn * 0.01)
                held[turn % 4] = answer.sites[0].connections
                assert answer.sites[0].rate is None
                assert sum(held) <= limit
            assert sum(held) == limit
            assert max(held) - min(held) <= 1


async def test_with_fewer_connections_than_processes_the_turns_go_round(shaping_url: str, prefix: str) -> None:
    async with AsyncExitStack() as stack:
        four = await workers(stack, shaping_url, prefix, 4)
        held = [0] * 4
        had: set[int] = set()
        for turn in range(240):
            answer = await four[turn % 4].exchange([SiteAsk("mx:a", None, 2)], now=1000 + turn * 0.25)
            held[turn % 4] = answer.sites[0].connections
            assert sum(held) <= 2
            had |= {number for number, count in enumerate(held) if count}
        assert had == {0, 1, 2, 3}


async def test_who_comes_to_a_site_learns_whether_others_are_there(shaping_url: str, prefix: str) -> None:
    async with AsyncExitStack() as stack:
        first, second = await workers(stack, shaping_url, prefix, 2)
        ask, leave = [SiteAsk("mx:a", 1.0, 4)], [SiteAsk("mx:a", 1.0, 4, leaves=True)]
        assert (await first.exchange(ask, now=1)).sites[0].begins is Begins.FRESH
        assert (await first.exchange(ask, now=1.2)).sites[0].begins is Begins.GOES_ON
        await first.exchange(leave, now=1.4)
        assert (await first.exchange(ask, now=1.6)).sites[0].begins is Begins.GOES_ON, "no other came"
        assert (await second.exchange(ask, now=1.8)).sites[0].begins is Begins.AMONG_OTHERS
        await second.exchange(leave, now=2.0)
        await first.exchange(leave, now=2.2)
        assert (await first.exchange(ask, now=2.4)).sites[0].begins is Begins.AMONG_OTHERS, "the second was the last"


async def test_a_day_is_never_exceeded_and_spread(shaping_url: str, prefix: str) -> None:
    async with AsyncExitStack() as stack:
        two = await workers(stack, shaping_url, prefix, 2)
        mine = [0, 0]
        by_noon = 0
        for turn in range(2 * 24 * 60):
            now = turn * 30.0
            left = 86_400 - now
            ask = DayAsk("example.com:2026-11-20", 500, 5, mine[turn % 2], 5, left)
            answer = (await two[turn % 2].exchange(days=[ask], now=now)).days[0]
            if turn == 0:
                assert answer.granted == 5, "a small burst at once"
            mine[turn % 2] += answer.granted
            assert answer.total == sum(mine) <= 500
            by_noon = sum(mine) if now <= 43_200 else by_noon
        assert 240 <= by_noon <= 260
        assert 498 <= sum(mine) <= 500


async def test_a_day_survives_what_valkey_forgets(shaping_url: str, prefix: str) -> None:
    async with AsyncExitStack() as stack:
        (alone,) = await workers(stack, shaping_url, prefix, 1)
        ask = DayAsk("example.com:2026-11-20", 50, 5, mine=49, want=5, seconds_left=80_000)
        answer = (await alone.exchange(days=[ask], now=1)).days[0]
        assert (answer.granted, answer.total) == (1, 50)


async def test_a_server_that_never_answers_is_noticed_in_time() -> None:
    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await released.wait()
        writer.close()

    released = asyncio.Event()
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    shares = Shares(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0", "a")
    try:
        async with asyncio.timeout(5):
            with pytest.raises(ValkeyAway):
                await shares.exchange()
    finally:
        released.set()
        await shares.close()
        server.close()


async def test_no_server_is_an_error_of_ours() -> None:
    shares = Shares("redis://127.0.0.1:1/0", "a")
    with pytest.raises(ValkeyAway):
        await shares.exchange()
    await shares.close()


async def test_the_client_reaches_the_database_of_the_url(shaping_url: str) -> None:
    async with connect(shaping_url, reply_seconds=1.0) as client:
        assert client.connection_pool.connection_kwargs["db"] == 62
        assert await client.ping()
