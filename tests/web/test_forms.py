"""What a form sent, without a service."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

from app.web import forms
from app.web.forms import form_of

MULTIPART = "multipart/form-data; boundary=x"


def request_of(receive: Callable[[], Awaitable[Message]], content_type: str = "", **headers: str) -> Request:
    pairs = [(b"content-type", content_type.encode("latin-1"))] if content_type else []
    pairs += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": pairs}, receive)


async def fields(body: bytes, content_type: str = "") -> dict[str, str]:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return await form_of(request_of(receive, content_type), 1000)


async def test_a_body_that_does_not_arrive_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(forms, "BODY_SECONDS", 0.01)
    with pytest.raises(HTTPException) as caught:
        await form_of(request_of(never), 100)
    assert caught.value.status_code == 408


async def test_a_large_body_is_not_read_to_its_end() -> None:
    read = 0

    async def endless() -> Message:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": b"a" * 30, "more_body": True}

    for declared in ("", "101", "9" * 5000):
        read = 0
        with pytest.raises(HTTPException) as caught:
            await form_of(request_of(endless, content_length=declared), 100)
        assert caught.value.status_code == 413
        assert read == (0 if declared else 4)


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b"a=1&b=%C3%BC+x&a=2&c=", "application/x-www-form-urlencoded; charset=utf-8", {"a": "1", "b": "ü x", "c": ""}),
        (b"a=1", "", {"a": "1"}),
        (b"a=%ff", "text/plain", {"a": "\ufffd"}),
        (b"", "", {}),
        (b"", MULTIPART, None),
        (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff1\r\n--x--\r\n', MULTIPART, {"a": "\ufffd1"}),
        (
            b'--x\r\nContent-Disposition: form-data; name="f"; filename="f.txt"\r\n\r\n1\r\n--x--\r\n',
            'MULTIPART/form-data; boundary="x"',
            {},
        ),
        (b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--\r\n", MULTIPART, {}),
        (b'--x\r\nContent-Disposition: form-data; name="a"\r\nB: ' + b"c" * 900, MULTIPART, None),
        (b"--x--", "multipart/form-data", None),
    ],
)
async def test_forms_are_read_in_both_ways(body: bytes, content_type: str, expected: dict[str, str] | None) -> None:
    if expected is not None:
        assert await fields(body, content_type) == expected
        return
    with pytest.raises(HTTPException) as caught:
        await fields(body, content_type)
    assert caught.value.status_code == 400
