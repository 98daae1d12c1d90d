"""Source: a server that speaks the classic API. Imports its siblings, `aiohttp`, and the classic API's dates.

Each account is asked with its own key. History is asked for by sender, because the reports' items do not name one, and
month by month where there is much of it, so that no page lies too deep.

Source: docs/contract/dyn-email.md, 3, 4 and 6 to 11.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson

from app.api.dyn.dates import iso, parse_start
from app.cli.import_dyn.reading import read_x_headers
from app.cli.import_dyn.source import BLOCKED, HISTORY, UNIQUE, Owner, Page, Record, Resource, SourceFailed, Unit

TIMEOUT_SECONDS = 120.0
"""For one request, its answer included."""
WAITS = (1.0, 2.0, 5.0, 15.0)
"""Seconds before a request is tried again that failed for a passing reason."""
LONGEST_WAIT = 60.0
MAX_BODY = 64 * 1024 * 1024
MAX_PAGES = 200_000
"""Of one list, or one month of it."""
MUCH = 50_000
"""Records from which on a list is asked for by months."""
_LISTS = {Resource.SENDERS: ("senders", "senders"), Resource.SUPPRESSIONS: ("suppressions", "suppressions")}
_SLOTS = ("xheader1", "xheader2", "xheader3", "xheader4")
_OK, _TOO_MANY, _SERVER_ERROR = 200, 429, 500


class Server:
    """A server; used as `async with Server(...) as server`.

    Attributes:
        name: What tells it from other sources.
        needs_keys: Whether it can be asked about an account with that account's key only.
    """

    needs_keys = True

    def __init__(self, url: str, key: str, *, since: datetime, until: datetime, waits: Sequence[float] = WAITS) -> None:
        """Prepare; nothing is asked.

        Args:
            url: Its base, with or without `/rest/json`.
            key: Of the master.
            since: Where history begins.
            until: Where it ends; a range that does not move is what makes pages stable.
            waits: Seconds before each further try.
        """
        base = url.rstrip("/")
        self._base = base if base.endswith("/rest/json") else f"{base}/rest/json"
        self.name = f"server {self._base} {key[:6]}"
        self._key = key
        self._since = since
        self._until = until
        self._waits = waits
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the session."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
        self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), trust_env=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        if self._session is not None:
            await self._session.close()

    async def owners(self) -> Sequence[Owner]:
        """Return the accounts, the master first.

        Raises:
            SourceFailed: They can't be read.
        """
        found: dict[str, Owner] = {}
        cap = ""
        for _ in range(MAX_PAGES):
            data = await self._ask("accounts", self._key, startindex=len(found))
            cap = str(data.get("emailcap") or cap)
            before = len(found)
            for item in _items(data, "accounts"):
                record = _record(item)
                username = record.text("username")
                is_master = record.text("usertype").lower() == "master" or record.text("apikey") == self._key
                if username:
                    found.setdefault(username.lower(), Owner(username, record.text("apikey"), is_master, record))
            if len(found) == before:
                break
        masters = [owner for owner in found.values() if owner.is_master] or [Owner("", self._key, True, Record({}))]
        first = masters[0]
        master = Owner(first.username, self._key, True, Record({**first.record.fields, "emailcap": cap}))
        return [master, *(owner for owner in found.values() if not owner.is_master)]

    async def x_headers(self, owner: Owner) -> Sequence[str] | None:
        """Return the four X-header names.

        Raises:
            SourceFailed: They can't be read.
        """
        data = await self._ask("accounts/xheaders", owner.key)
        return [str(data.get(slot) or "") for slot in _SLOTS] if any(slot in data for slot in _SLOTS) else None

    def history(self, senders: Sequence[str]) -> Sequence[Unit]:
        """Return the lists of the history: those of copies for each sender, and that of refusals once."""
        units: list[Unit] = []
        for sender in senders:
            for resource in HISTORY:
                if resource in UNIQUE:
                    units.append(Unit(UNIQUE[resource], sender))
                if resource is not Resource.ISSUES:
                    units.append(Unit(resource, sender))
                if resource is Resource.BOUNCES:
                    units += [Unit(resource, sender, kind) for kind in BLOCKED]
        return [*units, Unit(Resource.ISSUES)]

    async def pages(self, owner: Owner, unit: Unit, position: str) -> AsyncIterator[Page]:
        """Yield the pages of a list.

        Raises:
            SourceFailed: They can't be read.
        """
        if unit.resource in _LISTS:
            path, key = _LISTS[unit.resource]
            async for records, offset in self._listed(owner, path, key, {}, int(position or 0)):
                yield Page(records, str(offset))
            return
        path = f"reports/{unit.resource}"
        key = "issue" if unit.resource is Resource.ISSUES else unit.resource.partition("/")[0]
        filters = {"sender": unit.sender, "bouncetype": unit.kind}
        async for start, end, begin in self._windows(owner, path, filters, position):
            window = {**filters, "starttime": iso(start), "endtime": iso(end)}
            async for records, offset in self._listed(owner, path, key, window, begin):
                yield Page(records, f"{iso(start)}|{iso(end)}|{offset}")

    async def activated(self, owner: Owner, addresses: Sequence[str]) -> Collection[str]:
        """Return those of the addresses whose mark was cleared.

        Raises:
            SourceFailed: They can't be asked for.
        """
        found: set[str] = set()
        for begin in range(0, len(addresses), 100):
            asked = ", ".join(addresses[begin : begin + 100])
            data = await self._ask("recipients/status", owner.key, emailaddress=asked)
            items = (_record(item) for item in _items(data, "recipients"))
            found |= {item.text("emailaddress").lower() for item in items if item.text("status").lower() == "active"}
        return found

    async def _windows(
        self, owner: Owner, path: str, filters: Mapping[str, str], position: str
    ) -> AsyncIterator[tuple[datetime, datetime, int]]:
        """Yield the ranges of time to ask for, and the offset to begin with."""
        start = self._since
        if position:
            first, last, offset = position.split("|")
            began, ended = parse_start(first), parse_start(last)
            if began is not None and ended is not None:
                yield began, ended, int(offset)
                start = ended
        while start < self._until:
            end = self._until
            if await self._count(owner, path, filters, start, end) > MUCH:
                end = min(end, (start.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0))
            yield start, end, 0
            start = end

    async def _count(self, owner: Owner, path: str, filters: Mapping[str, str], start: datetime, end: datetime) -> int:
        window = {**filters, "starttime": iso(start), "endtime": iso(end)}
        path = path.replace("/unique", "/count/unique") if path.endswith("/unique") else f"{path}/count"
        count = str((await self._ask(path, owner.key, **window)).get("count") or "0")
        return int(count[:18]) if count.isascii() and count.isdigit() else 0

    async def _listed(
        self, owner: Owner, path: str, key: str, filters: Mapping[str, str], offset: int
    ) -> AsyncIterator[tuple[list[Record], int]]:
        """Yield the pages of a list with the offset behind each.

        Raises:
            SourceFailed: It has no end.
        """
        last: object = None
        for _ in range(MAX_PAGES):
            items = _items(await self._ask(path, owner.key, startindex=offset, **filters), key)
            if not items or items == last:  # a server that does not know the parameter answers the same for ever
                return
            last = items
            offset += len(items)
            yield [_record(item) for item in items], offset
        raise SourceFailed(f"{path} has no end")

    async def _ask(self, path: str, key: str, **fields: object) -> Mapping[str, Any]:
        """Return the data of an answer.

        Raises:
            SourceFailed: There is none, however often it is asked.
        """
        said = ""
        for wait in (*self._waits, None):
            try:
                status, data, asked_wait, said = await self._try(path, key, fields)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                status, data, asked_wait, said = _SERVER_ERROR, {}, 0.0, repr(error)
            if status == _OK:
                return data
            if wait is None or not (status >= _SERVER_ERROR or status == _TOO_MANY):
                break
            await asyncio.sleep(max(wait, min(asked_wait, LONGEST_WAIT)))
        raise SourceFailed(f"{self._base}/{path}: {said}")

    async def _try(
        self, path: str, key: str, fields: Mapping[str, object]
    ) -> tuple[int, Mapping[str, Any], float, str]:
        """Return status, data, the wait that is asked for, and what was said."""
        assert self._session is not None  # noqa: S101 within the block
        query = {name: str(value) for name, value in fields.items() if value != ""}
        query["apikey"] = key
        async with self._session.get(f"{self._base}/{path}", params=query, allow_redirects=False) as answer:
            octets = bytearray()
            async for part in answer.content.iter_chunked(65_536):
                octets += part
                if len(octets) > MAX_BODY:
                    return 400, {}, 0.0, "the answer is too long"
            wait = answer.headers.get("Retry-After", "")
            seconds = float(wait) if wait.isascii() and wait.isdigit() else 0.0
        try:
            response = orjson.loads(bytes(octets))["response"]
            status, message, data = int(response["status"]), str(response["message"]), response.get("data")
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            return max(answer.status, 400), {}, seconds, f"HTTP {answer.status}, and no answer of the classic API"
        return status, data if isinstance(data, dict) else {}, seconds, f"{status} {message}"


def _items(data: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = data.get(key)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _record(item: Mapping[str, Any]) -> Record:
    fields = {
        name.lower(): str(value) for name, value in item.items() if isinstance(value, str | int | float) and value != ""
    }
    return Record(fields, read_x_headers(item.get("xheaders")))


def utc_now() -> datetime:
    """Return the present second."""
    return datetime.now(UTC).replace(microsecond=0)
