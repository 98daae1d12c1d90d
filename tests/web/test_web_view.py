"""`/w`: the mail as a page."""

import httpx2

from app.mail.tracking import Purpose
from tests.web.conftest import Stage, links_of


async def test_a_campaign_s_mail_is_shown_untracked(client: httpx2.AsyncClient, stage: Stage) -> None:
    answer = await client.get(stage.links.web_view)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<p>Hello Jo &amp; &lt;b&gt;Co&lt;/b&gt;</p>" in answer.text, "values are escaped"
    assert 'href="https://shop.example/sale"' in answer.text
    assert "/t/o/" not in answer.text
    assert "/t/c/" not in answer.text
    assert await stage.traces() == 0
    # It runs in a sandbox without scripts and our origin.
    headers = answer.headers
    policy = {part.split()[0]: part.split()[1:] for part in headers["content-security-policy"].split(";")}
    assert set(policy["sandbox"]) == {"allow-popups", "allow-popups-to-escape-sandbox"}
    assert policy["default-src"] == ["'none'"]
    assert policy["frame-ancestors"] == ["'none'"]
    assert "script-src" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-robots-tag"].startswith("noindex")
    assert headers["cache-control"] == "no-store"


async def test_a_single_mail_is_shown_as_it_was_written(client: httpx2.AsyncClient, stage: Stage) -> None:
    links = await stage.single_links()
    answer = await client.get(links.web_view)
    assert 'href="https://shop.example/receipt"' in answer.text
    assert "{FIRST_NAME}" in answer.text, "single mails are not personalised"
    assert "sandbox" in answer.headers["content-security-policy"]
    plain = await stage.single_links(html=None, text="a < b\n<script>alert(1)</script>", links=None)
    text = (await client.get(plain.web_view)).text
    assert "a &lt; b\n&lt;script&gt;" in text
    assert "<script>" not in text


async def test_what_is_gone_or_forged_is_not_found(client: httpx2.AsyncClient, stage: Stage) -> None:
    good = stage.links.of(Purpose.WEB_VIEW)
    gone = links_of(stage.settings.secret_keys[0], 2**40, stage.links.accepted_at)
    for token in (
        good[:-1] + ("b" if good[-1] != "b" else "c"),
        stage.links.of(Purpose.OPEN),
        "x",
        gone.of(Purpose.WEB_VIEW),
    ):
        assert (await client.get(f"/w/{token}")).status_code == 404
    single = await stage.single_links()
    await stage.fetch("DELETE FROM mails")
    await stage.fetch("DELETE FROM run_contents")
    assert (await client.get(single.web_view)).status_code == 404
    assert (await client.get(stage.links.web_view)).status_code == 404
    assert (await client.get(stage.links.click(0))).status_code == 404
    assert (await client.head(stage.links.web_view)).status_code == 404
