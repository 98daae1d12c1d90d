"""Parameters: every spelling of the contract, and bytes from anyone."""

import asyncio
import string
from collections.abc import Iterable
from urllib.parse import quote_plus, unquote_to_bytes, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from app.api import receiving
from app.api.dyn import bodies, params
from app.api.dyn.bodies import body_fields, form_fields
from app.api.dyn.errors import BodyTooLarge, BodyTooSlow
from app.api.dyn.params import Params, query_params, read_params

FORM = "application/x-www-form-urlencoded"
BOUNDARY = "multipart/form-data; boundary=XX"


def of_form(body: str) -> Params:
    return Params(form_fields(body.encode()))


def request(
    query: bytes = b"", chunks: Iterable[bytes] = (b"",), headers: Iterable[tuple[bytes, bytes]] = ()
) -> Request:
    pieces = list(chunks)
    messages: list[Message] = [
        {"type": "http.request", "body": piece, "more_body": number < len(pieces) - 1}
        for number, piece in enumerate(pieces)
    ]

    async def receive() -> Message:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    scope = {"type": "http", "method": "POST", "path": "/", "query_string": query, "headers": list(headers)}
    return Request(scope, receive)


def part(name: str, value: bytes, more: str = "") -> bytes:
    return (
        b'--XX\r\nContent-Disposition: form-data; name="'
        + name.encode()
        + f'"{more}\r\n\r\n'.encode()
        + value
        + b"\r\n"
    )


@pytest.mark.parametrize(
    "body",
    [
        "to=a@x.org&to=b@x.org",
        "to[]=a@x.org&to[]=b@x.org",
        "to%5B%5D=a@x.org&to%5b%5d=b@x.org",
        "to[0]=a@x.org&to[1]=b@x.org",
        "to[1]=a@x.org&to[2]=b@x.org",
        "to[9]=b@x.org&to[3]=a@x.org",
        "to[10]=b@x.org&to[9]=a@x.org",
        "to[1479772800000]=b@x.org&to[1234567890]=a@x.org",
        "to=a@x.org, b@x.org",
        "to=a@x.org,+,b@x.org,",
        "to=['a@x.org', 'b@x.org']",
        "to=[u'a@x.org', b'b@x.org']",
        'to=["a@x.org","b@x.org"]',
        "to=a@x.org&to[0]=b@x.org",
        "to=&to=a@x.org&to[]=&to[]=b@x.org&to[4]=",
    ],
)
def test_every_spelling_of_a_list_is_the_same(body: str) -> None:
    assert of_form(body).entries("to") == ["a@x.org", "b@x.org"]


def test_a_list_keeps_quoted_commas_together() -> None:
    got = of_form("to=" + quote_plus('"Doe, Jo" <a@x.org>, b@x.org')).entries("to")
    assert got == ['"Doe, Jo" <a@x.org>', "b@x.org"]
    assert of_form("to=" + quote_plus("""['"Doe, Jo" <a@x.org>', "O'Neil <b@x.org>"]""")).entries("to") == [
        '"Doe, Jo" <a@x.org>',
        "O'Neil <b@x.org>",
    ]


@pytest.mark.parametrize("text", ["['a@x.org', ", "[['a@x.org']]", "['a'] + ['b']", "[__import__('os')]", "[1, {}]"])
def test_text_that_is_no_list_of_texts_is_an_address_list(text: str) -> None:
    assert "a@x.org" not in of_form("to=" + quote_plus(text)).entries("to")


def test_an_empty_list_is_no_entry_but_not_absent() -> None:
    got = of_form("to=[]&cc=,")
    assert got.entries("to") == got.entries("cc") == []
    assert got.text("to") == "[]"


def test_blank_is_absent_but_can_be_told() -> None:
    got = of_form("cc=&bcc&replyto=+%0A&xheader1=")
    for name in ("cc", "bcc", "replyto", "xheader1"):
        assert got.text(name) is None
        assert got.is_present(name)
    assert not got.is_present("to")


def test_the_last_of_several_scalars_counts_and_the_first_of_several_addresses() -> None:
    got = of_form("subject=a&subject=b&subject=&replyto=a@x.org&replyto=b@x.org")
    assert got.text("subject") == "b"
    assert got.entry("replyto") == "a@x.org"
    assert got.entry("sender") is None


