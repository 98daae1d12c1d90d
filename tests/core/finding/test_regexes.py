"""Regular expressions end in time, and find in many texts at once what they find in each of them."""

import time

import hypothesis
import pytest
import re2  # type: ignore[import-untyped]  # it has no stubs
from hypothesis import strategies as st

from app.core.errors import Invalid
from app.core.finding import UnreadablePattern, check_pattern
from app.core.finding.regexes import MAX_STEPS, Searches, Texts

PIECES = ["a", "b", "A", "é", "_", " ", "^", "$", ".", "\\b", "\\B", "[^a]", "[ab]", "\\s", "\\S", "\\W", "\\D", "\\PL", "\n",
          "\\n", "[^\n]", "[[:^alpha:]]", "(?i)", "(?:", "(?s)", "(?m)", "(?-s:", "(", ")", "|", "*", "+", "?", "*?", "{2}",
          "\\A", "\\z", "\\C", "\\Q", "\\E", "\\x{0a}", "(?P<x>"]  # fmt: skip
WORDS = st.text("abA é_\t", max_size=5)


@pytest.mark.parametrize(
    "pattern", ["(", "a**", r"(a)\1", "(?=a)", "(?<!a)b", "a{1001}", "x" * 257, "(" * 256, r"\8", "[z-a]"]
)
def test_what_re2_does_not_know_is_refused(pattern: str) -> None:
    with pytest.raises(UnreadablePattern):
        check_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(a+)+$", "a" * 200_000 + "b"),
        ("(a|aa)+$", "a" * 200_000 + "b"),
        ("(a|a?)+$", "a" * 200_000 + "b"),
        ("(.*)*x", "a" * 200_000),
        ("(x+x+)+y", "x" * 200_000),
        ("(a?){20}a{20}", "a" * 19 + "b" * 200_000),
        ("^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 200_000),
    ],
)
def test_catastrophic_patterns_end_in_time(pattern: str, text: str) -> None:
    check_pattern(pattern)
    began = time.process_time()
    Searches().found("name", pattern, Texts(text.encode(), [len(text)]))
    assert time.process_time() - began < 2


def test_a_search_that_would_take_too_long_is_refused() -> None:
    pattern = ".{500}.{400}x"
    check_pattern(pattern)
    for lengths in (lambda text: [len(text)], lambda _text: None):
        text, long = b"a" * 1000, b"a" * (MAX_STEPS // 5000)
        assert not Searches().found("content", pattern, Texts(text, lengths(text)))
        with pytest.raises(Invalid, match="takes too long"):
            Searches().found("content", pattern, Texts(long, lengths(long)))


@hypothesis.settings(max_examples=500, deadline=None, database=None)
@hypothesis.given(
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=7).map("".join), st.lists(WORDS, min_size=1, max_size=6)
)
def test_lines_are_found_as_texts_are(pattern: str, texts: list[str]) -> None:
    try:
        check_pattern(pattern)
    except UnreadablePattern:
        return
    expected = {place for place, text in enumerate(texts) if text and re2.search(pattern, text)}
    joined, lengths = "\n".join(texts).encode(), [len(text.encode()) for text in texts]
    assert Searches().found("name", pattern, Texts(joined, None)) == expected
    assert Searches().found("name", pattern, Texts(joined, lengths)) == expected


def test_texts_of_several_lines_are_told_apart() -> None:
    texts = Texts(b"a\nb\n\nb\na", [3, 0, 3])
    assert Searches().found("name", "^b", texts) == {2}
    assert Searches().found("name", "a.?b", texts) == set()
    assert Searches().found("name", "(?s)a.b", texts) == {0}
    assert Searches().found("name", "^", texts) == {0, 2}
