"""Hostile requests, drawn from what an OpenAPI document says of an operation: half right, half anything at all."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from urllib.parse import quote

import httpx2
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Drawn = TypeVar("Drawn")
DEPTH = 4
"""Levels to which a body follows its schema."""
NASTY: list[Any] = [
    None, "", " ", 0, 1, -1, 1.5, 1e308, 10**30, 2**63, 2**31, True, False, [], {}, [[]], [None], [{}], ["a"], {"a": "b"},
    {"$ref": "#"}, "a@x.example", "A@X.EXAMPLE", "@", "a@b@c", "a" * 5000, "\0", "\0a@x.example", "\ud7ff\uffff", "\u0131" * 100,
    "\U0001f600", "\u202e", "a,b,,c", "'; DROP TABLE contacts; --", "{{ x }}", "{{ x", "{% for %}", "\r\nX: y", "0" * 13,
    "f" * 13, "00000000-0000-0000-0000-000000000000", "4d1b9220-5a43-11e6-ae4a-6e8264809144", "2026-02-30",
    "9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00+23:59", "2026-01-05T09:00:00Z", "NaN", "Infinity", "1_000", "٣",
    "%00", "../..", "(a+)+$", "*", "UTC", "-", "-created_at", "eyJrIjoxfQ", "W10", "W251bGxd", "WzEsMiwzLDRd", "eyJrIjotMX0",
]  # fmt: skip
LOOSE = st.recursive(
    st.sampled_from(NASTY) | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
"""Any JSON."""
BROKEN = st.sampled_from(
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"a"',
        b"\xff",
        b'{"a":' * 2000,
        b"[" * 50_000,
        b'{"a":1,"a":2}',
        b"NaN",
        b"{}{}",
        b"\0",
        b"1e999",
    ]
)
MEDIA = [
    "application/json",
    "application/json",
    "application/json; charset=utf-16",
    "text/plain",
    "multipart/form-data",
    "x",
]


@dataclass(frozen=True)
class Hostile:
    """One request."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None

    async def send(self, client: httpx2.AsyncClient, headers: Mapping[str, str]) -> httpx2.Response:
        given_ = {**headers, **self.headers}
        return await client.request(
            self.method, self.path, params=self.query or None, headers=given_, content=self.content
        )


