"""Bodies in every form become one object, and no bytes are an error."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.dynosend.bodies import MAX_DEPTH, MAX_FIELDS, TooManyFields, body_members, form_members, json_members

FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "text/json", "application/vnd.api+json"]
)
def test_json_is_known_by_its_type(content_type: str) -> None:
    assert body_members(b'{"a": {"b": [1, true, null]}}', content_type) == {"a": {"b": [1, True, None]}}


@pytest.mark.parametrize("raw", [b"", b"null", b"[]", b"[1]", b"1", b'"x"', b'{"a":,}', b"{", b"\xff", b'{"a":"\xff"}'])
def test_what_is_no_object_is_an_empty_one(raw: bytes) -> None:
    assert body_members(raw, "application/json") == {}


def test_a_text_that_begins_with_a_brace_is_json_without_a_type() -> None:
    assert body_members(b' \n{"a": 1}', "") == {"a": 1}
    assert body_members(b'{"a": 1}', "text/plain") == {"a": 1}
    assert body_members(b"a=1", "") == {}
    assert body_members(b"a=1", "text/plain") == {}
    assert body_members(b'{"a": 1}', FORM) == {'{"a": 1}': ""}


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("a=1&b=2", {"a": "1", "b": "2"}),
        ("a=1&a=2", {"a": "2"}),
        ("a", {"a": ""}),
        ("a=%C3%A9+x", {"a": "é x"}),
        ("a=%00b", {"a": "b"}),
        ("tag[]=a&tag[]=b", {"tag": ["a", "b"]}),
        ("tag%5B%5D=a&tag%5B%5D=b", {"tag": ["a", "b"]}),
        ("t[1]=b&t[0]=a", {"t": ["a", "b"]}),
        ("t[0][Name]=n&t[0][Value]=v&t[1][Name]=m", {"t": [{"Name": "n", "Value": "v"}, {"Name": "m"}]}),
        ("h[X-A]=1&h[X-B]=2", {"h": {"X-A": "1", "X-B": "2"}}),
        ("a=1&a[b]=2", {"a": {"b": "2"}}),
        ("a[b]=2&a=1", {"a": "1"}),
        ("a[b=1&]=2&[]=3", {}),
        ("a" + "[x]" * 9 + "=1", {}),
    ],
)
def test_names_of_forms_nest(text: str, members: dict[str, Any]) -> None:
    assert form_members(text.encode()) == members


def test_multipart_is_a_form_too() -> None:
    lines = ['--B\r\nContent-Disposition: form-data; name="t[0][Name]"\r\n\r\nx\r\n',
             '--B\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\ny\r\n',
             '--B\r\nContent-Disposition: form-data; name="é"\r\n\r\n\0z\r\n--B--\r\n']  # fmt: skip
    raw = "".join(lines).encode()
    assert body_members(raw, "multipart/form-data; boundary=B") == {"t": [{"Name": "x"}], "é": "z"}
    assert body_members(raw, "multipart/form-data") == {}
    assert body_members(raw[:-4], "multipart/form-data; boundary=B") == {}


def test_too_many_fields_are_refused() -> None:
    with pytest.raises(TooManyFields):
        form_members(b"a=1&" * (MAX_FIELDS + 1))
    with pytest.raises(TooManyFields):
        body_members(b"\r\n--B\r\n" * (MAX_FIELDS + 1), "multipart/form-data; boundary=B")


def test_depth_is_bounded() -> None:
    deep = b'{"a":' * 900 + b"1" + b"}" * 900
    found: Any = json_members(deep)
    for _ in range(MAX_DEPTH):
        found = found["a"]
    assert found is None
    assert json_members(b'{"a":' * 100_000) == {}


@given(st.binary(max_size=300), st.sampled_from(["application/json", FORM, "multipart/form-data; boundary=B", ""]))
def test_no_bytes_are_an_error(raw: bytes, content_type: str) -> None:
    assert isinstance(body_members(raw, content_type), dict)


@given(st.lists(st.tuples(st.text("ab[]0", max_size=12), st.text(max_size=3)), max_size=8))
def test_no_names_are_an_error(pairs: list[tuple[str, str]]) -> None:
    text = "&".join(f"{name}={value}" for name, value in pairs)
    assert isinstance(form_members(text.encode(errors="replace")), dict)
