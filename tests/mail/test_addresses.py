"""Addresses: what is read, what is refused, and what holds for any text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.addresses import InvalidAddress, Mailbox, parse_mailbox, split_list

READ = [
    ("jo@example.org", "", "jo@example.org"),
    ("Jo.Doe+tag@Example.ORG", "", "Jo.Doe+tag@example.org"),
    ("  jo@example.org ", "", "jo@example.org"),
    ("<jo@example.org>", "", "jo@example.org"),
    ("Jo Doe <jo@example.org>", "Jo Doe", "jo@example.org"),
    ('"Doe, Jo" <jo@example.org>', "Doe, Jo", "jo@example.org"),
    ('"A \\"B\\" C" <jo@example.org>', 'A "B" C', "jo@example.org"),
    ("jo@example.org <jo@example.org>", "jo@example.org", "jo@example.org"),
    ("=?utf-8?q?J=C3=B6?= <jo@example.org>", "=?utf-8?q?J=C3=B6?=", "jo@example.org"),
    ("Jörg Müller <jo@example.org>", "Jörg Müller", "jo@example.org"),
    ("Jo\r\n Doe <jo@example.org>", "Jo Doe", "jo@example.org"),
    ("Jo (at (home)) <jo@example.org> (really)", "Jo", "jo@example.org"),
    ("jo@example.org (Jo)", "", "jo@example.org"),
    ('"jo doe"@example.org', "", '"jo doe"@example.org'),
    ('"jo"@example.org', "", "jo@example.org"),
    ('"a@b"@example.org', "", '"a@b"@example.org'),
    ("jo@bücher.example", "", "jo@xn--bcher-kva.example"),
    ("jo@BÜCHER.example", "", "jo@xn--bcher-kva.example"),
    ("jo@xn--bcher-kva.example", "", "jo@xn--bcher-kva.example"),
    ("jörg@example.org", "", "jörg@example.org"),
    ("用户@例子.广告", "", "用户@xn--fsqu00a.xn--4rr70v"),
    ("jo@simulator.test", "", "jo@simulator.test"),
    ("a" * 64 + "@example.org", "", "a" * 64 + "@example.org"),
]


@pytest.mark.parametrize(("text", "name", "address"), READ)
def test_these_are_read(text: str, name: str, address: str) -> None:
    assert parse_mailbox(text) == Mailbox(name, address)


REFUSED = [
    "", " ", "jo", "jo@", "@example.org", "jo@localhost", "jo@[192.0.2.1]", "jo@192.0.2.1", "jo@example..org",
    "jo@-example.org", "jo@example-.org", "jo@example.org.", "jo doe@example.org", ".jo@example.org", "jo.@example.org",
    "j..o@example.org", "jo@exam_ple.org", "jo@example.org, b@example.org", "Doe, Jo <jo@example.org>", "<jo@example.org",
    "jo@example.org>", "Jo <jo@example.org> x", "Jo <<jo@example.org>>", '"jo@example.org', "(jo@example.org",
    "jo\x00@example.org", "jo\x07 <jo@example.org>", '""@example.org', "a" * 65 + "@example.org", "ä" * 33 + "@example.org",
    "jo@" + "a" * 64 + ".org", "jo@" + "abcdefg." * 32 + "org", "jo@xn--.org", "jo@☃..org", "jo@\ud800.org", "j\u200bo@example.org",
    "<@relay.example:jo@example.org>", "x" * 3000 + " <jo@example.org>", 'jo."x y"@example.org',
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_these_are_refused(text: str) -> None:
    with pytest.raises(InvalidAddress):
        parse_mailbox(text)


def test_a_mailbox_has_its_parts() -> None:
    box = parse_mailbox('"Doe, Jo" <Jo@Example.ORG>')
    assert (box.local, box.domain, box.key) == ("Jo", "example.org", "jo@example.org")
    assert box.header_text() == '"Doe, Jo" <Jo@example.org>'
    assert parse_mailbox("jo@x.org").header_text() == "jo@x.org"
    assert parse_mailbox('"a@b"@x.org').domain == "x.org"


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("", []),
        (" , ,", []),
        ("a@x.org", ["a@x.org"]),
        ("a@x.org, b@x.org,c@x.org", ["a@x.org", "b@x.org", "c@x.org"]),
        ('"Doe, Jo" <a@x.org>, b@x.org', ['"Doe, Jo" <a@x.org>', "b@x.org"]),
        ("a@x.org (one, two), b@x.org", ["a@x.org (one, two)", "b@x.org"]),
        ("Team: a@x.org, Jo <b@x.org>;, c@x.org", ["a@x.org", "Jo <b@x.org>", "c@x.org"]),
        ("undisclosed-recipients:;", []),
        ('"a\\"b, c" <a@x.org>, b@x.org', ['"a\\"b, c" <a@x.org>', "b@x.org"]),
        ('"never ends, a@x.org', ['"never ends, a@x.org']),
        ("<a,b@x.org>, c@x.org", ["<a,b@x.org>", "c@x.org"]),
    ],
)
def test_lists_are_split_outside_quotes_and_comments(text: str, entries: list[str]) -> None:
    assert split_list(text) == entries


PIECES = st.lists(
    st.sampled_from([*'"\\()<>@,;:.[] \r\n\t\x00a', "jo", "x.org", "ü", "=?utf-8?q?a?=", "\u2028", "xn--", "例子"]),
    max_size=24,
).map("".join)


@given(
    st.one_of(
        st.text(max_size=200), PIECES, PIECES.map(lambda name: f"{name} <jo@x.org>"), PIECES.map(lambda p: f"{p}@x.org")
    )
)
def test_what_is_read_reads_as_itself_again(text: str) -> None:
    try:
        box = parse_mailbox(text)
    except InvalidAddress:
        return
    assert parse_mailbox(box.header_text()) == box
    assert parse_mailbox(box.address) == Mailbox("", box.address)
    assert not set("\r\n\x00") & set(box.header_text())
    assert len(box.address.encode()) <= 254
    assert split_list(box.header_text()) == [box.header_text()]


@given(st.one_of(st.text(max_size=300), PIECES))
def test_splitting_never_fails_and_loses_no_plain_address(text: str) -> None:
    assert all(entry == entry.strip() and entry for entry in split_list(text))
    assert split_list("a@x.org, b@x.org," + text.translate(dict.fromkeys(map(ord, ':;"(<['), "")))[:2] == [
        "a@x.org",
        "b@x.org",
    ]


@pytest.mark.timeout(20)  # far more than linear work takes, far less than any other
@pytest.mark.parametrize(
    "hard",
    ["(" * 2000, '"' * 1999, "a." * 999, "\\" * 2000, "<" * 2000, '"\\' * 1000, "a@" * 1000, "a-" * 900 + "@x.org"],
)
def test_hard_texts_take_linear_time(hard: str) -> None:
    with pytest.raises(InvalidAddress):
        parse_mailbox(hard)
    assert "".join(split_list(hard * 500)).count("(") <= hard.count("(") * 500
