"""Copies of tracked single mails, read back by the standard library and an independent DKIM verifier."""

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.mail import tracking
from app.mail.campaign.markup import tags
from app.mail.compose import assemble
from app.mail.tracked import Tracks, find_links
from app.mail.tracking import Purpose
from tests.mail.tracked.kit import (
    ALL,
    CLICK,
    HEADERS,
    KEY,
    PIXEL,
    RECORDS,
    RETURN_TOKEN,
    SECOND,
    URL,
    clicked,
    copy_of,
    decoded,
    opened,
    parsed,
    tracked,
    untracked,
    wire,
)
from tests.mail.verifying import verify

HTML = '<html><body><p>Hi</p>\r\n<a href="https://shop.example/a?x=1&amp;y=2">A</a></body></html>'
PIECES = [
    *('<a href="https://shop.example/%d">', "<a href=https://x.example/?q=1>", "<a href='http://y.example'>", "</a>"),
    *("<a href='mailto:a@b.c'>", '<A HREF=" https://z.example/ ">', "<area href=https://m.example>", "</body>"),
    *("{FIRST_NAME}", "{{ name }}", "{% if x %}", "<!-- <a href='https://c.example'> -->", "=", ".", "\n.", "\r\n"),
    *("  ", "\t", "é", "Привет мир ", "x" * 70, "x" * 1000, "\x00", "\ud800", "<style>", "</style>", "\ue000", "日本"),
    *(" \n", "tokens5of5copies5have5place2", "tokens5of5copies5have5p", "=3D", "=\n", "<img ", '"', "'", ">", "<"),
]
ODD_HTML = st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=30).map("".join)


def links_of(html: str) -> list[tuple[str, str]]:
    """Return the raw href and the target of every link that is tracked, in order."""
    targets = find_links(html, URL)
    spans = [tag.span("href") for tag in tags(html) if tag.name in {"a", "area"} and not tag.closes]
    raw = [html[span[0] : span[1]] for span in spans if span is not None]
    return [
        (href, found[0]) for href in raw if (found := find_links(f'<a href="{href}">', URL)) and found[0] in targets
    ]


def test_pixel_and_clicks_stand_where_they_should() -> None:
    message = parsed(copy_of(tracked(HTML, text="Hi")))
    html = decoded(message, "html")
    assert opened(html) == [(SECOND, 4711)]
    assert clicked(html) == [(SECOND, 4711, 0)]
    assert re.fullmatch(
        rf'<html><body><p>Hi</p>\r\n<a href="{CLICK.pattern}">A</a>{PIXEL.pattern}</body></html>\r\n', html
    )
    assert decoded(message, "plain") == "Hi\r\n"


def test_without_a_body_tag_the_pixel_is_at_the_end() -> None:
    html = decoded(parsed(copy_of(tracked("<p>x</p>"))), "html")
    assert re.fullmatch(rf"<p>x</p>{PIXEL.pattern}\r\n", html)


def test_each_copy_has_tokens_and_a_signature_of_its_own() -> None:
    one = tracked(HTML, text="Grüße")
    first, second = copy_of(one, 1), copy_of(one, 2)
    for raw, message_id in ((first, 1), (second, 2)):
        message = parsed(raw)
        html = decoded(message, "html")
        assert (opened(html), clicked(html)) == ([(SECOND, message_id)], [(SECOND, message_id, 0)])
        found = re.fullmatch(
            rf"<{URL}/u/([a-z2-7]{{24}})>, <mailto:unsubscribe\+\1@bounces\.example\.com>", message["List-Unsubscribe"]
        )
        assert found is not None
        assert tracking.read([KEY], found[1], Purpose.UNSUBSCRIBE) == (SECOND, message_id)
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert message["X-Trireme-Message"] == RETURN_TOKEN
        assert verify(raw, RECORDS)
        signature = re.sub(r"\s", "", message["DKIM-Signature"])
        assert ":list-unsubscribe-post:" in signature
        assert ":x-trireme-message:list-unsubscribe;" in signature
    assert first != second