def drawn(strategy: SearchStrategy[Drawn], number: int) -> list[Drawn]:
    """Draw examples: the same in every run. Nothing is sent while they are drawn."""
    found: list[Drawn] = []

    @settings(
        max_examples=number,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(one: Drawn) -> None:
        found.append(one)

    collect()
    return found


class Requests:
    """Requests of the operations of a document."""

    def __init__(
        self, document: Mapping[str, Any], good: Mapping[str, Sequence[str]], headers: Mapping[str, Sequence[str]]
    ) -> None:
        """Take what is known.

        Args:
            document: Of OpenAPI.
            good: By name of a parameter or member: values that name what is there.
            headers: Further headers, and values for them.
        """
        self._document, self._good, self._headers = document, good, headers

    def of(self, line: str, operation: Mapping[str, Any]) -> SearchStrategy[Hostile]:
        """Requests of one operation, `METHOD /path`."""
        method, _, path = line.partition(" ")
        known = [one for one in operation.get("parameters", []) if one["in"] in {"path", "query"}]
        in_path = {one["name"]: self._path_value(one["name"], path) for one in known if one["in"] == "path"}
        in_query = {one["name"]: self._text(one["name"], one["schema"]) for one in known if one["in"] == "query"}
        must = {
            name: in_query.pop(name)
            for name in [one["name"] for one in known if one.get("required")]
            if name in in_query
        }
        queries = st.fixed_dictionaries(must, optional=in_query) | st.dictionaries(
            st.sampled_from([*in_query, *must, "x"]), self._text("", {}), max_size=3
        )
        headers = st.fixed_dictionaries(
            {}, optional={name: st.sampled_from(list(of)) for name, of in self._headers.items()}
        )
        contents = self._contents(operation.get("requestBody"))
        paths = st.fixed_dictionaries(in_path).map(
            lambda values: path.format(**{name: quote(value, safe="") for name, value in values.items()})
        )
        plain = st.builds(Hostile, st.just(method), paths, queries, st.just({}) | headers)
        return st.tuples(plain, contents).map(lambda both: _with(*both))

    def _path_value(self, name: str, path: str) -> SearchStrategy[str]:
        noun = path.partition("{" + name + "}")[0].rstrip("/").rpartition("/")[2]
        good = [*self._good.get(noun, ()), *self._good.get(name, ())]
        texts = st.sampled_from([str(value) for value in NASTY if str(value).strip("/.")])
        return st.sampled_from(good) | st.sampled_from(good) | texts if good else texts

    def _text(self, name: str, schema: Mapping[str, Any]) -> SearchStrategy[str]:
        loose = st.sampled_from(NASTY).map(_as_text)
        right = self._by_schema(schema, name, DEPTH).map(_as_text)
        return right | right | loose

    def _contents(self, body: Mapping[str, Any] | None) -> SearchStrategy[tuple[str, bytes] | None]:
        broken = st.tuples(st.sampled_from(MEDIA), BROKEN)
        if not body:
            return st.none() | st.none() | broken
        media, content = next(iter(body["content"].items()))
        if media == "multipart/form-data":
            return broken | LOOSE.map(_form)
        right = self._by_schema(content.get("schema", {}), "", 0)
        json_ = right.map(lambda value: ("application/json", _json(value)))
        cut = st.tuples(right, st.integers(0, 40)).map(lambda both: ("application/json", _json(both[0])[: both[1]]))
        return st.one_of(json_, json_, json_, LOOSE.map(lambda value: ("application/json", _json(value))), cut, broken)

    def _by_schema(self, schema: Mapping[str, Any], name: str, depth: int) -> SearchStrategy[Any]:
        if "$ref" in schema:
            schema = self._document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        if name in self._good and depth > 0:
            return st.sampled_from(list(self._good[name])) | LOOSE
        choices = schema.get("anyOf") or schema.get("oneOf")
        if choices:
            return st.one_of([self._by_schema(choice, name, depth) for choice in choices])
        if "enum" in schema:
            return st.sampled_from(schema["enum"])
        return self._by_type(schema, name, depth)

    def _by_type(self, schema: Mapping[str, Any], name: str, depth: int) -> SearchStrategy[Any]:
        kind = schema.get("type")
        simple: dict[str, SearchStrategy[Any]] = {
            "number": st.floats(allow_nan=False, allow_infinity=False),
            "boolean": st.booleans(),
            "null": st.none(),
            "string": st.text(max_size=12) | st.sampled_from([one for one in NASTY if isinstance(one, str)]),
        }
        if kind in simple:
            return simple[kind]
        if kind == "integer":
            return st.integers(schema.get("minimum"), schema.get("maximum"))
        if kind == "array" and depth <= DEPTH:
            return st.lists(self._by_schema(schema.get("items", {}), name, depth + 1), max_size=3)
        if kind == "object" and depth <= DEPTH and "properties" in schema:
            members = {one: self._member(value, one, depth + 1) for one, value in schema["properties"].items()}
            must = {one: members.pop(one) for one in schema.get("required", ()) if one in members}
            return st.fixed_dictionaries(must, optional=members)
        return LOOSE

    def _member(self, schema: Mapping[str, Any], name: str, depth: int) -> SearchStrategy[Any]:
        right = self._by_schema(schema, name, depth)
        return st.one_of(right, right, right, LOOSE)


def _with(request: Hostile, content: tuple[str, bytes] | None) -> Hostile:
    if content is None:
        return request
    return replace(request, headers={**request.headers, "Content-Type": content[0]}, content=content[1])


def _as_text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "replace").decode()


def _json(value: Any) -> bytes:
    return json.dumps(value, allow_nan=True).encode()


def _form(value: Any) -> tuple[str, bytes]:
    parts = [("file", b"EMAIL,PLAN\na@x.example,1\n\xff\0"), ("options", _json(value)), ("x", b"")]
    body = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="%s"; filename="a.csv"\r\n\r\n%s\r\n' % (name.encode(), content)
        for name, content in parts
    )
    return "multipart/form-data; boundary=b", body + b"--b--\r\n"
