"""Which links are tracked, and where clicks lead."""

import re

import pytest

from app.mail.campaign import Links, link_target
from app.mail.campaign.links import is_url
from app.mail.tracking import read_click
from tests.mail.campaign.kit import KEY, bodies, compiled, facts

LONG = "https://x.example/" + "a" * 9000


@pytest.mark.parametrize(
    ("html", "target"),
    [
        ('<a href="https://x.example">', "https://x.example"),
        ('<a href=" HTTP://x.example/%20?a=b#c\n">', "HTTP://x.example/%20?a=b#c"),
        ('<area href="https://u:p@x.example:8080/">', "https://u:p@x.example:8080/"),
        ('<a href="https://[2001:db8::1]/">', "https://[2001:db8::1]/"),
        ('<a href="https://x.example/?a=1&amp;b=2&c=3">', "https://x.example/?a=1&b=2&c=3"),
        ("<a href=https://x.example/a>", "https://x.example/a"),
        (
            '<a href="https://x.example/{CITY}?m={{ EMAIL | url_encode }}">',
            "https://x.example/{CITY}?m={{ EMAIL | url_encode }}",
        ),
        ('<a href="https://{{ host }}/">', "https://{{ host }}/"),
        (
            '<a href="https://x.example/{% if CITY %}a{% else %}b{% endif %}">',
            "https://x.example/{% if CITY %}a{% else %}b{% endif %}",
        ),
        ('<a href="{CONTACT_URL}/shop">', "https://acme.example/shop"),
        ('<a href="https://x.example/{LIST_UID}">', "https://x.example/l1"),
        ('<a href="mailto:a@x.example">', None),
        ('<a href="tel:+123">', None),
        ('<a href="javascript:alert(1)">', None),
        ('<a href="#top">', None),
        ('<a href="/relative">', None),
        ('<a href="//x.example/">', None),
        ('<a href="">', None),
        ("<a>", None),
        ('<a href="https://">', None),
        ('<a href="https:///x">', None),
        ('<a href="https://x.example/a b">', None),
        ('<a href="https://x.example/%zz">', None),
        ('<a href="https://x.example/é">', None),
        ('<a href="https://x.example/<b>">', None),
        ('<a href="https://x.example:80a/">', None),
        ('<a href="https://x.example/{a}">', None),
        ('<a href="https://x.example/" data-no-track>', None),
        ('<a href="https://x.example/" DATA-NO-TRACK="1">', None),
        ('<link href="https://x.example/">', None),
        ('<img src="https://x.example/">', None),
        ('</a href="https://x.example/">', None),
        ('<a href="{CITY}">', None),
        ('<a href="{CITY}://x.example/">', None),
        ('<a href="{UNSUBSCRIBE_URL}">', None),
        ('<a href="https://mail.example.com/u/abc">', None),
        ('<a href="https://mail.example.com/w/abc">', None),
        ('<a href="https://mail.example.com/p/abc">', None),
        ('<a href="https://mail.example.com/pricing">', "https://mail.example.com/pricing"),
        ('{% if CITY %}<a href="https://x.example/{% endif %}a">', None),
        ('<a href="https://x.example/{% if CITY %}"></a>{% endif %}', None),
        ('{% if CITY %}<a href="https://x.example/a{% else %}<a href="{% endif %}">', None),
        (f'<a href="{LONG}">', None),
    ],
)
def test_what_is_tracked(html: str, target: str | None) -> None:
    one = compiled(html, track_opens=False, constants={"CONTACT_URL": "https://acme.example", "LIST_UID": "l1"})
    assert one.targets == (() if target is None else (target,))


def test_nothing_but_the_values_of_links_is_changed() -> None:
    html = "<A  HREF = 'https://x.example/' ID=\"1\"  >x</A><!-- <a href='https://x.example/'> -->&nbsp;<BR/>"
    one = compiled(html, track_opens=False)
    assert one.targets == ("https://x.example/",)


@pytest.mark.parametrize(
    ("target", "url"),
    [
        ("https://x.example/a", "https://x.example/a"),
        ("https://x.example/{CITY}", "https://x.example/Bad%20K%C3%B6nig/%3C"),
        ("https://x.example/?c={{ CITY | url_encode }}", "https://x.example/?c=Bad+K%C3%B6nig%2F%3C"),
        ("https://x.example/{{ nobody }}", "https://x.example/"),
        ("https://x.example/{{ pct }}", "https://x.example/100%25%20a%20"),
        ("https://{{ nobody }}/", None),
        ("https://x.example/{{ lines }}", "https://x.example/a%0D%0AX:%20y"),
        ("https://x.example/{{ many }}", None),
        ("https://x.example/{{", None),
    ],
)
def test_where_a_click_leads(target: str, url: str | None) -> None:
    values = {"CITY": "Bad König/<", "PCT": "100% a%20", "LINES": "a\r\nX: y", "MANY": "x" * 9000}
    assert link_target(target, values, {"CITY"}) == url


def test_ipv6_and_odd_hosts() -> None:
    assert is_url("http://a_b.example/;p=1,2/(x)!*'~")
    assert not is_url("http://[::1/")
    assert not is_url("http://a@b@c/")
    assert not is_url("ftp://x.example/")
    assert not is_url("https://x.example/\n")


@pytest.mark.parametrize(
    ("public_url", "host", "url"),
    [
        ("https://mail.example.com", "", "https://mail.example.com"),
        ("https://mail.example.com", "l.example.org", "https://l.example.org"),
        ("http://127.0.0.1:8080", "l.example.org", "http://l.example.org:8080"),
        ("https://mail.example.com/mail", "l.example.org", "https://l.example.org/mail"),
    ],
)
def test_links_lead_to_another_host(public_url: str, host: str, url: str) -> None:
    links = Links(public_url, "bounces.example.com", KEY)
    assert links.at(host) == Links(url, "bounces.example.com", KEY)


def test_stored_numbers_win_over_those_of_the_html() -> None:
    html = '<a href="https://x.example/a">a</a><a href="https://x.example/b">b</a><a href="https://x.example/c">c</a>'
    targets = ("https://elsewhere.example/", "https://x.example/c", "https://x.example/a")
    one = compiled(html, targets=targets)
    assert one.targets == targets
    _, shown = bodies(one.compose(facts()))
    assert shown is not None
    numbers = [(read_click([KEY], token) or (0, 0, -1))[2] for token in re.findall(r'/t/c/(\w+)"', shown)]
    assert numbers == [2, 1]
    assert '<a href="https://x.example/b">b</a>' in shown