def test_what_the_signature_covers_can_not_be_changed() -> None:
    raw = copy_of(tracked(HTML))
    token = opened(decoded(parsed(raw), "html")) and tracking.Tokens(KEY, accepted_at=SECOND, message_id=4711)
    assert isinstance(token, tracking.Tokens)
    other = tracking.Tokens(KEY, accepted_at=SECOND, message_id=4712)
    assert not verify(raw.replace(token.of(Purpose.UNSUBSCRIBE), other.of(Purpose.UNSUBSCRIBE)), RECORDS)
    assert not verify(raw.replace(token.of(Purpose.OPEN), other.of(Purpose.OPEN)), RECORDS)


def test_headers_stay_in_their_order_and_are_not_personalised() -> None:
    given = (("X-First", "{FIRST_NAME}"), *HEADERS, ("X-Last", "{{ x }} {% if %}"))
    message = parsed(copy_of(tracked("{FIRST_NAME} {{ name }} {% nonsense", text="{TEXT} {{", headers=given)))
    names = [name for name in message if name in {name for name, _ in given}]
    assert names == [name for name, _ in given]
    assert (message["X-First"], message["X-Last"]) == ("{FIRST_NAME}", "{{ x }} {% if %}")
    assert PIXEL.sub("", decoded(message, "html")) == "{FIRST_NAME} {{ name }} {% nonsense\r\n"
    assert decoded(message, "plain") == "{TEXT} {{\r\n"


@pytest.mark.parametrize("tracks", [Tracks(number) for number in range(8)])
def test_only_what_is_switched_on_is_tracked(tracks: Tracks) -> None:
    raw = copy_of(tracked(HTML, text="Hi", tracks=tracks))
    message = parsed(raw)
    html = decoded(message, "html")
    assert bool(PIXEL.search(html)) == (Tracks.OPENS in tracks)
    assert bool(CLICK.search(html)) == (Tracks.CLICKS in tracks)
    assert bool(message["List-Unsubscribe"]) == (Tracks.UNSUBSCRIBING in tracks)
    assert bool(message["List-Unsubscribe-Post"]) == (Tracks.UNSUBSCRIBING in tracks)
    assert verify(raw, RECORDS)


def test_text_alone_gets_the_headers_only() -> None:
    for text in ("Hello", "", "a\n\n\n", " \t \n"):
        raw = copy_of(tracked(None, text=text))
        message = parsed(raw)
        assert message["List-Unsubscribe"]
        assert raw.partition(b"\r\n\r\n")[2] == untracked(None, text).body
        assert verify(raw, RECORDS)


def test_a_list_unsubscribe_of_the_client_stays_the_only_one() -> None:
    mine = ("list-UNSUBSCRIBE", "<mailto:off@example.com>")
    raw = copy_of(tracked(HTML, headers=(*HEADERS, mine)))
    message = parsed(raw)
    assert message.get_all("List-Unsubscribe") == ["<mailto:off@example.com>"]
    assert message["List-Unsubscribe-Post"] is None
    assert verify(raw, RECORDS)


def test_a_lone_post_header_of_the_client_is_left_out() -> None:
    message = parsed(copy_of(tracked(HTML, headers=(*HEADERS, ("List-Unsubscribe-POST", "x")))))
    assert message.get_all("List-Unsubscribe-Post") == ["List-Unsubscribe=One-Click"]


def test_a_link_that_is_not_stored_stays_as_it_is() -> None:
    html = '<a href="https://a.example">a</a><a href="https://b.example">b</a>'
    out = decoded(parsed(copy_of(tracked(html, targets=("https://c.example", "https://b.example")))), "html")
    assert 'href="https://a.example"' in out
    assert clicked(out) == [(SECOND, 4711, 1)]


