"""`/t`: the pixel and the click."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from app.core import tracking
from app.core.tracking import targets
from app.db.engine import make_engine
from app.db.unit_of_work import reading
from app.mail.tracking import Purpose, read_click
from app.main import Application
from app.web.tracking import GIF
from app.web.visitors import keys_of
from app.web.visitors import links_of as links_to
from tests.fixtures.bare import bare_settings
from tests.fixtures.database import administer
from tests.web.conftest import Stage, links_of

NO_TARGETS = (
    "javascript:alert(1)",
    "//evil.example/",
    "/local",
    "data:text/html,x",
    "https://",
    "ftp://a.example/",
    "http://a.example/\r\nSet-Cookie: a=b",
    "http://a.example/ b",
    "http://a.example/\x7f",
    "http://\u212a.example/",  # a sign that ignoring case makes a k
    "https://a.example/ü",
    "",
)
FORWARDED = {"X-Forwarded-For": "203.0.113.9", "User-Agent": "Mozilla/5.0 (X11; Linux)"}


class TestPixel:
    async def test_an_open_is_recorded_before_the_answer(self, client: httpx2.AsyncClient, stage: Stage) -> None:
        answer = await client.get(stage.links.pixel, headers=FORWARDED)
        assert (answer.status_code, answer.content) == (200, GIF)
        assert answer.headers["content-type"] == "image/gif"
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
        (row,) = await stage.fetch("SELECT * FROM opens")
        assert (row["message_id"], row["account_id"]) == (stage.links.message_id, stage.account.id)
        assert row["ip"] == "127.0.0.1", "nobody's X-Forwarded-For is believed without a trusted proxy"
        assert row["user_agent"] == FORWARDED["User-Agent"]

    async def test_every_fetch_is_an_open_and_one_is_unique(self, client: httpx2.AsyncClient, stage: Stage) -> None:
        await asyncio.gather(*[client.get(stage.links.pixel) for _ in range(20)])
        (row,) = await stage.fetch("SELECT sum(opens) AS opens, sum(unique_opens) AS uniques FROM hourly_counts")
        assert (row["opens"], row["uniques"]) == (20, 1)

    async def test_a_bad_token_gets_the_image_and_records_nothing(
        self, client: httpx2.AsyncClient, stage: Stage
    ) -> None:
        good = stage.links.of(Purpose.OPEN)
        other = links_of("another secret key that is long enough", stage.links.message_id, stage.links.accepted_at)
        tokens = {
            "altered": ("b" if good[0] != "b" else "c") + good[1:],
            "altered MAC": good[:-1] + ("b" if good[-1] != "b" else "c"),
            "upper case": good.upper(),
            "of another purpose": stage.links.of(Purpose.UNSUBSCRIBE),
            "of a click": stage.links.click()[5:],
            "of an unknown key": other.of(Purpose.OPEN),
            "with a line break": good + "%0A",
            "garbage": "%00%0D%0A..<script>",
            "long": "a" * 5000,
        }
        for kind, token in tokens.items():
            answer = await client.get(f"/t/o/{token}.gif")
            assert (answer.status_code, answer.content) == (200, GIF), kind
        assert await stage.traces() == 0

    async def test_a_copy_that_is_gone_gets_the_image(self, client: httpx2.AsyncClient, stage: Stage) -> None:
        gone = links_of(stage.settings.secret_keys[0], 2**40, stage.links.accepted_at)
        ancient = links_of(stage.settings.secret_keys[0], 5, datetime(1999, 1, 1, tzinfo=UTC))
        for links in (gone, ancient):
            assert (await client.get(links.pixel)).status_code == 200
        assert await stage.traces() == 0

    async def test_a_head_records_nothing_and_no_other_method_is_allowed(
        self, client: httpx2.AsyncClient, stage: Stage
    ) -> None:
        answer = await client.head(stage.links.pixel)
        assert (answer.status_code, answer.headers["content-length"]) == (200, str(len(GIF)))
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
            answer = await client.request(method, stage.links.pixel)
            assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
            assert answer.headers["content-type"].startswith("text/html")
        assert await stage.traces() == 0

    async def test_it_is_answered_when_events_can_not_be_taken(
        self, client: httpx2.AsyncClient, stage: Stage, app: Application
    ) -> None:
        await app.site.pages.state.runtime.events.close()  # refuses what comes later, as a full queue does
        assert (await client.get(stage.links.pixel)).content == GIF
        assert (await client.get(stage.links.click())).status_code == 302


class TestClick:
    async def test_a_click_is_recorded_and_leads_to_its_target(self, client: httpx2.AsyncClient, stage: Stage) -> None:
        answer = await client.get(stage.links.click(0) + "?url=https://evil.example", headers=FORWARDED)
        assert answer.status_code == 302
        assert answer.headers["location"] == "https://shop.example/sale"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        (row,) = await stage.fetch("SELECT * FROM clicks")
        assert (row["link"], row["url"]) == (0, "https://shop.example/sale")
        assert await stage.count("opens") == 0, "a click is not also an open"

    async def test_a_target_has_the_values_of_the_copy(self, client: httpx2.AsyncClient, stage: Stage) -> None:
        year = stage.links.accepted_at.year
        location = (await client.get(stage.links.click(1))).headers["location"]
        assert location.startswith("https://shop.example/for/Jo%20&%20%3Cb%3ECo%3C/b%3E?list=")
        assert location.endswith(f"&year={year}")
        assert (await client.get(stage.links.click(2))).headers["location"] == "https://jo.example/landing"
        own = (await client.get(stage.links.click(3))).headers["location"]
        assert own.endswith(f"%2Fu%2F{stage.links.of(Purpose.UNSUBSCRIBE)}"), "a link of ours is that of the mail"

    async def test_two_equal_clicks_at_once_count_one_unique(self, client: httpx2.AsyncClient, stage: Stage) -> None:
        answers = await asyncio.gather(*[client.get(stage.links.click(0)) for _ in range(10)])
        assert {answer.status_code for answer in answers} == {302}
        (row,) = await stage.fetch("SELECT sum(clicks) AS clicks, sum(unique_clicks) AS uniques FROM hourly_counts")
        assert (row["clicks"], row["uniques"]) == (10, 1)

    async def test_values_of_several_audiences_are_those_of_the_copy(
        self, client: httpx2.AsyncClient, stage: Stage
    ) -> None:
        second = await stage.make.audience(stage.account, name="Second & last", fields=["FIRST_NAME"])
        await stage.make.contact(second, "other@readers.example")
        html = '<a href="https://shop.example/{{ LIST_NAME }}">x</a>'
        copies = await stage.campaign_copies([stage.audience, second], html)
        found = {}
        for copy in copies:
            links = links_of(stage.settings.secret_keys[0], copy.message_id, copy.accepted_at)
            found[copy.recipient] = (await client.get(links.click(0))).headers["location"]
        assert found["other@readers.example"] == "https://shop.example/Second%20&%20last"
        assert found["jo@readers.example"] != found["other@readers.example"]

    async def test_a_single_mail_has_its_own_links(self, client: httpx2.AsyncClient, stage: Stage) -> None:
        links = await stage.single_links(links=["https://a.example/1", "https://b.example/2"])
        assert (await client.get(links.click(1))).headers["location"] == "https://b.example/2"
        assert (await client.get(links.click(2))).status_code == 404
        none = await stage.single_links(links=None)
        assert (await client.get(none.click(0))).status_code == 404

    async def test_what_is_no_web_address_is_no_target(self, client: httpx2.AsyncClient, stage: Stage) -> None:
        links = await stage.single_links(links=NO_TARGETS)
        for number, target in enumerate(NO_TARGETS):
            answer = await client.get(links.click(number))
            assert (answer.status_code, "location" in answer.headers) == (404, False), target
        assert await stage.traces() == 0

    async def test_values_can_not_break_out_of_a_target(self, client: httpx2.AsyncClient, stage: Stage) -> None:
        audience = await stage.make.audience(stage.account, fields=["FIRST_NAME", "HOST"])
        for host in ("evil.example/#", "evil.example\\", "a b", "evil.example/\r\nX: y", "[", "a@b", "", "ü.example"):
            await stage.make.contact(audience, fields={"HOST": host})
        for copy in await stage.campaign_copies([audience]):
            links = links_of(stage.settings.secret_keys[0], copy.message_id, copy.accepted_at)
            answer = await client.get(links.click(2))
            location = answer.headers.get("location", "https://")
            assert answer.status_code in {302, 404}
            assert location.startswith("https://")
            assert not set(location) & set("\r\n \\")

    async def test_a_bad_token_is_not_found(self, client: httpx2.AsyncClient, stage: Stage) -> None:
        good = stage.links.click(0)[5:]
        other = links_of("another secret key that is long enough", stage.links.message_id, stage.links.accepted_at)
        tokens = {
            "altered MAC": good[:-1] + ("b" if good[-1] != "b" else "c"),
            "altered number": good[:19] + "b" + good[20:],
            "of another purpose": stage.links.of(Purpose.OPEN),
            "of an unknown key": other.click(0)[5:],
            "of no link": stage.links.click(19)[5:],
            "of no copy": links_of(stage.settings.secret_keys[0], 2**40, stage.links.accepted_at).click(0)[5:],
            "with a line break": good + "%0A",
            "garbage": "%0D%0ALocation:%20https:%2F%2Fevil.example",
            "long": "a" * 5000,
        }
        for kind, token in tokens.items():
            answer = await client.get(f"/t/c/{token}")
            assert (answer.status_code, "location" in answer.headers) == (404, False), kind
            assert answer.headers["content-type"].startswith("text/html")
        assert await stage.traces() == 0

    async def test_a_head_leads_there_and_records_nothing(self, client: httpx2.AsyncClient, stage: Stage) -> None:
        answer = await client.head(stage.links.click(0))
        assert (answer.status_code, answer.headers["location"]) == (302, "https://shop.example/sale")
        assert (await client.head("/t/c/aaaa")).status_code == 404
        answer = await client.post(stage.links.click(0))
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
        assert await stage.traces() == 0

    async def test_while_the_database_is_away_known_links_lead_on_and_their_clicks_are_recorded_later(
        self, client: httpx2.AsyncClient, stage: Stage, app: Application, database_server_url: str
    ) -> None:
        assert (await client.get(stage.links.click(0))).status_code == 302
        name = stage.settings.database_url.rpartition("/")[2].partition("?")[0]
        await administer(database_server_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        ended = f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608
        await administer(database_server_url, ended)
        answers = await asyncio.gather(client.get(stage.links.click(0)), client.get(stage.links.pixel))
        assert [answer.status_code for answer in answers] == [302, 200]
        await administer(database_server_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        events = app.site.pages.state.runtime.events
        async with asyncio.timeout(20):
            while events.waiting:  # noqa: ASYNC110 the batcher finds out by itself
                await asyncio.sleep(0.01)
        assert (await client.get(stage.links.click(0))).status_code == 302
        assert (await stage.count("clicks"), await stage.count("opens")) == (3, 1)

    async def test_while_the_database_is_away_unknown_links_are_to_be_tried_again(
        self, client: httpx2.AsyncClient, stage: Stage, app: Application, tmp_path: Path
    ) -> None:
        state = app.site.pages.state
        nowhere = make_engine(bare_settings(tmp_path))
        state.runtime = replace(state.runtime, destinations=tracking.Destinations(nowhere, links_to(stage.settings)))
        answer = await client.get(stage.links.click(0))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert "Not available" in answer.text


async def test_without_the_links_of_the_installation_a_target_leaves_them_out(stage: Stage) -> None:
    async with reading(stage.engine) as read:
        copy = await tracking.copy_of(read, stage.links.message_id, stage.links.accepted_at)
        assert copy is not None
        assert await tracking.url_of(read, copy, 3) == "https://shop.example/out?u="
        assert await tracking.url_of(read, copy, 0) == "https://shop.example/sale"
        assert await tracking.url_of(read, copy, 99) is None


async def test_a_hidden_user_agent_is_stored_without_controls(client: httpx2.AsyncClient, stage: Stage) -> None:
    await client.get(stage.links.pixel, headers=[(b"user-agent", b"a\x00b\x07\xff" + b"c" * 9000)])
    (row,) = await stage.fetch("SELECT user_agent FROM opens")
    assert row["user_agent"].startswith("a b ÿc")
    assert len(row["user_agent"]) == 500


async def test_memory_of_links_is_bounded_and_forgetting_changes_no_target(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "KEPT_URLS", 1)
    monkeypatch.setattr(targets, "KEPT_CHARACTERS", 1)
    other = await stage.campaign_links(html='<a href="https://b.example/{FIRST_NAME}">x</a>')
    destinations = tracking.Destinations(stage.engine, links_to(stage.settings))
    for _ in range(2):
        for links, begin in ((stage.links, "https://shop.example/for/Jo"), (other, "https://b.example/Jo")):
            found = read_click(keys_of(stage.settings, "tracking"), links.click(1 if links is stage.links else 0)[5:])
            assert found is not None
            url = await destinations.of(*found)
            assert url is not None
            assert url.startswith(begin)
            assert (len(destinations._urls), len(destinations._versions._kept)) == (1, 1)
