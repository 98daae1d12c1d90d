"""`/u`: the page, its button, one click."""

import asyncio
from dataclasses import replace

import httpx2
import pytest

from app.mail.tracking import Purpose
from app.main import Application
from tests.web.conftest import Stage, links_of

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
BUTTON = {"unsubscribe": "yes"}
FORM = "application/x-www-form-urlencoded"


async def test_the_page_tells_what_will_happen_to_whom_and_does_nothing(
    client: httpx2.AsyncClient, stage: Stage
) -> None:
    answer = await client.get(stage.links.unsubscribe)
    assert answer.status_code == 200
    assert "j…@readers.example" in answer.text
    assert "jo@readers.example" not in answer.text
    assert "mailing list" in answer.text
    assert (await client.head(stage.links.unsubscribe)).status_code == 200
    assert (await stage.contact_row())["status"] == "subscribed"
    single = await stage.single_links(recipient="<script>@readers.example")
    text = (await client.get(single.unsubscribe)).text
    assert "of this sender" in text
    assert "&lt;…@readers.example" in text
    assert await stage.traces() == 0


@pytest.mark.parametrize("body", [ONE_CLICK, BUTTON])
async def test_on_mail_of_a_campaign_the_contact_leaves_its_audience(
    client: httpx2.AsyncClient, stage: Stage, body: dict[str, str]
) -> None:
    answer = await client.post(stage.links.unsubscribe, data=body, headers={"User-Agent": "Button/1"})
    assert answer.status_code == 200
    assert "j…@readers.example" in answer.text
    assert not {"set-cookie", "location", "refresh"} & set(answer.headers)
    assert (await stage.contact_row())["status"] == "unsubscribed"
    (row,) = await stage.fetch("SELECT * FROM unsubscriptions")
    assert (row["message_id"], row["recipient"], row["user_agent"], row["ip"]) == (
        stage.links.message_id,
        "jo@readers.example",
        "Button/1",
        "127.0.0.1",
    )
    assert row["means"] == ("one_click" if body is ONE_CLICK else "page")
    assert await stage.count("suppressions") == 0


async def test_on_other_mail_the_address_is_suppressed(client: httpx2.AsyncClient, stage: Stage) -> None:
    links = await stage.single_links()
    assert (await client.post(links.unsubscribe, data=ONE_CLICK)).status_code == 200
    (row,) = await stage.fetch("SELECT account_id, address, reason FROM suppressions")
    assert tuple(row) == (stage.account.id, "jo@readers.example", "unsubscribe")


async def test_doing_it_again_says_the_same_and_counts_once(client: httpx2.AsyncClient, stage: Stage) -> None:
    answers = await asyncio.gather(*[client.post(stage.links.unsubscribe, data=BUTTON) for _ in range(5)])
    answers.append(await client.post(stage.links.unsubscribe, data=ONE_CLICK))
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, answers[0].text)}
    assert await stage.count("unsubscriptions") == 1
    (row,) = await stage.fetch("SELECT sum(unsubscribes) FROM hourly_counts")
    assert row[0] == 1


async def test_one_click_is_understood_in_every_form_it_is_sent(client: httpx2.AsyncClient, stage: Stage) -> None:
    multipart = (
        b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
        "multipart/form-data; boundary=x",
    )
    bodies = [multipart, (b"List-Unsubscribe=One-Click\r\n", FORM), (b"list-unsubscribe=one-click", "")]
    for body, content_type in bodies:
        links = await stage.single_links()
        headers = {"Content-Type": content_type} if content_type else {}
        answer = await client.post(links.unsubscribe, content=body, headers=headers)
        assert answer.status_code == 200, body
    assert await stage.count("unsubscriptions") == len(bodies)


async def test_anything_else_unsubscribes_nobody_and_shows_the_button(client: httpx2.AsyncClient, stage: Stage) -> None:
    for body in (
        b"",
        b"x=y",
        b"List-Unsubscribe=No",
        b"unsubscribe=",
        b"\xff\x00",
        b'{"List-Unsubscribe":"One-Click"}',
    ):
        answer = await client.post(stage.links.unsubscribe, content=body, headers={"Content-Type": FORM})
        assert answer.status_code == 400, body
        assert "<button" in answer.text
    for content_type in (b"multipart/form-data; boundary=\xe9x", b"multipart/form-data"):
        answer = await client.post(stage.links.unsubscribe, content=b"--y", headers={b"Content-Type": content_type})
        assert answer.status_code == 400
    many = "&".join(["a=b"] * 1500)
    assert (await client.post(stage.links.unsubscribe, content=many, headers={"Content-Type": FORM})).status_code == 400
    assert await stage.traces() == 0


async def test_a_large_body_is_refused(client: httpx2.AsyncClient, stage: Stage) -> None:
    async def endless() -> object:
        for _ in range(1000):
            yield b"List-Unsubscribe=One-Click&" * 100

    for body in (b"a" * 9000, endless()):
        answer = await client.post(stage.links.unsubscribe, content=body)  # type: ignore[arg-type]
        assert answer.status_code == 413
        assert answer.headers["content-type"].startswith("text/html")
    assert (
        await client.post(stage.links.unsubscribe, content=b"", headers={"Content-Length": "9" * 30})
    ).status_code == 413
    assert await stage.traces() == 0


