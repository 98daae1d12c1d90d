"""Composed copies, read back by independent readers: the standard library's parser and dkimpy."""

import re
from datetime import UTC, datetime
from html import escape, unescape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.mail.campaign import Links, compile_campaign, web_page
from app.mail.dkim import Signer, make_key
from app.mail.personalise import SyntaxProblem, TooLarge, known_names, parse
from app.mail.tracking import Purpose, read, read_click
from tests.mail.campaign.kit import ACCEPTED_AT, FIELDS, KEY, LINKS, bodies, compiled, content, facts, parsed
from tests.mail.verifying import verify

RSA = make_key()
ED25519 = make_key("ed25519")
RECORDS = {"mail1._domainkey.example.com": RSA[1], "mail2._domainkey.example.com": ED25519[1]}
SIGNERS = (Signer("example.com", "mail1", RSA[0]), Signer("example.com", "mail2", ED25519[0]))
IDS = (int(ACCEPTED_AT.timestamp()), 4711)
PIXEL = re.compile(r'<img src="https://mail\.example\.com/t/o/([a-z2-7]{24})\.gif"[^>]*>')
CLICK = re.compile(r"https://mail\.example\.com/t/c/([a-z2-7]{28})")

LETTERS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
AWKWARD = st.lists(
    st.sampled_from(
        [
            *[
                ".",
                "..",
                "=",
                "=3D",
                "\t",
                "\r\n",
                "\n",
                "\r",
                "é",
                "例",
                "<",
                "&",
                "'",
                '"',
                "--",
                "--=_",
                "{CITY}",
                "{{",
                "{%",
                "}}",
                "\x00",
                "From",
                "\x7f",
            ],
            " ",
            "  ",
            "x" * 75,
            "é" * 40,
        ]
    ),
    max_size=12,
).map("".join)
VALUES = st.fixed_dictionaries({}, optional={name: st.one_of(LETTERS, AWKWARD) for name in sorted(FIELDS)})
FRAGMENTS = st.lists(
    st.sampled_from(
        [
            "{FIRST_NAME}",
            "{{ last_name | upcase }}",
            '{{ city | default: "Köln = x" }}',
            "{% if CITY %}in {CITY}.{% else %}\n. nowhere  \n{% endif %}",
            '{% if first_name == "Ann" %}{% if CITY %}{LAST_NAME}{% endif %}{% elsif CITY contains "a" %}é{% endif %}',
            "{LIST_NAME}",
            "{{ unknown }}",
            "<p>",
            "</p>\r\n",
            "text ",
            "  ",
            ". ",
            "\n",
            "\t",
            "Grüße",
            "例" * 30,
            "x" * 80,
            "&amp;",
            "{css}",
        ]
    ),
    max_size=25,
).map("".join)
CONSTANTS = {"LIST_NAME": "L & L"}


def rendered(text: str, values: dict[str, str], *, escape_values: bool) -> str:
    template = parse(text, known_names(FIELDS, CONSTANTS))
    values = {name: unix(value) for name, value in values.items()}  # line ends are read in each value by itself
    return unix(template.render({"EMAIL": "bob@example.org", **values, **CONSTANTS}, escape=escape_values))


def unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()


@settings(max_examples=80, deadline=None)
@given(FRAGMENTS, FRAGMENTS.filter(str.strip), VALUES)
def test_any_content_with_any_values_comes_back_and_verifies(html: str, text: str, values: dict[str, str]) -> None:
    one = compiled(html, text=text, constants=CONSTANTS, track_opens=False, subject="Hi {FIRST_NAME} {CITY}")
    raw = one.compose(facts(values), SIGNERS)
    shown_text, shown_html = bodies(raw)
    assert shown_html is not None
    for shown, source, is_html in ((shown_html, html, True), (shown_text, text, False)):
        expected = rendered(source, values, escape_values=is_html)
        assert shown in {expected, expected.removesuffix("\n")}  # the last line end may be the delimiter's
    assert verify(raw, RECORDS, 0)
    assert verify(raw, RECORDS, 1)


@settings(max_examples=50, deadline=None)
@given(FRAGMENTS, VALUES)
def test_text_only_mail_comes_back_and_verifies(text: str, values: dict[str, str]) -> None:
    one = compiled(None, text=text, constants=CONSTANTS)
    raw = one.compose(facts(values), SIGNERS[1:])
    shown, html = bodies(raw)
    assert html is None
    expected = rendered(text, values, escape_values=False) if text.strip() else ""
    assert expected in {shown, shown.removesuffix("\n")}
    assert verify(raw, RECORDS)


