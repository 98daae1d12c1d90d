"""Personalisation by the contract's table, and its bounds."""

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.personalise import (
    MAX_OUTPUT,
    MAX_SOURCE,
    STANDARD,
    Place,
    SyntaxProblem,
    Template,
    TooLarge,
    known_names,
    parse,
)

KNOWN = known_names(["FIRST_NAME", "LAST_NAME", "CITY"], ["CODE"])
VALUES = {"FIRST_NAME": "Ann", "LAST_NAME": "O'Hara & <Co>", "CITY": "", "CODE": "{FIRST_NAME}"}


def shown(text: str, *, escape: bool = False, **values: str) -> str:
    return parse(text, KNOWN).render({**VALUES, **values}, escape=escape)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("plain", "plain"),
        ("Hi {FIRST_NAME}!", "Hi Ann!"),
        ("{SUBSCRIBER_FIRST_NAME}", "Ann"),
        ("{first_name} {UNKNOWN} {} {a} a{b}", "{first_name} {UNKNOWN} {} {a} a{b}"),
        ("{FIRST_NAME", "{FIRST_NAME"),
        ("{ FIRST_NAME }", "{ FIRST_NAME }"),
        ("{{first_name}} {{ First_Name }} {{ contact.first_name }} {{ CONTACT.FIRST_NAME }}", "Ann Ann Ann Ann"),
        ("{{ nobody }}|{{ contact.nobody }}", "|"),
        ("{{ subscriber_first_name }}", "Ann"),
        ("{CODE}{{ code }}", "{FIRST_NAME}{FIRST_NAME}"),
        ("{NAME}|{FULL_NAME}", "Ann O'Hara & <Co>|Ann O'Hara & <Co>"),
        ('{{ city | default: "there" }}', "there"),
        ("{{ city | default: 'it \"is\" }}' }}", 'it "is" }}'),
        ('{{ FIRST_NAME | default: "x" }}', "Ann"),
        ("{{ FIRST_NAME | upcase }} {{ FIRST_NAME|downcase }}", "ANN ann"),
        ('{{ x | default: "hELLO wORLD" | capitalize }}', "Hello world"),
        ('{{ x | default: "a b&c/é~" | url_encode }}', "a+b%26c%2F%C3%A9~"),
        ("{% if FIRST_NAME %}a{% endif %}{% if CITY %}b{% endif %}", "a"),
        ('{% if FIRST_NAME == "Ann" %}a{% else %}b{% endif %}', "a"),
        ('{% if contact.first_name != "Ann" %}a{% else %}b{% endif %}', "b"),
        ('{% if last_name contains "Hara" %}a{% endif %}', "a"),
        ('{% if CITY %}a{% elsif FIRST_NAME == "Bob" %}b{% elsif FIRST_NAME %}c{% else %}d{% endif %}', "c"),
        ("{% if CITY %}a{% elsif NOBODY %}b{% else %}d{% endif %}", "d"),
        ("{% if FIRST_NAME %}{% if CITY %}a{% else %}b{FIRST_NAME}{% endif %}{% endif %}", "bAnn"),
        ("{%if CITY%}a{%else%}b{%endif%}", "b"),
        ('a { color: red } @media { b { c: "}}" } }', 'a { color: red } @media { b { c: "}}" } }'),
    ],
)
def test_texts_are_filled(text: str, expected: str) -> None:
    assert shown(text) == expected


def test_values_are_escaped_in_html_and_never_scanned_again() -> None:
    assert shown("<b>{LAST_NAME}</b>", escape=True) == "<b>O&#x27;Hara &amp; &lt;Co&gt;</b>"
    assert shown('{{ x | default: "<\'>" }}', escape=True) == "&lt;&#x27;&gt;"
    assert shown("{CODE}", CODE="{% if x %}{{ FIRST_NAME }}{CITY}") == "{% if x %}{{ FIRST_NAME }}{CITY}"


