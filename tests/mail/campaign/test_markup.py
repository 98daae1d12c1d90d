"""Tags are found as a browser finds them."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.campaign.markup import MASK, MAX_ATTRIBUTES, Tag, landmarks, mask, tags
from app.mail.personalise import MAX_SOURCE, scan


def hrefs(html: str) -> list[str | None]:
    found = []
    for tag in tags(mask(html, scan(html, ["X"]))):
        if tag.name == "a" and not tag.closes:
            span = tag.span("href")
            found.append(html[slice(*span)] if span is not None else None)
    return found


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<a href="x">', ["x"]),
        ("<A\nHREF = 'x y' class=z>", ["x y"]),
        ("<a href=x/y>", ["x/y"]),
        ("<a href=x/>", ["x/"]),
        ("<a href>", [""]),
        ('<a href="">', [""]),
        ("<a>", [None]),
        ('<a data-href="n" title="href=\'n\'" href="x">', ["x"]),
        ('<a href="first" href="second">', ["first"]),
        ("<a title=it's href=x>", ["x"]),
        ('<a title=">" href="x">', ["x"]),
        ('<a/href="x"/>', ["x"]),
        ('<abbr href="n"><a href="x">', ["x"]),
        ('<!-- <a href="n"> --><a href="x">', ["x"]),
        ('<!--><a href="x">-->', ["x"]),
        ('<!---><a href="x">', ["x"]),
        ('<!-- a --!><a href="x">', ["x"]),
        ('<!-- <a href="n">', []),
        ('<!DOCTYPE html "><a href="x">', ["x"]),
        ("<?xml <a href='n'>", []),
        ("</ bogus><a href=x>", ["x"]),
        ('<script>if (a<b) "<a href=n>"</script><a href="x">', ["x"]),
        ('<SCRIPT src=s></scripty><a href="n"></ScRiPt ><a href="x">', ["x"]),
        ("<style><a href=n>", []),
        ("<title><a href=n></title><textarea><a href=n></textarea><a href=x>", ["x"]),
        ('a < b <a href="x"> <1> <', ["x"]),
        ('<a href="never closed', []),
        ("<a href='x' ", []),
        ('<a href="x" =y>', ["x"]),
        ('<a href="{X}/y">', ["{X}/y"]),
        ("<a href={{ x }}>", ["{{ x }}"]),
        ('<a {% if x %}href="x"{% endif %}>', ["x"]),
        ('<a{% if x == ">" %}{% endif %} href="x">', ["x"]),
        ("<{X} href=n>", []),
    ],
)
def test_links_are_found(html: str, expected: list[str | None]) -> None:
    assert hrefs(html) == expected


def test_a_mask_keeps_every_place() -> None:
    html = "a{X}b{{ x }}c{% if x %}d{% endif %}"
    masked = mask(html, scan(html, ["X"]))
    assert len(masked) == len(html)
    assert masked.replace("\ue000", "") == "abcd"


@pytest.mark.parametrize(
    "unit",
    [
        *(
            "<",
            "<a ",
            '<a href="',
            "<a b='",
            "<!--",
            "<!-- -->",
            "<!-- --",
            "<script>",
            "<script></script",
            "</",
            "<!",
            "&",
        ),
        *("<a b=\"c' ", "<a =\"'", "<a href=' \" ", "a=", "<a a=b ", "<a\t", "<a>"),
    ],
)
def test_no_text_is_slow(unit: str) -> None:
    text = (unit * (MAX_SOURCE // len(unit)))[:MAX_SOURCE]
    began = time.process_time()
    for tag in tags(text):
        assert len(tag.attributes) <= MAX_ATTRIBUTES
    assert time.process_time() - began < 5


ODD = [
    *(
        "<a ",
        "<A",
        "</a>",
        "<area",
        "<abbr",
        "<areas",
        "<p ",
        "<div",
        "</",
        "</body>",
        "<BODY",
        "<html>",
        "</head",
        "<",
    ),
    *("<style>", "</style>", "<title", "</title>", "<!--", "-->", "<!x", "<?", ">", "/>", "/", "'", '"', "=", '= "'),
    *("href", "href=", "class=", " ", "\n", MASK, "x", "b'", 'c"d', "''", '""'),
]


@given(text=st.lists(st.sampled_from(ODD), max_size=25).map("".join))
def test_landmarks_are_the_same_tags(text: str) -> None:
    def asked_for(tag: Tag) -> bool:
        return tag.name in {"body", "head", "html"} or (tag.name in {"a", "area"} and not tag.closes)

    assert [tag for tag in landmarks(text) if asked_for(tag)] == [tag for tag in tags(text) if asked_for(tag)]


@pytest.mark.parametrize("unit", ["<p ", "<p a", "<p a=", "<p a='", "<", "<p>", "<p a=b'", "<p /", '<p a="b"c', "a<p"])
def test_no_text_is_slow_to_look_through(unit: str) -> None:
    text = (unit * (MAX_SOURCE // len(unit) + 1))[:MAX_SOURCE]
    start = time.process_time()
    assert sum(1 for _ in landmarks(text)) <= MAX_SOURCE
    assert time.process_time() - start < 3