@settings(max_examples=60, deadline=None)
@given(VALUES, st.text(max_size=60), st.text(max_size=30))
def test_any_values_in_headers_inject_nothing(values: dict[str, str], subject: str, name: str) -> None:
    template = subject.replace("{", "(") + " {FIRST_NAME}{CITY}"
    raw = compiled(subject=template, from_name=name).compose(facts(values), SIGNERS[1:])
    message = parsed(raw)
    assert message.keys() == [
        *("DKIM-Signature", "To", "Date", "Message-ID", "X-Dynosend-Message-Id", "X-Trireme-Message"),
        *("X-Dynosend-Contact-Id", "Subject", "List-Unsubscribe", "From", "List-Unsubscribe-Post", "Precedence"),
        *("MIME-Version", "Content-Type"),
    ]
    assert verify(raw, RECORDS)


def test_the_headers_of_a_copy() -> None:
    headers = (
        ("Feedback-ID", "1:2:campaign:mail-1"),
        ("X-Dynosend-Campaign-Id", "c1"),
        ("To", "evil@x"),
        ("Bcc", "e@x"),
    )
    one = compiled(headers=headers, reply_to="Jö <reply@example.com>", subject="Größe für {FIRST_NAME}")
    message = parsed(one.compose(facts({"FIRST_NAME": "Zoë"})))
    assert message.get_all("To") == ["bob@example.org"]
    assert message["From"] == "Acme <team@example.com>"
    assert message["Reply-To"] == "Jö <reply@example.com>"
    assert message["Subject"] == "Größe für Zoë"
    assert message["Date"] == "Fri, 02 Jan 2026 03:04:05 +0000"
    assert message["Message-ID"] == "<20260102030405.0000125a8749@mail-1>"
    assert message["X-Dynosend-Message-Id"] == "20260102030405.0000125a8749@mail-1"
    assert message["X-Dynosend-Contact-Id"] == "66008a0512fa1"
    assert message["X-Dynosend-Campaign-Id"] == "c1"
    assert message["Feedback-ID"] == "1:2:campaign:mail-1"
    assert message["X-Trireme-Message"] == "abcdefghijklmnopqrstuvwx"
    assert message["Precedence"] == "bulk"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    page, mailbox = re.fullmatch(
        r"<https://mail\.example\.com/u/([a-z2-7]{24})>, <mailto:unsubscribe\+([a-z2-7]{24})@bounces\.example\.com>",
        message["List-Unsubscribe"],
    ).groups()  # type: ignore[union-attr]
    assert page == mailbox
    assert read([KEY], page, Purpose.UNSUBSCRIBE) == IDS
    assert message["Bcc"] is None


def test_mail_that_is_not_bulk_has_no_unsubscribe_headers() -> None:
    raw = compiled(unsubscribe=False).compose(facts(contact_uid=""), SIGNERS)
    message = parsed(raw)
    for name in ("List-Unsubscribe", "List-Unsubscribe-Post", "Precedence", "X-Dynosend-Contact-Id"):
        assert message[name] is None
    assert verify(raw, RECORDS)


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        ("  two  blanks  inside  ", "two  blanks  inside"),
        ("x" * 200, "x" * 200),
        ("word " * 30, ("word " * 30).strip()),
        ("é" * 100, "é" * 100),
        ("例え" * 60, "例え" * 60),
        ("a\r\nBcc: x@y\tb\x00", "a Bcc: x@y b"),
        ("", ""),
    ],
)
def test_subjects_of_copies_come_back(subject: str, shown: str) -> None:
    raw = compiled(subject="{FIRST_NAME}").compose(facts({"FIRST_NAME": subject}), SIGNERS[1:])
    assert parsed(raw)["Subject"] == shown
    assert verify(raw, RECORDS)
    same = compiled(subject=subject.replace("{", "")).compose(facts())
    assert parsed(same)["Subject"] == shown


@pytest.mark.parametrize(
    "address", ["bob@example.org", "jörg@example.org", "bob@bücher.example", "x" * 64 + "@" + "y" * 60 + ".example"]
)
def test_any_recipient_stands_alone_in_to(address: str) -> None:
    raw = compiled().compose(facts(recipient=address), SIGNERS[1:])
    assert verify(raw, RECORDS)
    to = re.search(rb"\r\nTo: ([^\r]*)\r\n", raw)
    assert to is not None
    assert to[1].decode() == address.replace("bücher", "xn--bcher-kva")


