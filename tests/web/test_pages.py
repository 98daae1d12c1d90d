"""What all pages have in common: language, headers, markup."""

import base64
import hashlib
import re
from pathlib import Path

import httpx2
import pytest

import app.web
from app.telemetry import counters
from app.web.pages import masked
from app.web.texts import LANGUAGES, texts_for
from tests.web.conftest import Stage

WEB = Path(app.web.__file__).parent


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,en;q=0.8", "de"),
        ("fr, de;q=0.5, en;q=0.4", "de"),
        ("en;q=0.2,de;q=0.9", "de"),
        ("de;q=0, en;q=0.1", "en"),
        ("de;q=0", "en"),
        ("fr", "en"),
        ("*", "en"),
        ("de;q=nan,en", "en"),
        (",;=,,;q=,de;q=x", "en"),
        ("x" * 100_000 + ",de", "en"),
        ("en,de", "en"),
    ],
)
def test_the_language_is_the_one_wanted_most(accepted: str, language: str) -> None:
    assert texts_for(accepted).language == language


def test_all_languages_have_the_same_sentences_with_the_same_values() -> None:
    english = LANGUAGES["en"].sentences
    for texts in LANGUAGES.values():
        assert list(texts.sentences) == list(english)
        for key, text in texts.sentences.items():
            assert re.findall(r"{\w+}", text) == re.findall(r"{\w+}", english[key]), key


def test_every_sentence_is_used_and_every_page_speaks_by_its_key() -> None:
    source = "\n".join(file.read_text() for pattern in ("*.py", "html/*.html") for file in WEB.glob(pattern))
    for key in LANGUAGES["en"].sentences:
        assert f'"{key}"' in source or f'"{key.removesuffix("_title")}"' in source, key
    for file in WEB.glob("html/*.html"):
        shown = re.sub(r"{% set.*?endset %}|{%.*?%}|{{.*?}}|<[^>]*>", " ", file.read_text(), flags=re.DOTALL)
        assert not re.search(r"[A-Za-z]{3}", shown), f"{file.name} has words of its own"


def test_an_address_is_masked() -> None:
    assert masked("jo@example.org") == "j…@example.org"
    assert masked('"a@b"@example.org') == '"…@example.org'
    assert masked("") == "…"


async def test_every_page_is_accessible_private_and_without_scripts(client: httpx2.AsyncClient, stage: Stage) -> None:
    pages = [
        await client.get(stage.links.unsubscribe),
        await client.get(stage.links.profile),
        await client.post(stage.links.profile, data={"AGE": "x"}),
        await client.post(stage.links.unsubscribe),
        await client.post(stage.links.unsubscribe, data={"unsubscribe": "yes"}),
        await client.get("/u/nothing"),
        await client.put("/u/nothing"),
    ]
    for answer in pages:
        text, headers = answer.text, answer.headers
        assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
        assert re.search(r"<title>[^<]+</title>", text)
        assert (text.count("<main>"), text.count("<h1>")) == (1, 1)
        assert 'name="viewport"' in text
        assert "<script" not in text
        assert "http" not in text, "nothing is loaded from elsewhere"
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert "set-cookie" not in headers
        style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
        assert style
        digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
        assert f"style-src 'sha256-{digest}'" in headers["content-security-policy"]


async def test_a_page_speaks_the_visitor_s_language(client: httpx2.AsyncClient, stage: Stage) -> None:
    german = {"Accept-Language": "de-DE,de;q=0.9,en;q=0.1"}
    answer = await client.get(stage.links.unsubscribe, headers=german)
    assert '<html lang="de">' in answer.text
    assert "Abmelden" in answer.text
    assert answer.headers["content-language"] == "de"
    assert "Nicht gefunden" in (await client.get("/c/x", headers=german)).text


async def test_requests_are_counted_as_the_web_family(client: httpx2.AsyncClient, stage: Stage) -> None:
    await client.get(stage.links.pixel)
    await client.get("/p/x")
    figures = counters.render().decode()
    assert re.search(r'trireme_http_requests_total\{family="web",status="200"\} [1-9]', figures)
    assert re.search(r'trireme_http_requests_total\{family="web",status="404"\} [1-9]', figures)


async def test_a_crash_is_a_page_that_tells_nothing(
    client: httpx2.AsyncClient, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.fetch("ALTER TABLE messages RENAME TO messages_elsewhere")
    for path in (stage.links.unsubscribe, stage.links.click(0)):
        answer = await client.get(path)
        assert answer.status_code == 500
        assert "The fault is ours" in answer.text
        assert "messages" not in answer.text