def test_names_are_case_sensitive_but_for_the_free_headers() -> None:
    got = of_form("Subject=no&X-Camp=1&x-CAMP=2&x-other=3&LIST-Unsubscribe=u")
    assert got.text("subject") is None
    assert got.x_text("X-Camp") == "2"
    assert got.x_text("List-Unsubscribe") == "u"
    assert list(got.x_fields()) == [("x-CAMP", "2"), ("x-other", "3")]


async def test_the_body_wins_over_the_query() -> None:
    got = await read_params(
        request(
            b"a=query&b=query&to=q@x.org&to[]=r@x.org&c=query",
            [b"a=body&to[]=b@x.org&c="],
            [(b"content-type", FORM.encode())],
        ),
        limit=100,
    )
    assert (got.text("a"), got.text("b"), got.text("c")) == ("body", "query", "query")
    assert got.entries("to") == ["b@x.org"]


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        (FORM, b"a=1&b=+%20", {"a": "1"}),
        (f"{FORM}; charset=UTF-8", b"a=b=c", {"a": "b=c"}),
        (FORM.upper(), b"a=%e9&b=%C3%A9&c=\xff", {"a": "é", "b": "é", "c": "ÿ"}),
        (FORM, b"{}", {}),
        (FORM, b"a=%&b=%4&c=%zz&d=100%25%&e=%%41&f=a%0Ab\nc", {"a": "%", "b": "%4", "c": "%zz", "d": "100%%", "e": "%A", "f": "a\nb\nc"}),
        (FORM, b"a=\x00x%00y", {"a": "xy"}),
        ("application/json", b'{"a":"x","n":1,"f":1.5,"t":true,"u":false,"z":null}', {"a": "x", "n": "1", "f": "1.5", "t": "1", "u": "0"}),
        ("application/json; charset=utf-8", '{"a":"é\\u0000"}'.encode(), {"a": "é"}),
        ("application/json", b'{"a":"\xe9"}', {"a": "é"}),
        ("application/json", b'{"a":"\\ud800x"}', {"a": "\ufffdx"}),
        ("application/json", b'{"a":"\\ud83d\\ude00"}', {"a": "😀"}),
        ("application/json", b'{"xheaders":{"X-A":"b"},"l":[["deep"],"flat",2]}', {"xheaders": '{"X-A": "b"}', "l": "2"}),
        ("application/json", b'["a"]', {}),
        ("application/json", b'{"a":', {}),
        ("application/json", b"[" * 100_000, {}),
        ("", b"a=1&to[]=2", {"a": "1", "to": "2"}),
        ("", b'{"a":1}', {}),
        ("", b"hello world", {}),
        ("text/plain", b"a=1", {}),
        ("application/xml", b"<a>1</a>", {}),
        (BOUNDARY, part("a", b"1") + part("b", b"\xff") + b"--XX--\r\n", {"a": "1", "b": "ÿ"}),
        (BOUNDARY, part("f", b"data", '; filename="f.txt"') + part("a", b"1\x00") + b"--XX--\r\n", {"a": "1"}),
        (BOUNDARY, part("é", "ü".encode()) + b"--XX--\r\n", {"é": "ü"}),
        (BOUNDARY, part("a", b"1"), {}),
        (BOUNDARY, b"no multipart at all", {}),
        ("multipart/form-data", part("a", b"1") + b"--XX--", {}),
        ("multipart/form-data; boundary=", part("a", b"1") + b"--XX--", {}),
        ("multipart/mixed; boundary=XX", part("a", b"1") + b"--XX--", {}),
    ],
)  # fmt: skip
def test_a_body_is_read_by_its_type(content_type: str, body: bytes, expected: dict[str, str]) -> None:
    got = Params(body_fields(body, content_type))
    assert {name: got.text(name) for name in got.names()} == expected