def test_clicks_and_pixel_lead_back() -> None:
    html = (
        '<html><body><a href="https://x.example/a?b=1&amp;c=2">A</a> <a href="https://x.example/b">B</a>'
        '<a href="https://x.example/b">again</a>{% if CITY %}<a href="https://x.example/{CITY}/c">C</a>{% endif %}</body></html>'
    )
    one = compiled(html)
    assert one.targets == ("https://x.example/a?b=1&c=2", "https://x.example/b", "https://x.example/{CITY}/c")
    _, shown = bodies(one.compose(facts({"CITY": "Ulm"})))
    assert shown is not None
    assert [read_click([KEY], token) for token in CLICK.findall(shown)] == [(*IDS, n) for n in (0, 1, 1, 2)]
    assert [read([KEY], token, Purpose.OPEN) for token in PIXEL.findall(shown)] == [IDS]
    assert PIXEL.sub("", shown).endswith("</body></html>\n") or PIXEL.sub("", shown).endswith("</body></html>")
    original = CLICK.sub(
        lambda match: escape(one.targets[(read_click([KEY], match[1]) or (0, 0, 0))[2]]), PIXEL.sub("", shown)
    )
    assert original.removesuffix("\n") == html.replace("{% if CITY %}", "").replace("{% endif %}", "")
    _, without = bodies(one.compose(facts()))
    assert without is not None
    assert len(CLICK.findall(without)) == 3


@pytest.mark.parametrize(
    "href", ["{CONTACT_URL}", "{CONTACT_URL}/{CITY}/{LIST_NAME}", "https://{CITY}", "{CONTACT_URL}{CITY}"]
)
def test_a_whole_link_is_replaced(href: str) -> None:
    one = compiled(f'<a href="{href}">x</a>', constants={"CONTACT_URL": "https://acme.example", "LIST_NAME": "l"})
    shown = bodies(one.compose(facts({"CITY": "Ulm"})))[1]
    assert shown is not None
    assert re.fullmatch(r'<a href="@">x</a>@', PIXEL.sub("@", CLICK.sub("@", shown.strip())))
    assert len(one.targets) == 1


def test_an_empty_body_gets_the_preheader_before_the_pixel() -> None:
    shown = bodies(compiled("<body></body>", preheader="pre").compose(facts()))[1]
    assert shown is not None
    assert re.fullmatch(r"<body><div [^>]*>pre</div>@</body>", PIXEL.sub("@", shown.strip()))


def test_switches_are_obeyed() -> None:
    html = '<body><a href="https://x.example/">A</a></body>'
    _, shown = bodies(compiled(html, track_opens=False, track_clicks=False).compose(facts()))
    assert shown is not None
    assert shown.strip() == html
    _, shown = bodies(compiled(html, track_clicks=False).compose(facts()))
    assert shown is not None
    assert PIXEL.search(shown)
    assert not CLICK.search(shown)


def test_our_own_links_are_places_and_not_tracked() -> None:
    html = (
        '<a href="{UNSUBSCRIBE_URL}">u</a><a href="{{ web_view_url }}">w</a><a href={UPDATE_PROFILE_URL}>p</a>'
        "{% if UNSUBSCRIBE_URL %}{{ UNSUBSCRIBE_URL | url_encode }}{% endif %}"
    )
    one = compiled(html)
    assert one.targets == ()
    text, shown = bodies(one.compose(facts()))
    assert shown is not None
    for path, purpose in (("u", Purpose.UNSUBSCRIBE), ("w", Purpose.WEB_VIEW), ("p", Purpose.PROFILE)):
        for found in (text, unescape(shown)):
            match = re.search(rf"https://mail\.example\.com/{path}/([a-z2-7]{{24}})", found)
            assert match is not None
            assert read([KEY], match[1], purpose) == IDS
    assert "https%3A%2F%2Fmail.example.com%2Fu%2F" in shown


def test_names_of_copy_date_and_run() -> None:
    html = "{EMAIL} {SUBSCRIBER_EMAIL} {SUBSCRIBER_UID} {{ contact_uid }} {CURRENT_YEAR}-{CURRENT_MONTH}-{CURRENT_DAY} {{ list_name }} {NAME}"
    one = compiled(html, track_opens=False, constants={"LIST_NAME": "<L>"})
    moment = datetime.fromisoformat("2026-01-01T00:30:00+05:00")
    _, shown = bodies(one.compose(facts({"FIRST_NAME": "Ann"}, accepted_at=moment)))
    assert shown is not None
    assert shown.strip() == "bob@example.org bob@example.org 66008a0512fa1 66008a0512fa1 2025-12-31 &lt;L&gt; Ann"
    constant = compiled("{% if EMAIL == 'c' %}c{% endif %}{EMAIL}", track_opens=False, constants={"EMAIL": "c"})
    assert bodies(constant.compose(facts({"EMAIL": "mine"})))[1] == "cc"


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<html><head><title>t</title></head><body class=x>B</body></html>", "<body class=x>@B"),
        ("<html><head><!-- <body> --></head>B</html>", "</head>@B"),
        ("<html>B", "<html>@B"),
        ("B", "@B"),
    ],
)
def test_the_preheader_is_the_first_thing_in_the_body(html: str, expected: str) -> None:
    one = compiled(html, preheader="5 < 6 & {FIRST_NAME}", track_opens=False)
    text, shown = bodies(one.compose(facts({"FIRST_NAME": "<Ann>"})))
    hidden = '<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">5 &lt; 6 &amp; &lt;Ann&gt;</div>'
    assert shown is not None
    assert expected.replace("@", hidden) in shown
    assert "Ann" not in text


