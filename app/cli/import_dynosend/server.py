"""The source: a server that speaks Dynosend v2, asked at most ten times a second. Imports `aiohttp`.

Source: docs/contract/dynosend.md, 3, 4, 6, 7 and 11.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson

PAGE = 1000
"""Contacts of one request."""
PACE_SECONDS = 0.11
"""Between two requests: Dynosend allows ten a second."""
TIMEOUT_SECONDS = 120.0
WAITS = (1.0, 2.0, 5.0, 15.0)
"""Seconds before a request is tried again that failed for a passing reason."""
LONGEST_WAIT = 60.0
MAX_BODY = 64 * 1024 * 1024
MAX_PAGES = 1_000_000
_OK, _TOO_MANY, _SERVER_ERROR = 200, 429, 500


class SourceFailed(Exception):
    """Raised when the source does not answer as it should, however often it is asked."""


class Server:
    """A server; used as `async with Server(...) as server`."""

    def __init__(self, url: str, token: str, *, waits: Sequence[float] = WAITS, pace: float = PACE_SECONDS) -> None:
        """Prepare; nothing is asked.

        Args:
            url: Its base, with or without `/api/v2`.
            token: Of the account there.
            waits: Seconds before each further try.
            pace: Seconds between two requests.
        """
        base = url.rstrip("/")
        self._base = base if base.endswith("/api/v2") else f"{base}/api/v2"
        self._token = token
        self._waits = waits
        self._pace = pace
        self._next = 0.0
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the session."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        self._session = aiohttp.ClientSession(
            timeout=timeout, headers=headers, cookie_jar=aiohttp.DummyCookieJar(), trust_env=True
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        if self._session is not None:
            await self._session.close()

    async def audiences(self) -> list[Mapping[str, Any]]:
        """Return the audiences, each whole: `audience` with its fields, `contact_information`.

        Raises:
            SourceFailed: They can't be read.
        """
        listed = await self._ask("GET", "audiences")
        found: list[Mapping[str, Any]] = []
        for one in _objects(listed):
            whole = await self._ask("GET", "audiences", audience_uid=str(one.get("uid")))
            if not isinstance(whole, dict) or not isinstance(whole.get("audience"), dict):
                raise SourceFailed(f"{self._base}/audiences: an audience without its members")
            found.append(whole)
        return found

    async def contacts(self, audience_uid: str, page: int) -> AsyncIterator[tuple[int, list[Mapping[str, Any]]]]:
        """Yield pages of contacts with their numbers, from one on.

        Raises:
            SourceFailed: They can't be read.
        """
        for number in range(page, MAX_PAGES):
            rows = await self._ask("GET", "contacts", audience_uid=audience_uid, page=number, per_page=PAGE)
            found = _objects(rows)
            if found:
                yield number, found
            if len(found) < PAGE:
                return

    async def blacklisted(self, email: str) -> Mapping[str, Any] | None:
        """Return the entry of an address; None when there is none.

        Raises:
            SourceFailed: It can't be read.
        """
        entry = await self._ask("POST", "blacklist", email=email)
        return entry if isinstance(entry, dict) and entry.get("blacklisted") is True else None

    async def _ask(self, verb: str, path: str, **fields: object) -> Any:
        """Return an answer.

        Raises:
            SourceFailed: There is none, however often it is asked.
        """
        said = ""
        for wait in (*self._waits, None):
            await asyncio.sleep(max(self._next - time.monotonic(), 0))
            self._next = time.monotonic() + self._pace
            try:
                status, data, asked_wait = await self._try(verb, path, fields)
                said = f"HTTP {status}"
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                status, data, asked_wait, said = _SERVER_ERROR, None, 0.0, repr(error)
            if status == _OK and data is not None:
                return data
            if wait is None or not (status >= _SERVER_ERROR or status == _TOO_MANY):
                break
            await asyncio.sleep(max(wait, min(asked_wait, LONGEST_WAIT)))
        raise SourceFailed(f"{self._base}/{path}: {said}")

    async def _try(self, verb: str, path: str, fields: Mapping[str, object]) -> tuple[int, Any, float]:
        """Return status, what was said, and the wait that is asked for.

        Raises:
            SourceFailed: The answer is too long.
        """
        assert self._session is not None  # noqa: S101 within the block
        query = {name: str(value) for name, value in fields.items()}
        async with self._session.request(verb, f"{self._base}/{path}", params=query, allow_redirects=False) as answer:
            octets = bytearray()
            async for part in answer.content.iter_chunked(65_536):
                octets += part
                if len(octets) > MAX_BODY:
                    raise SourceFailed(f"{self._base}/{path}: the answer is too long")
            wait = answer.headers.get("Retry-After", "")
            seconds = float(wait) if wait.isascii() and wait.isdigit() else 0.0
        try:
            return answer.status, orjson.loads(bytes(octets)), seconds
        except orjson.JSONDecodeError:
            return answer.status, None, seconds


def _objects(found: Any) -> list[Mapping[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
