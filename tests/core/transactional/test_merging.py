"""One content for many: what each gets, and what is refused."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import Fault, Invalid
from app.core.transactional import Recipient
from app.core.transactional.merging import MAX_HTML, Merged, merge
from app.mail.addresses import Mailbox

AT = datetime(2027, 1, 5, 23, 30, tzinfo=UTC)


def to(address: str = "ann@x.example", **fields: str) -> Recipient:
    return Recipient(Mailbox(fields.get("name", ""), address), fields)


def merged(html: str, *recipients: Recipient, subject: str = "", preheader: str = "") -> list[Merged]:
    return merge(recipients or (to(),), subject=subject, html=html, preheader=preheader, at=AT)


def test_names_ignore_case_and_what_is_unknown_is_empty() -> None:
    (one,) = merged("<p>{{ Name }}|{{city}}|{{nothing}}|{NAME}</p>", to(name="Ann", CITY="Hue"), subject="{{NAME}}")
    assert (one.subject, one.html, one.text.strip()) == ("Ann", "<p>Ann|Hue||{NAME}</p>", "Ann|Hue||{NAME}")


def test_the_address_and_the_date_are_known() -> None:
    (one,) = merged("{{email}} {{ CURRENT_YEAR }}-{{current_month}}-{{current_day}}", to(email="other@x.example"))
    assert one.html == "ann@x.example 2027-01-05"


def test_first_and_last_name_make_a_name() -> None:
    (one,) = merged("{{name}}", to(first_name="Ann", last_name="Lee"))
    assert one.html == "Ann Lee"


def test_conditions_and_filters() -> None:
    html = '{% if vip == "yes" %}Dear{% else %}Hi{% endif %} {{ name | default: "friend" | upcase }}'
    assert [one.html for one in merged(html, to(vip="yes", name="Ann"), to("b@x.example"))] == ["Dear ANN", "Hi FRIEND"]


def test_the_hidden_line_is_at_the_top_of_the_html_alone() -> None:
    (one,) = merged("<html><BODY class='x'><p>Hi</p></BODY></html>", to(name="A&B"), preheader="<{{name}}>")
    hidden = '<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">&lt;A&amp;B&gt;</div>'
    assert one.html == f"<html><BODY class='x'>{hidden}<p>Hi</p></BODY></html>"
    assert one.text == "Hi\n"


@pytest.mark.parametrize(
    ("html", "start"),
    [("<p>x</p>", 0), ("<head><title><body></title></head>x", 34), ("<html lang=x>x", 13), ("<!--<body>--><p>x", 0)],
)
def test_without_a_body_the_hidden_line_goes_where_a_browser_would_begin_one(html: str, start: int) -> None:
    (one,) = merged(html, preheader="Line")
    assert one.html.startswith(f"{html[:start]}<div style=")
    assert one.html.endswith(f"Line</div>{html[start:]}")


@pytest.mark.parametrize(
    ("parts", "field", "fault"),
    [
        ({"html": "{% if a %}"}, "html", Fault.SYNTAX),
        ({"html": "x", "subject": "{{ a | nothing }}"}, "subject", Fault.SYNTAX),
        ({"html": "x", "preheader": "{% endif %}"}, "preheader", Fault.SYNTAX),
        ({"html": "x" * (MAX_HTML + 1)}, "html", Fault.TOO_LONG),
        ({"html": "x", "subject": "x" * 2001}, "subject", Fault.TOO_LONG),
    ],
)
def test_what_is_wrong_is_named(parts: dict[str, str], field: str, fault: Fault) -> None:
    with pytest.raises(Invalid) as caught:
        merged(**parts)
    assert (caught.value.faults[0].field, caught.value.faults[0].fault) == (field, fault)


def test_all_mails_together_have_a_limit() -> None:
    with pytest.raises(Invalid) as caught:
        merged("{{x}}" * 100, *(to(f"p{number}@x.example", x="y" * 10_000) for number in range(100)))
    assert caught.value.faults[0].fault is Fault.TOO_LONG


VALUES = st.text(alphabet=st.characters(codec="utf-8"), max_size=30)


@given(VALUES, VALUES)
def test_values_are_escaped_and_never_scanned_again(name: str, line: str) -> None:
    (one,) = merged("<p>{{name}}</p>", to(name=name), preheader="{{line}}", subject="{{name}}")
    assert one.subject == name
    inside = one.html.partition("<p>")[2].removesuffix("</p>")
    assert not set(inside) & set("<>\"'")
    (other,) = merged("<p>{{name}}</p>", to(name="{{line}}{% if %}", line=line))
    assert other.html == "<p>{{line}}{% if %}</p>"
