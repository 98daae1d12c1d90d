"""`/c`: confirming a subscription."""

import asyncio

import httpx2

from app.core.contacts import ContactStatus
from app.kit.secrets import derive
from app.mail import confirmation
from tests.web.conftest import Stage


def path(stage: Stage, contact_id: int) -> str:
    return f"/c/{confirmation.token(derive(stage.settings.secret_keys[0], 'confirm'), contact_id)}"


async def status(stage: Stage, contact_id: int) -> str:
    return str((await stage.fetch("SELECT status FROM contacts WHERE id = $1", contact_id))[0]["status"])


async def test_an_unconfirmed_contact_becomes_subscribed_once(client: httpx2.AsyncClient, stage: Stage) -> None:
    contact = await stage.make.contact(stage.audience, "new@readers.example", status=ContactStatus.UNCONFIRMED)
    url = path(stage, contact.id)
    assert (await client.head(url)).status_code == 200
    assert await status(stage, contact.id) == "unconfirmed", "a HEAD confirms nothing"
    await stage.fetch("DELETE FROM domain_events")
    answers = await asyncio.gather(*[client.get(url) for _ in range(5)])
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, answers[0].text)}
    assert "n…@readers.example" in answers[0].text
    assert await status(stage, contact.id) == "subscribed"
    (row,) = await stage.fetch("SELECT count(*) FROM domain_events WHERE type = 'contact.subscribed'")
    assert row[0] == 1


async def test_it_may_lead_to_the_audience_s_own_page(client: httpx2.AsyncClient, stage: Stage) -> None:
    url = "https://shop.example/thanks?a=1"
    audience = await stage.make.audience(stage.account, settings={"confirmed_redirect_url": url})
    contact = await stage.make.contact(audience, status=ContactStatus.UNCONFIRMED)
    for _ in range(2):
        answer = await client.get(path(stage, contact.id))
        assert (answer.status_code, answer.headers["location"]) == (302, url)
    for bad in ("javascript:alert(1)", "//evil.example/", "https://a.example/\r\nX: y", "http://\u212a.example/"):
        await stage.fetch("UPDATE audiences SET settings = jsonb_build_object('confirmed_redirect_url', $1::text)", bad)
        answer = await client.get(path(stage, contact.id))
        assert (answer.status_code, "location" in answer.headers) == (200, False)


async def test_who_left_meanwhile_stays_away_and_is_told(client: httpx2.AsyncClient, stage: Stage) -> None:
    for wanted in (ContactStatus.UNSUBSCRIBED, ContactStatus.BLACKLISTED):
        contact = await stage.make.contact(stage.audience, status=wanted)
        answer = await client.get(path(stage, contact.id))
        assert answer.status_code == 200
        assert "Not subscribed" in answer.text
        assert await status(stage, contact.id) == wanted


async def test_a_bad_token_confirms_nobody(client: httpx2.AsyncClient, stage: Stage) -> None:
    contact = await stage.make.contact(stage.audience, status=ContactStatus.UNCONFIRMED)
    good = path(stage, contact.id)
    alien = confirmation.token(derive("another secret key that is long enough", "confirm"), contact.id)
    tracking_key = confirmation.token(derive(stage.settings.secret_keys[0], "tracking"), contact.id)
    bad = [
        good[:-1] + ("b" if good[-1] != "b" else "c"),
        f"/c/{alien}",
        f"/c/{tracking_key}",
        stage.links.unsubscribe.replace("/u/", "/c/"),
    ]
    for url in [*bad, path(stage, 2**55 - 1), path(stage, 0), "/c/" + "a" * 5000, "/c/%00"]:
        assert (await client.get(url)).status_code == 404, url
    assert await status(stage, contact.id) == "unconfirmed"
    answer = await client.post(good)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


async def test_a_deleted_audience_or_contact_is_not_found(client: httpx2.AsyncClient, stage: Stage) -> None:
    contact = await stage.make.contact(stage.audience, status=ContactStatus.UNCONFIRMED)
    await stage.fetch("UPDATE audiences SET deleted_at = now()")
    assert (await client.get(path(stage, contact.id))).status_code == 404
    await stage.fetch("DELETE FROM contacts")
    assert (await client.get(path(stage, contact.id))).status_code == 404