@pytest.mark.parametrize("size", [10, params.THREAD_BYTES + 10])
async def test_a_large_body_is_read_like_a_small_one(size: int) -> None:
    body = b"a=" + b"x" * size
    pieces = [body[at : at + 65536] for at in range(0, len(body), 65536)]
    got = await read_params(request(b"q=1", pieces, [(b"content-type", FORM.encode())]), limit=10 * size)
    assert got.text("a") == "x" * size
    assert got.text("q") == "1"
    assert got.is_large is (size > params.THREAD_BYTES)


async def test_a_body_above_the_limit_is_refused_before_and_while_reading() -> None:
    with pytest.raises(BodyTooLarge):
        await read_params(request(headers=[(b"content-length", b"101")]), limit=100)
    with pytest.raises(BodyTooLarge):
        await read_params(request(chunks=[b"x" * 60, b"x" * 60, b"x"]), limit=100)
    got = await read_params(request(chunks=[b"a=" + b"x" * 98], headers=[(b"content-length", b"100")]), limit=100)
    assert got.text("a") == "x" * 98


async def test_a_client_that_hangs_up_is_noticed() -> None:
    pending = request(chunks=[b"a=1", b"", b""])
    await pending.receive()
    await pending.receive()
    await pending.receive()
    with pytest.raises(ClientDisconnect):
        await read_params(pending, limit=100)


async def test_a_body_that_never_comes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(receiving, "READ_SECONDS", 0.01)
    pending = request()
    with pytest.raises(BodyTooSlow):
        await read_params(Request(pending.scope, never), limit=100)


def test_the_number_of_fields_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MAX_FIELDS", 3)
    for raw, kind in (
        (b"a&b&c&d", FORM),
        (b'{"a":[1,2,3,4]}', "application/json"),
        (b"".join(part(name, b"") for name in "abcd") + b"--XX--", BOUNDARY),
    ):
        with pytest.raises(bodies.TooManyFields):
            body_fields(raw, kind)
    with pytest.raises(BodyTooLarge):
        query_params(request(b"a&b&c&d"))


def test_lists_that_would_take_long_are_refused() -> None:
    for text in ("(" * 300_000, "a," * 300_000, "a@x.org" * 700_000):
        with pytest.raises(BodyTooLarge):
            Params([("to", text)]).entries("to")
    assert len(Params([("to", "name@example.org, " * 5_000)]).entries("to")) == 5_000


type_of_body = st.sampled_from([FORM, "application/json", BOUNDARY, "", "text/plain", "application/json;", ";", "multipart/form-data; boundary=\xff"])  # fmt: skip


@given(
    st.binary(max_size=300) | st.text(alphabet='{}[]":,=&%+-\r\nXa1\\u0d8', max_size=200).map(str.encode), type_of_body
)
@example(b"--XX\r\nContent-Disposition: form-data; name\r\n\r\nx\r\n--XX--", BOUNDARY)
def test_no_bytes_make_the_reader_fail_and_no_text_is_dirty(raw: bytes, content_type: str) -> None:
    got = Params(body_fields(raw, content_type), form_fields(raw))
    for name in got.names():
        for value in [name, *got.values(name), *got.entries(name)]:
            assert "\0" not in value
            value.encode()


@given(st.text(max_size=100))
def test_no_content_type_makes_the_reader_fail(content_type: str) -> None:
    body_fields(b"--X\r\n\r\n--X--", content_type)
    body_fields(b"--X\r\n\r\n--X--", f"multipart/form-data; {content_type}")


@given(st.dictionaries(st.text(st.characters(codec="utf-8", exclude_characters="\0[]"), min_size=1), st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)))  # fmt: skip
def test_what_a_form_encodes_comes_back(fields: dict[str, str]) -> None:
    assert dict(form_fields(urlencode(fields).encode())) == fields


@given(st.text(alphabet="%=\r\n4" + string.hexdigits + "z& ", max_size=40).map(str.encode))
def test_percent_escapes_are_resolved_as_the_standard_library_does(raw: bytes) -> None:
    assert bodies._percent_decode(raw) == unquote_to_bytes(raw)


def test_a_value_full_of_damaged_escapes_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MAX_DAMAGED_ESCAPES", 2)
    assert bodies._percent_decode(b"%41%%%") == b"%41%%%"
    assert bodies._percent_decode(b"%41%41%41") == b"AAA"