@pytest.mark.parametrize(
    ("html", "encoding"),
    [
        (HTML, "7bit"),
        ("<p>\tmany  blanks \r\n\r\n </p> \n\n\n", "7bit"),
        ("<p>é</p><a href=https://x.example>" * 40, "quoted-printable"),
        ("<p>" + "x" * 999, "quoted-printable"),
        ("<p>Привет всем, кто это читает, и ещё раз</p>" + '<a href="https://x.example">Привет, мир</a>' * 2, "base64"),
        ("Привет всем" * 300 + "<a href=https://x.example></a>" + "Привет всем" * 300, "base64"),
    ],
)
def test_the_encoding_is_the_one_of_the_same_mail_untracked(html: str, encoding: str) -> None:
    plain, raw = parsed(assemble(untracked(html))), copy_of(tracked(html))
    message = parsed(raw)
    assert plain["Content-Transfer-Encoding"] == message["Content-Transfer-Encoding"] == encoding
    assert verify(raw, RECORDS)


def test_lines_stay_short_enough() -> None:
    """A link may make a line of 7bit too long; the encoding then is another one."""
    html = "x" * 940 + '<a href="http://x.example">x</a>'
    message = parsed(copy_of(tracked(html)))
    assert message["Content-Transfer-Encoding"] == "quoted-printable"
    for line in (
        copy_of(tracked("é" * 30 + '<a href="http://x.example">x</a>' * 50)).split(b"\r\n\r\n", 1)[1].split(b"\r\n")
    ):
        assert len(line) <= 76


@given(html=ODD_HTML, text=st.none() | ODD_HTML)
@example(html="Привет, мир! " * 30 + "<a href=https://x.example>", text=None)
@example(html="é<a href=https://x.example>" * 30, text="\n\n")
@example(html="tokens5of5copies5have5place2<a href=https://x.example>=\n", text=None)
def test_undoing_the_tracking_gives_the_html_back(html: str, text: str | None) -> None:
    raw = copy_of(tracked(html, text=text))
    message = parsed(raw)
    assert verify(raw, RECORDS)
    out = decoded(message, "html")
    assert opened(out) == [(SECOND, 4711)]
    at_end = out.endswith('border:0">\r\n') and html.endswith(("\r", "\n"))  # the line break behind it is the part's
    out = PIXEL.sub("", out, count=1).removesuffix("\r\n" * at_end)
    links, targets = links_of(html), find_links(html, URL)
    assert [link for _, _, link in clicked(out)] == [targets.index(target) for _, target in links]
    given_back = iter(href for href, _ in links)
    assert CLICK.sub(lambda _: wire(next(given_back)).removesuffix("\r\n"), out) == wire(html)
    if text is not None:
        assert decoded(message, "plain") == wire(text)


@given(html=ODD_HTML)
def test_the_size_is_a_little_more_than_the_mail(html: str) -> None:
    one = tracked(html)
    assert 0 <= one.size - len(copy_of(one)) < 1_600


@pytest.mark.parametrize(
    ("piece", "size"),
    [
        ('<a href="https://x.example/{}">', 2_000_000),
        ("<a href='\"", 5_000_000),
        ("<a href=https://x.example ", 1_000_000),
        ("<a b='\"' ", 1_000_000),
        ("<a " + "b=c " * 300 + ">", 1_000_000),
        ("tokens5of5copies5have5place2", 5_000_000),
    ],
)
def test_hostile_html_takes_bounded_time(piece: str, size: int) -> None:
    html = "".join([piece.replace("{}", str(number)) for number in range(size // len(piece))])
    start = time.process_time()
    targets = find_links(html, URL)
    one = tracked(html, targets=targets)
    compiled = time.process_time()
    raw = copy_of(one)
    assert compiled - start < 10
    assert time.process_time() - compiled < 1
    assert len(targets) <= tracking.MAX_LINKS
    assert len(raw) <= one.size


def test_all_tracks_are_known() -> None:
    assert int(ALL) == 7