def test_a_name_of_its_own_wins() -> None:
    assert shown("{NAME}", NAME="Dr. Ann") == "Dr. Ann"
    assert shown("{SUBSCRIBER_FIRST_NAME}", SUBSCRIBER_FIRST_NAME="x") == "x"
    assert {"EMAIL", "UNSUBSCRIBE_URL", "CONTACT_ADDRESS_2", "LIST_FROM_EMAIL", "CURRENT_DAY"} <= STANDARD


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("{{", 1, "not understood"),
        ("a\n{{ }}", 2, "a name is missing"),
        ("{{ a", 1, "not understood"),
        ("{{ a | }}", 1, "a filter is missing"),
        ("{{ a | shout }}", 1, "no filter 'shout'"),
        ("{{ a | default }}", 1, "default needs a text"),
        ("{{ a | default: b }}", 1, "text in quotes"),
        ("{{ a b }}", 1, "'b' is not expected"),
        ("{{ a %}", 1, "'%}' is not expected"),
        ("{{ a.b }}", 1, "'A.B' is not a name"),
        ("{{{ a }}}", 1, "not understood"),
        ('{{ a | default: "x }}', 1, "not understood"),
        ("{{ a" + " | upcase" * 11 + " }}", 1, "'|' is not expected"),
        ("x\n\n{% for a %}", 3, "no tag 'for'"),
        ("{% if %}{% endif %}", 1, "a name is missing"),
        ("{% if a == %}{% endif %}", 1, "text in quotes"),
        ("{% if a > %}{% endif %}", 1, "not understood"),
        ("{% if a b %}{% endif %}", 1, "'b' is not expected"),
        ("{% if a '==' %}{% endif %}", 1, "not expected"),
        ("{% else a %}", 1, "'a' is not expected"),
        ("\n{% if a %}", 2, "if without endif"),
        ("\n\n{% endif %}", 3, "endif without if"),
        ("{% else %}", 1, "else without if"),
        ("{% if a %}{% else %}\n{% else %}{% endif %}", 2, "else after else"),
        ("{% if a %}{% else %}{% elsif b %}{% endif %}", 1, "elsif after else"),
        ("{% if a %}" * 21 + "{% endif %}" * 21, 1, "nested deeper"),
        ("x" * (MAX_SOURCE + 1), 1, "longer than"),
        ("{NAME}" * 20_001, 1, "more than 20000"),
    ],
)
def test_malformed_texts_are_told_with_their_line(text: str, line: int, message: str) -> None:
    with pytest.raises(SyntaxProblem) as caught:
        parse(text, KNOWN)
    assert caught.value.line == line
    assert message in caught.value.message
    assert len(str(caught.value)) < 200


def test_names_are_those_that_matter() -> None:
    used = parse(
        '{EMAIL}{{ a }}{% if b %}{{ contact.c }}{% elsif d == "x" %}{e}{% else %}{F}{% endif %}', ["EMAIL", "F"]
    )
    assert used.names == {"EMAIL", "A", "B", "C", "D", "F"}
    assert Template((Place("x", 1), Place("y")), frozenset()).render({"x:1": "z"}, escape=True) == "z"


def test_the_output_is_bounded() -> None:
    many = parse("{FIRST_NAME}" * 1000, KNOWN)
    assert len(many.render({"FIRST_NAME": "x" * 4000}, escape=False)) == 4_000_000
    with pytest.raises(TooLarge):
        many.render({"FIRST_NAME": "x" * 5000}, escape=False)
    assert MAX_OUTPUT < 5_000_000


@given(
    st.lists(
        st.sampled_from(
            ["{", "}", "{{", "}}", "{%", "%}", "if ", "endif", "a", '"', "'", " ", "|", "default:", "NAME", "\n", "=="]
        )
    ).map("".join)
)
def test_any_text_is_parsed_or_refused(text: str) -> None:
    lines = text.count("\n") + 1
    try:
        template = parse(text, KNOWN)
    except SyntaxProblem as problem:
        line = problem.line
    else:
        line = 1
        template.render(VALUES, escape=True)
    assert 1 <= line <= lines


@pytest.mark.parametrize(
    "unit",
    ["{", "{A", "{{ a | default: '", '{{ "', "{%", "{ {", "{AAAAAAAAAAAAAAAAAAAAAAAAA ", '{{ a }}"', "{% if a %}"],
)
def test_no_text_is_slow(unit: str) -> None:
    text = (unit * (MAX_SOURCE // len(unit)))[:MAX_SOURCE]
    began = time.process_time()
    with suppress(SyntaxProblem):
        parse(text, KNOWN)
    assert time.process_time() - began < 2
