"""Source: a directory of CSV files. Imports its siblings and the standard library.

`accounts.csv`, `xheaders.csv`, `senders.csv`, `suppressions.csv`, `sent.csv`, `delivered.csv`, `bounces.csv`,
`complaints.csv`, `opens.csv`, `opens-unique.csv`, `clicks.csv`, `clicks-unique.csv`, `issues.csv`; each may be missing.
The first line names the columns, by the keys that the classic API's lists have (docs/contract/dyn-email.md, 6 and 8 to
11), in any order and any case. A column `account` says whose a line is; so does a sub-directory of that name with files
of its own. The rest is the master's.
"""

import csv
import itertools
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from pathlib import Path

from app.cli.import_dyn.reading import read_x_headers
from app.cli.import_dyn.source import HISTORY, UNIQUE, Owner, Page, Record, Resource, SourceFailed, Unit

PAGE = 1000
MAX_OWNERS = 100_000
_DELIMITERS = ",;\t"
_OWNER = "account"
_SLOTS = ("xheader1", "xheader2", "xheader3", "xheader4")


class Folder:
    """CSV files.

    Attributes:
        name: What tells it from other sources.
        needs_keys: Whether it can be asked about an account with that account's key only.
    """

    needs_keys = False

    def __init__(self, path: Path, *, master: str, sender: str = "") -> None:
        """Prepare.

        Args:
            path: The directory.
            master: User name of the account that lines belong to which do not say whose they are; "" when
                `accounts.csv` tells.
            sender: From address of history that names none.

        Raises:
            SourceFailed: It is no directory.
        """
        if not path.is_dir():
            raise SourceFailed(f"{path} is not a directory")
        self.name = f"folder {path.resolve()}"
        self._path = path
        self._master = master
        self._sender = sender

    async def owners(self) -> Sequence[Owner]:
        """Return the accounts of accounts.csv and of the sub-directories, the master first.

        Raises:
            SourceFailed: The file can't be read, or there are too many.
        """
        found: dict[str, Owner] = {}
        for record in itertools.islice(self._records(self._path / "accounts.csv"), MAX_OWNERS + 1):
            username = record.text("username") if record else ""
            if record and username:
                kind = record.text("usertype").lower()
                is_master = kind == "master" if kind else username.lower() == self._master.lower()
                found.setdefault(username.lower(), Owner(username, record.text("apikey"), is_master, record))
        for directory in sorted(one for one in self._path.iterdir() if one.is_dir() and "@" in one.name):
            is_master = directory.name.lower() == self._master.lower()
            found.setdefault(directory.name.lower(), Owner(directory.name, "", is_master, Record({})))
        if len(found) > MAX_OWNERS:
            raise SourceFailed("too many accounts")
        masters = [owner for owner in found.values() if owner.is_master]
        if len(masters) > 1:
            raise SourceFailed("accounts.csv has more than one master")
        master = masters[0] if masters else Owner(self._master, "", is_master=True, record=Record({}))
        return [master, *(owner for owner in found.values() if owner is not master)]

    async def x_headers(self, owner: Owner) -> Sequence[str] | None:
        """Return the last names that xheaders.csv has for the owner.

        Raises:
            SourceFailed: It can't be read.
        """
        names: Sequence[str] | None = None
        for record in self._of(owner, "xheaders"):
            if record is not None:
                names = [record.text(slot) for slot in _SLOTS]
        return names

    def history(self, senders: Sequence[str]) -> Sequence[Unit]:
        """Return the lists of the history: a file each; without a column, its sender is the one there is."""
        sender = self._sender or (senders[0] if len(senders) == 1 else "")
        units: list[Unit] = []
        for resource in HISTORY:
            if resource in UNIQUE:
                units.append(Unit(UNIQUE[resource], sender))
            units.append(Unit(resource, sender if resource is not Resource.ISSUES else ""))
        return units

    async def pages(self, owner: Owner, unit: Unit, position: str) -> AsyncIterator[Page]:
        """Yield the lines of a list from a line on.

        Raises:
            SourceFailed: A file can't be read.
        """
        begin = int(position or 0)
        records = itertools.islice(self._of(owner, unit.resource.replace("/", "-")), begin, None)
        while batch := list(itertools.islice(records, PAGE)):
            begin += len(batch)
            good = [record for record in batch if record is not None]
            yield Page(good, str(begin), len(batch) - len(good))

    async def activated(self, owner: Owner, addresses: Sequence[str]) -> Collection[str]:
        """Return none: files do not tell."""
        del owner, addresses
        return ()

    def _of(self, owner: Owner, name: str) -> Iterator[Record | None]:
        """Yield an owner's records of a list; None for a line that is none.

        Raises:
            SourceFailed: A file can't be read.
        """
        for record in self._records(self._path / f"{name}.csv"):
            whose = record.text(_OWNER).lower() if record else ""
            if (whose == owner.username.lower()) if whose else owner.is_master:
                yield record
        if owner.username and Path(owner.username).name == owner.username:
            yield from self._records(self._path / owner.username / f"{name}.csv")

    def _records(self, path: Path) -> Iterator[Record | None]:
        """Yield the records of a file, which may be missing.

        Raises:
            SourceFailed: It can't be read.
        """
        try:
            with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
                first = file.readline(65_536)
                delimiter = max(_DELIMITERS, key=first.count)
                names = [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])]
                rows = csv.reader((line.replace("\0", "") for line in file), delimiter=delimiter)
                while True:
                    try:
                        row = next(rows, None)
                    except csv.Error:
                        yield None
                        continue
                    if row is None:
                        return
                    if any(row):
                        yield _record(names, row)
        except FileNotFoundError:
            return
        except OSError as error:
            raise SourceFailed(str(error)) from error


def _record(names: Sequence[str], row: Sequence[str]) -> Record:
    cells = dict(zip(names, row, strict=False))
    fields = {name.lower(): value for name, value in cells.items()}
    x_headers = dict(read_x_headers(fields.get("xheaders", "")))
    known = {name.lower() for name in x_headers}
    own = {name: value for name, value in cells.items() if name.lower().startswith("x-") and value}
    return Record(fields, {**{name: own[name] for name in own if name.lower() not in known}, **x_headers})
