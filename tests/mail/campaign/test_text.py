"""The derived text part."""

import time

import pytest

from tests.mail.campaign.kit import bodies, compiled, facts

SIZE = 131_072


def text_of(html: str, **values: str) -> str:
    return bodies(compiled(html).compose(facts(values)))[0].rstrip("\n")


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("<p>One &amp; two</p><p>three<br>four</p>", "One & two\n\nthree\nfour"),
        ("<h1>T</h1>\n\n  <div>a\n b</div><div>c</div>", "T\n\na b\nc"),
        ('<a href="https://x.example/?a=1&amp;b=2">go <b>now</b></a>!', "go now (https://x.example/?a=1&b=2)!"),
        ('<a href="https://x.example/">https://x.example/</a>', "https://x.example/"),
        ('<a href="https://x.example/"><img src=i alt="Logo"></a>', "Logo (https://x.example/)"),
        ('<a href="https://x.example/"><img src=i></a>', "(https://x.example/)"),
        ('<a href="mailto:a@x.example">a@x.example</a>', "a@x.example"),
        ('<a href="#top">top</a> <a name=n>n</a> <a href="javascript:x">j</a> </a>', "top n j"),
        ("<ul><li>a</li><li>b</li></ul>c", "- a\n- b\n\nc"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("<head><title>t</title><style>s{}</style></head><body>x<script>j</script><!-- c -->y</body>", "xy"),
        ('<div style="display: none">hidden<div>too</div></div>shown', "shown"),
        ("a&nbsp;b &lt;c&gt; &eacute;", "a b <c> é"),
        ("a<hr>b", "a\n\nb"),
        ("Hi {FIRST_NAME}, <b>{{ city }}</b>.", "Hi Ann & <b>, Ulm."),
        ("{% if CITY %}<p>in {CITY}</p>{% else %}<p>x</p>{% endif %}<p>y</p>", "in Ulm\n\ny"),
        ('<a href="https://x.example/{CITY}/">c</a>', "c (https://x.example/Ulm/)"),
        ('<a {% if CITY %}href="https://x.example/"{% endif %}>c</a>', "c (https://x.example/)"),
        ('<a href="https://x.example/{% if CITY %}">a</a>{% else %}">b</a>{% endif %}', "a"),
        ("<style>{% if nobody %}a{% else %}b{% endif %}{CITY}</style>x", "x"),
        ('<p {% if CITY %}class="{CITY}"{% endif %}>x</p>', "x"),
        ("&#123;{ CITY }} {CSS}", "{{ CITY }} {CSS}"),
    ],
)
def test_html_as_text(html: str, text: str) -> None:
    assert text_of(html, FIRST_NAME="Ann & <b>", CITY="Ulm") == text


def test_a_blank_text_is_derived_and_a_given_one_kept() -> None:
    assert bodies(compiled("<p>x</p>", text=" \n").compose(facts()))[0] == "x"
    assert bodies(compiled("<p>x</p>", text="given {CITY}").compose(facts({"CITY": "<Ulm>"})))[0] == "given <Ulm>"


@pytest.mark.parametrize(
    "unit",
    [
        "<b>x</b> ",
        "<a href='https://x.example/'>",
        "<a href=x>y</a>",
        "<p>x",
        "<div style='display:none'>",
        "&amp; ",
        "\n\t ",
        "</a>",
    ],
)
def test_no_html_is_slow_to_compile(unit: str) -> None:
    html = (unit * (SIZE // len(unit)))[:SIZE]
    began = time.process_time()
    compiled(html)
    assert time.process_time() - began < 3