def test_the_pixel_is_not_put_into_a_condition_or_a_comment() -> None:
    _, shown = bodies(compiled("<body>x{% if CITY %}</body>{% endif %}").compose(facts()))
    assert shown is not None
    assert PIXEL.sub("@", shown).strip() == "<body>x@"
    _, shown = bodies(compiled("<body>x</body><!-- </body> -->").compose(facts()))
    assert shown is not None
    assert PIXEL.sub("@", shown).strip() == "<body>x@</body><!-- </body> -->"


@pytest.mark.parametrize(
    ("html", "encoding"),
    [
        ("<p>plain</p>\n", "7bit"),
        ("<p>two  blanks</p>", "quoted-printable"),
        ("<p>{CITY}</p>", "quoted-printable"),
        ("<p>Grüße an alle in der Stadt</p>", "quoted-printable"),
        ("<p>Привет всем, {CITY}</p>" * 9, "base64"),
        ("<p>今日は{% if CITY %}皆さん{CITY}{% endif %}</p>", "base64"),
    ],
)
def test_the_encoding_is_chosen_by_the_static_text(html: str, encoding: str) -> None:
    raw = compiled(html, track_opens=False).compose(facts({"CITY": "Zürich\r\n'x'"}), SIGNERS)
    part = [*parsed(raw).iter_parts()][1]
    assert part["Content-Transfer-Encoding"] == encoding
    shown = bodies(raw)[1]
    assert shown is not None
    assert shown.rstrip("\n") == rendered(html, {"CITY": "Zürich\n'x'"}, escape_values=True).rstrip("\n")
    assert verify(raw, RECORDS)


def test_values_cannot_end_a_part() -> None:
    one = compiled("<p>{CITY}</p>")
    boundary = re.search(rb'boundary="([^"]+)"', one.compose(facts()))
    assert boundary is not None
    raw = one.compose(facts({"CITY": f"\r\n--{boundary[1].decode()}--\r\n"}))
    assert len([*parsed(raw).iter_parts()]) == 2


def test_what_is_too_large_is_refused() -> None:
    one = compiled("{CITY}" * 1000)
    assert len(one.compose(facts({"CITY": "x" * 5000}))) > 5_000_000
    with pytest.raises(TooLarge):
        one.compose(facts({"CITY": "x" * 20_000}))


def test_malformed_texts_and_headers_are_refused() -> None:
    for change in ({"subject": "{{"}, {"preheader": "{{"}, {"text": "{{"}, {"html": "{% if a %}"}):
        with pytest.raises(SyntaxProblem):
            compile_campaign(content(**change), LINKS)
    with pytest.raises(ValueError, match="header name"):
        compiled(headers=(("a b", "x"),))


def test_size_and_smtputf8_are_told() -> None:
    one = compiled("<p>{CITY}</p>" * 20)
    raw = one.compose(facts({"CITY": "Ulm"}), SIGNERS)
    assert len(raw) <= one.size <= len(raw) + 5_000
    assert not one.needs_smtputf8
    assert compiled(from_email="jörg@example.com").needs_smtputf8


def test_the_web_page_is_the_mail_without_tracking() -> None:
    html = '<body><a href="https://x.example/">{FIRST_NAME}</a> <a href="{UNSUBSCRIBE_URL}">u</a></body>'
    page = web_page(content(html, preheader="hidden"), LINKS, facts({"FIRST_NAME": "<Ann>"}))
    assert page.startswith('<body><a href="https://x.example/">&lt;Ann&gt;</a> <a href="https://mail.example.com/u/')
    assert page.endswith('">u</a></body>')
    page = web_page(content(None, text="a < {FIRST_NAME}"), LINKS, facts({"FIRST_NAME": "<Ann>"}))
    assert page == "<!DOCTYPE html><meta charset=utf-8><pre>a &lt; &lt;Ann&gt;</pre>"


def test_a_public_url_is_escaped() -> None:
    links = Links("https://mail.example.com/a&b", "bounces.example.com", KEY)
    raw = compile_campaign(content('<a href="https://x.example/">x</a>'), links).compose(facts())
    shown = bodies(raw)[1]
    assert shown is not None
    assert '<a href="https://mail.example.com/a&amp;b/t/c/' in shown


def test_the_acceptance_may_be_in_any_zone() -> None:
    one = compiled()
    same = ACCEPTED_AT.astimezone(datetime.fromisoformat("2026-01-01T00:00:00+07:00").tzinfo)
    assert one.compose(facts()) == one.compose(facts(accepted_at=same))
    assert UTC is ACCEPTED_AT.tzinfo