async def test_a_bad_token_is_not_found(client: httpx2.AsyncClient, stage: Stage) -> None:
    good = stage.links.of(Purpose.UNSUBSCRIBE)
    other = links_of("another secret key that is long enough", stage.links.message_id, stage.links.accepted_at)
    gone = links_of(stage.settings.secret_keys[0], 2**40, stage.links.accepted_at)
    tokens = (
        good[:-1] + ("b" if good[-1] != "b" else "c"),
        good + "a",
        stage.links.of(Purpose.OPEN),
        stage.links.of(Purpose.PROFILE),
        other.of(Purpose.UNSUBSCRIBE),
        gone.of(Purpose.UNSUBSCRIBE),
        "%0D%0ASet-Cookie:a=b",
        "a" * 5000,
    )
    for token in tokens:
        for answer in (await client.get(f"/u/{token}"), await client.post(f"/u/{token}", data=ONE_CLICK)):
            assert answer.status_code == 404, token
            assert "Not found" in answer.text
    for path in ("/u", "/u/", f"/u/{good}/x", "/t", "/t/x/y", "/c", "/p", "/w"):
        assert (await client.get(path)).status_code == 404
    for path, allowed in ((stage.links.unsubscribe, "GET, HEAD, POST"), (stage.links.web_view, "GET, HEAD")):
        answer = await client.delete(path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert await stage.traces() == 0


async def test_the_audience_s_own_page_follows_the_button_but_never_one_click(
    client: httpx2.AsyncClient, stage: Stage
) -> None:
    url = "https://shop.example/bye?a=1&b=2"
    audience = await stage.make.audience(stage.account, settings={"unsubscribed_redirect_url": url})
    await stage.make.contact(audience, "leaver@readers.example")
    links = await stage.campaign_links(audiences=[audience])
    assert "refresh" not in (await client.post(links.unsubscribe, data=ONE_CLICK)).headers
    answer = await client.post(links.unsubscribe, data=BUTTON)
    assert (answer.status_code, answer.headers["refresh"]) == (200, f"0;url={url}")
    assert 'href="https://shop.example/bye?a=1&amp;b=2"' in answer.text
    for bad in ("javascript:alert(1)", "//evil.example", "https://a.example/\r\nX: y", 5):
        await stage.fetch(
            "UPDATE audiences SET settings = jsonb_build_object('unsubscribed_redirect_url', $1::text)", str(bad)
        )
        answer = await client.post(links.unsubscribe, data=BUTTON)
        assert (answer.status_code, "refresh" in answer.headers, "<a " in answer.text) == (200, False, False)


async def test_a_contact_that_is_gone_is_no_error(client: httpx2.AsyncClient, stage: Stage) -> None:
    await stage.fetch("DELETE FROM contacts")
    assert (await client.post(stage.links.unsubscribe, data=ONE_CLICK)).status_code == 200


async def test_mail_of_an_automation_is_a_lists_also_when_its_contact_is_gone(
    client: httpx2.AsyncClient, stage: Stage
) -> None:
    links = await stage.single_links()
    await stage.fetch("UPDATE messages SET kind = 'automation' WHERE id = $1", links.message_id)
    assert "mailing list" in (await client.get(links.unsubscribe)).text
    assert "mailing list" in (await client.post(links.unsubscribe, data=BUTTON)).text
    assert (await stage.count("unsubscriptions"), await stage.count("suppressions")) == (1, 0)


@pytest.mark.parametrize("host", ["links.example.org", "127.0.0.1:8080", "X"])
async def test_links_work_on_every_host_name(client: httpx2.AsyncClient, stage: Stage, host: str) -> None:
    head = {"Host": host}
    assert (await client.get(stage.links.click(), headers=head)).status_code == 302
    assert (await client.get(stage.links.unsubscribe, headers=head)).status_code == 200
    assert (await client.post(stage.links.unsubscribe, data=ONE_CLICK, headers=head)).status_code == 200


async def test_another_account_s_list_is_untouched(client: httpx2.AsyncClient, stage: Stage) -> None:
    other = await stage.make.account(senders=["other@example.com"])
    audience = await stage.make.audience(other)
    contact = await stage.make.contact(audience, "jo@readers.example")
    links = await stage.single_links()
    await client.post(stage.links.unsubscribe, data=ONE_CLICK)
    await client.post(links.unsubscribe, data=ONE_CLICK)
    (row,) = await stage.fetch("SELECT status FROM contacts WHERE id = $1", contact.id)
    assert row["status"] == "subscribed"
    assert {row["account_id"] for row in await stage.fetch("SELECT account_id FROM suppressions")} == {stage.account.id}


async def test_a_token_of_an_older_key_still_works(client: httpx2.AsyncClient, stage: Stage, app: Application) -> None:
    state = app.site.pages.state
    settings = stage.settings.model_copy(
        update={"secret_keys": ["a new secret key that is long enough", *stage.settings.secret_keys]}
    )
    state.runtime = replace(state.runtime, settings=settings)
    assert (await client.get(stage.links.unsubscribe)).status_code == 200
    assert (await client.get(stage.links.pixel)).status_code == 200
    assert await stage.count("opens") == 1
    assert (await client.get(stage.links.click())).status_code == 302
    settings = settings.model_copy(update={"secret_keys": settings.secret_keys[:1]})
    state.runtime = replace(state.runtime, settings=settings)
    assert (await client.get(stage.links.unsubscribe)).status_code == 404
    assert (await client.get(stage.links.click())).status_code == 404
