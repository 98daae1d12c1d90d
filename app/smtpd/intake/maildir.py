"""Mails from a folder in maildir form, where another mail server receives for our domain.

A mail in `new` is applied, then moved to `cur`, marked as seen; one that names no address of ours goes to `failed`.
Whoever stops in between applies it again, which changes nothing. Imports `app.core`, `app.db`, its siblings.
"""

import asyncio
import contextlib
import os
import re
import stat
from email.parser import BytesHeaderParser
from email.policy import compat32
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from app.core import intake
from app.core.intake import Destination, Keys
from app.db.engine import DatabaseAway
from app.smtpd.intake.applying import Applier
from app.telemetry.logger import Logger

POLL_SECONDS = 5.0
"""How long to wait when nothing is new."""
AT_ONCE = 500
"""Mails of one look at the folder."""
TOGETHER = 16
"""Mails that are under way at a time, so that reports are applied in groups."""
HEADER_BYTES = 256 * 1024
ADDRESSES = 100
"""Addresses of one mail that are looked at."""
SOURCES = (("delivered-to", "x-original-to", "envelope-to", "x-envelope-to"), ("to", "cc"))
"""Headers that name whom a mail came to: what a server noted when it delivered, and only without these the rest."""
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,256}@[A-Za-z0-9.-]{1,255}")
_RETURN_PATH = re.compile(r"\s*<([^<>\s]*)>")
_LOG = Logger(__name__)


def addressed(raw: bytes, keys: Keys) -> tuple[str | None, list[Destination]]:
    """Return the envelope sender of a delivered mail, None unknown, and the addresses of ours it came to.

    Args:
        raw: As delivered.
        keys: Of the installation.
    """
    end = re.search(rb"\r?\n\r?\n", raw[:HEADER_BYTES])
    head = BytesHeaderParser(policy=compat32).parsebytes(raw[: end.start() if end else HEADER_BYTES] + b"\n\n")
    found: list[Destination] = []
    for names in SOURCES:
        texts = [str(value) for name in names for value in head.get_all(name, [])]
        addresses = _ADDRESS.findall("\n".join(texts)[:HEADER_BYTES])[:ADDRESSES]
        found = [where for address in addresses if (where := intake.destination(keys, address)) is not None]
        if found:
            break
    path = _RETURN_PATH.match(str(head.get("return-path", "")))
    return (path[1] if path else None), list(dict.fromkeys(found))


class Maildir:
    """One folder."""

    def __init__(self, directory: Path, applier: Applier, kept_bytes: int) -> None:
        """Take what it works with.

        Args:
            directory: Holds `new` and `cur`; `failed` is made.
            applier: Does what follows.
            kept_bytes: Of a mail's beginning what is looked at.
        """
        self._new, self._cur, self._failed = (directory / name for name in ("new", "cur", "failed"))
        self._applier = applier
        self._kept = kept_bytes

    async def run(self, stop: asyncio.Event, *, once: bool) -> None:
        """Take what is there, and what comes.

        Args:
            stop: Ends it, after the mails under way.
            once: Whether to end when nothing is new.

        Raises:
            OSError: The folder can't be used.
            DatabaseAway: PostgreSQL is away, and it was to be done once.
            TimeoutError: PostgreSQL is slow, and it was to be done once.
        """
        for folder in (self._cur, self._failed):
            folder.mkdir(mode=0o700, exist_ok=True)
        while not stop.is_set():
            taken = 0
            try:
                taken = await self._take_all(stop)
            except (DatabaseAway, TimeoutError) as error:
                if once:
                    raise
                _LOG.warning("intake.put_off", error=type(error).__name__)
            if not taken:
                if once:
                    return
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), POLL_SECONDS)

    async def _take_all(self, stop: asyncio.Event) -> int:
        """Take what is new; return how many mails that was."""
        names = await asyncio.to_thread(self._names)
        for first in range(0, len(names), TOGETHER):
            if stop.is_set():
                return first
            taking = [self._take(name) for name in names[first : first + TOGETHER]]
            for failure in await asyncio.gather(*taking, return_exceptions=True):
                if failure is not None:
                    raise failure
        return len(names)

    def _names(self) -> list[str]:
        """Return the oldest mails by name, which in a maildir begins with the time."""
        return sorted(path.name for path in self._new.iterdir() if not path.name.startswith("."))[:AT_ONCE]

    async def _take(self, name: str) -> None:
        raw = await asyncio.to_thread(self._read, name)
        if raw is None:
            self._move(name, self._failed / name, "no mail")
            return
        sender, destinations = await asyncio.to_thread(addressed, raw, self._applier.keys)
        if not destinations:
            self._move(name, self._failed / name, "no address of ours")
            return
        try:
            await self._applier.apply(raw, sender, destinations)
        except DBAPIError:  # PostgreSQL is there and does not take it: it must not hold up the others
            self._move(name, self._failed / name, "not taken")
            return
        self._move(name, self._cur / (name.partition(":")[0] + ":2,S"), "")

    def _read(self, name: str) -> bytes | None:
        """Return the beginning of a mail; None for what is no file of its own, such as a link."""
        try:
            number = os.open(self._new / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None
        if not stat.S_ISREG(os.fstat(number).st_mode):
            os.close(number)
            return None
        with os.fdopen(number, "rb") as file:
            return file.read(self._kept)

    def _move(self, name: str, to: Path, why: str) -> None:
        with contextlib.suppress(FileNotFoundError):  # another process was faster
            (self._new / name).rename(to)
        if why:
            _LOG.warning("intake.failed", file=name, why=why)
