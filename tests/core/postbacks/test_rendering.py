"""The URL of an event: tokens of docs/contract/dyn-email.md, 17."""

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.postbacks.rendering import LONGEST_URL, BounceFacts, blocked, bounced, render

HARD = bounced("hard", "bad-mailbox", "5.1.1", "550 5.1.1 User unknown")


def rendered(
    url: str,
    *,
    email: str = "jo@example.org",
    names: tuple[str, ...] = (),
    facts: BounceFacts | None = None,
    **x_headers: str,
) -> str:
    values = {name.replace("_", "-"): value for name, value in x_headers.items()}
    return render(url, email=email, names=names, x_headers=values, facts=facts)


def test_the_example_of_the_contract() -> None:
    facts = bounced("hard", "bad-mailbox", "5.0.0", "550 5.0.0 no such user")
    url = "http://h.example/b?e=@email&r=@bouncerule&t=@bouncetype&dc=@diagnostic&s=@status"
    assert rendered(url, facts=facts) == (
        "http://h.example/b?e=jo%40example.org&r=emaildoesntexist&t=hard"
        "&dc=smtp%3B550%205.0.0%20no%20such%20user&s=5.0.0%28undefined%20status%29"
    )


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (HARD, "emaildoesntexist hard 5.1.1 smtp;550 5.1.1 User unknown 5.1.1(bad destination mailbox address)"),
        (
            bounced("soft", "quota-issues", "4.2.2", "452 4.2.2 full"),
            "overquota soft 4.2.2 smtp;452 4.2.2 full 4.2.2(mailbox full)",
        ),
        (
            bounced("soft", "content-related", "5.6.3", "554 5.6.3 no"),
            "blockedcontent soft 5.6.3 smtp;554 5.6.3 no 5.6.3(message content error)",
        ),
        (
            blocked("hardbounce"),
            "blockedcontent previouslyhardbounced 5.7.0 smtp;recipient is suppressed: hardbounce 5.7.0(undefined status)",
        ),
        (
            blocked("softbounce"),
            "blockedcontent suppressed 5.7.0 smtp;recipient is suppressed: softbounce 5.7.0(undefined status)",
        ),
    ],
)
def test_what_is_said_of_a_bounce(facts: BounceFacts, said: str) -> None:
    url = rendered("http://h.example/?@bouncerule+@bouncetype+@bouncecode+@diagnostic+@status", facts=facts)
    assert " ".join(unquote(part) for part in url.partition("?")[2].split("+")) == said


def test_longer_names_come_before_shorter_ones() -> None:
    url = rendered("http://h.example/@X-Camp/@X-Campaign/@X-Campaigns", X_Camp="a", X_Campaign="b")
    assert url == "http://h.example/a/b/bs"


def test_x_headers_ignore_case_and_are_empty_without_a_value() -> None:
    names = ("X-Campaign", "", "X-Other", "")
    assert (
        rendered("http://h.example/@x-CAMPAIGN-@X-other.", names=names, X_Campaign="s p") == "http://h.example/s%20p-."
    )


def test_unknown_tokens_stay() -> None:
    url = "http://u@h.example/@X-None/@unknown/@Email/@bouncetype/@@email@"
    assert rendered(url) == "http://u@h.example/@X-None/@unknown/@Email/@bouncetype/@jo%40example.org@"


def test_values_are_not_scanned_again() -> None:
    url = "http://h.example/@X-A/@X-B/@email"
    # What is encoded has no @ left; what is not encoded can't bring one.
    assert rendered(url, X_A="@X-B", X_B="@email", email="@X-A") == "http://h.example/%40X-B/%40email/%40X-A"


def test_only_unreserved_characters_are_written_plain() -> None:
    assert rendered("http://h.example/@email", email="aZ09-._~!*'();/?%+ é€\n") == (
        "http://h.example/aZ09-._~%21%2A%27%28%29%3B%2F%3F%25%2B%20%C3%A9%E2%82%AC%0A"
    )


def test_values_are_cut_where_the_url_would_be_too_long() -> None:
    facts = bounced("soft", "other", "4.0.0", "é" * 3000)
    url = rendered("http://h.example/@diagnostic?@diagnostic&e=@email", facts=facts)
    assert len(url) <= LONGEST_URL
    assert url.startswith("http://h.example/smtp%3B%C3%A9")
    assert url.endswith("&e=jo%40example.org")
    assert "\ufffd" not in unquote(url)


@given(st.dictionaries(st.sampled_from(["X-A", "X-Ab", "X-Abc"]), st.text(max_size=600)), st.text(max_size=400))
def test_any_value_comes_back(x_headers: dict[str, str], email: str) -> None:
    url = render("http://h.example/?@email&@X-A&@X-Ab&@X-Abc", email=email, names=("X-A",), x_headers=x_headers)
    if len(url) < 4000:
        found = [unquote(part) for part in url.partition("?")[2].split("&")]
        expected = [email, *(x_headers.get(name) for name in ("X-A", "X-Ab", "X-Abc"))]
        for got, value in zip(found, expected, strict=True):
            if value is not None:
                assert got == value.encode("utf-8", "replace").decode()
    assert len(url) <= LONGEST_URL
    assert all("!" <= char <= "~" for char in url)
