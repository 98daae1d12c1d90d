"""MTA-STS: the policy of a domain about TLS to its mail servers; found, fetched, remembered.

May import `dns`, `app.mail.smtp.lookups` and the standard library.

Source: RFC 8461.
"""

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from dns.rdatatype import RdataType
from dns.rdtypes.ANY.TXT import TXT

from app.mail.smtp.lookups import Lookups, NoDnsAnswer

MAX_AGE = 31_557_600
"""Longest time a policy holds, in seconds (RFC 8461, 3.2)."""
MAX_PATTERNS = 500
"""Most `mx` lines of a policy."""
REFRESH_SECONDS = 86_400.0
"""A policy is fetched again after this time, so that it does not run out unnoticed."""
FAILURE_SECONDS = 300.0
"""How long a domain whose policy can't be fetched is left alone (RFC 8461, 3.3)."""
MIN_CHECK_SECONDS = 60.0
MAX_CHECK_SECONDS = 3600.0

_RECORD = re.compile(r"v=STSv1[ \t]*;[ \t]*(.*)", re.DOTALL)
_ID = re.compile(r"id=([A-Za-z0-9]{1,32})")
_PATTERN = re.compile(r"(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*")
_DIGITS = re.compile(r"[0-9]{1,10}")


class BadPolicy(ValueError):
    """A policy breaks its grammar."""


class FetchFailed(Exception):
    """A policy could not be fetched."""


class Mode(StrEnum):
    """What a policy asks for."""

    ENFORCE = "enforce"
    TESTING = "testing"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy of a domain."""

    mode: Mode
    mx: tuple[str, ...]
    """Names of its servers in lower case; `*.` in front stands for exactly one label."""
    max_age: int
    """How long it holds, in seconds."""

    def allows(self, name: str) -> bool:
        """Whether a server is one of the policy's."""
        name = name.lower().rstrip(".")
        return name in self.mx or f"*.{name.partition('.')[2]}" in self.mx


class Fetch(Protocol):
    """Gets the text of a policy."""

    async def __call__(self, host: str, path: str) -> bytes:
        """Return the body of `https://host/path`.

        Raises:
            FetchFailed: For whatever reason.
        """
        ...


def parse_record(texts: Iterable[str]) -> str | None:
    """Return the id among the TXT records at `_mta-sts.<domain>`; None unless exactly one is right (RFC 8461, 3.1)."""
    records = [match[1] for text in texts if (match := _RECORD.fullmatch(text)) is not None]
    if len(records) != 1:
        return None
    ids = [match[1] for field in records[0].split(";") if (match := _ID.fullmatch(field.strip(" \t"))) is not None]
    return ids[0] if len(ids) == 1 else None


def parse_policy(body: bytes) -> Policy:
    """Return the policy a file holds.

    Raises:
        BadPolicy: A field is missing or wrong.
    """
    try:
        lines = body.decode("utf-8").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError as error:
        raise BadPolicy("not UTF-8") from error
    fields: dict[str, str] = {}
    patterns: list[str] = []
    for line in filter(None, (line.strip(" \t") for line in lines)):
        name, colon, value = line.partition(":")
        if not colon:
            raise BadPolicy("a line without a colon")
        name, value = name.strip(" \t"), value.strip(" \t")
        if name == "mx":
            patterns.append(value.lower().rstrip("."))
        else:
            fields.setdefault(name, value)  # of repeated fields the first counts (RFC 8461, 3.2)
    mode = fields.get("mode", "")
    if fields.get("version") != "STSv1" or mode not in set(Mode) or not _DIGITS.fullmatch(fields.get("max_age", "")):
        raise BadPolicy("version, mode or max_age is missing or wrong")
    if len(patterns) > MAX_PATTERNS or not all(_PATTERN.fullmatch(pattern) for pattern in patterns):
        raise BadPolicy("an mx is no name, or there are too many")
    if not patterns and mode != Mode.NONE:
        raise BadPolicy("no mx")
    return Policy(Mode(mode), tuple(patterns), min(int(fields["max_age"]), MAX_AGE))


@dataclass(frozen=True, slots=True)
class _Known:
    policy: Policy | None
    record_id: str
    fetched_at: float
    check_at: float

    def holds(self, now: float) -> bool:
        return self.policy is not None and now < self.fetched_at + self.policy.max_age


class StsPolicies:
    """The policies of all domains, remembered in this process."""

    def __init__(
        self,
        lookups: Lookups,
        fetch: Fetch,
        *,
        cache_size: int = 10_000,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare.

        Args:
            lookups: For the TXT records.
            fetch: For the policies.
            cache_size: Domains remembered; the longest unused are dropped first.
            now: Monotonic seconds.
        """
        self._lookups = lookups
        self._fetch = fetch
        self._cache_size = cache_size
        self._now = now
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def find(self, domain: str) -> tuple[Policy | None, float]:
        """Return the policy of a domain, None without one, and for how many seconds this answer is good.

        A policy once fetched holds for its `max_age`, whatever happens to DNS or to the web server (RFC 8461, 5.1).
        """
        known = self._known.get(domain)
        if known is None or self._now() >= known.check_at:
            known = await self._check(domain, known)
            self._known[domain] = known
            while len(self._known) > self._cache_size:
                self._known.popitem(last=False)
        self._known.move_to_end(domain)
        now = self._now()
        if known.policy is None or not known.holds(now):
            return None, max(known.check_at - now, 0.0)
        return known.policy, max(min(known.check_at, known.fetched_at + known.policy.max_age) - now, 0.0)

    async def _check(self, domain: str, known: _Known | None) -> _Known:
        """Ask DNS for the id; fetch the policy when it is new, run out or a day old."""
        kept = known if known is not None and known.holds(self._now()) else _Known(None, "", 0.0, 0.0)
        try:
            answer = await self._lookups.ask(f"_mta-sts.{domain}", RdataType.TXT)
        except NoDnsAnswer:
            return self._until(kept, FAILURE_SECONDS)
        texts = [b"".join(record.strings).decode("latin-1") for record in answer.records if isinstance(record, TXT)]
        found = parse_record(texts)
        wait = min(max(answer.ttl, MIN_CHECK_SECONDS), MAX_CHECK_SECONDS)
        fresh = kept.policy is not None and self._now() - kept.fetched_at < REFRESH_SECONDS
        if found is None or (found == kept.record_id and fresh):
            return self._until(kept, wait)
        try:
            policy = parse_policy(await self._fetch(f"mta-sts.{domain}", "/.well-known/mta-sts.txt"))
        except (FetchFailed, BadPolicy):
            return self._until(kept, FAILURE_SECONDS)
        return self._until(_Known(policy, found, self._now(), 0.0), wait)

    def _until(self, known: _Known, seconds: float) -> _Known:
        return _Known(known.policy, known.record_id, known.fetched_at, self._now() + seconds)
