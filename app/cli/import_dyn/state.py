"""How far an import is, and the copies it has seen: one file that outlives a kill. Imports the standard library alone.

What a page changed and the position behind it are committed together, after the page has reached the database. A page
that is done again therefore finds the state in which it was done first, and decides the same.
"""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS units (name TEXT PRIMARY KEY, position TEXT NOT NULL, done INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS copies (
    id INTEGER PRIMARY KEY, owner TEXT NOT NULL, sender TEXT NOT NULL, recipient TEXT NOT NULL,
    sent_ms INTEGER NOT NULL, x_headers TEXT NOT NULL, email_id TEXT NOT NULL, delivered INTEGER NOT NULL DEFAULT 0,
    ended INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS copies_by_recipient ON copies (owner, recipient, sender, sent_ms);
CREATE TABLE IF NOT EXISTS firsts (
    copy_id INTEGER NOT NULL, kind TEXT NOT NULL, url TEXT NOT NULL, first_ms INTEGER NOT NULL, events INTEGER NOT NULL,
    seen INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (copy_id, kind, url)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ordinals (name BLOB PRIMARY KEY, seen INTEGER NOT NULL) WITHOUT ROWID;
"""


class Busy(Exception):
    """Another import works on the same state."""


@dataclass(frozen=True, slots=True)
class Whose:
    """What a copy and the items about it have in common.

    Attributes:
        owner: The account at the source.
        sender: From address; "" unknown.
        recipient: For whom, in lower case.
        x_headers: Its X-headers as one text.
    """

    owner: str
    sender: str
    recipient: str
    x_headers: str


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy that was sent.

    Attributes:
        id: In the state.
        email_id: The name it is given.
        sent_ms: Milliseconds since 1970.
    """

    id: int
    email_id: str
    sent_ms: int


@dataclass(frozen=True, slots=True)
class Visit:
    """An open or a click.

    Attributes:
        kind: Which.
        url: Of the link, "" for an open.
        second_ms: Beginning of its second, in milliseconds since 1970.
    """

    kind: str
    url: str
    second_ms: int


class State:
    """The state of one import."""

    def __init__(self, path: Path | None) -> None:
        """Open the file, or make it; without a path everything is forgotten at the end.

        Raises:
            Busy: Another process holds it.
        """
        self.path = path
        self._db = sqlite3.connect(path or ":memory:", timeout=1, isolation_level=None)
        try:
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(_SCHEMA)
            self._db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            self._db.close()
            raise Busy(f"{path}: {error}. Is the same import running?") from error

    def commit(self) -> None:
        """Keep what has changed."""
        self._db.execute("COMMIT")
        self._db.execute("BEGIN IMMEDIATE")

    def close(self, *, finished: bool = False) -> None:
        """Forget what was not committed, and close; delete the file of an import that is finished."""
        self._db.execute("ROLLBACK")
        self._db.close()
        if finished and self.path is not None:
            self.path.unlink(missing_ok=True)

    def fact(self, name: str, value: str) -> str:
        """Return the value that this name was given first; it is given this one if it has none."""
        self._db.execute("INSERT INTO facts VALUES (?, ?) ON CONFLICT DO NOTHING", (name, value))
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return str(row[0])

    def position(self, unit: str) -> tuple[str, bool]:
        """Return where a unit goes on, and whether it is done."""
        row = self._db.execute("SELECT position, done FROM units WHERE name = ?", (unit,)).fetchone()
        return ("", False) if row is None else (str(row[0]), bool(row[1]))

    def reached(self, unit: str, position: str, *, done: bool = False) -> None:
        """Note how far a unit is, and commit."""
        self._db.execute(
            "INSERT INTO units VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET position = ?2, done = ?3",
            (unit, position, int(done)),
        )
        self.commit()

    def ordinal(self, name: bytes) -> int:
        """Return how often this name has come before."""
        row = self._db.execute(
            "INSERT INTO ordinals VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET seen = seen + 1 RETURNING seen",
            (name,),
        ).fetchone()
        return int(row[0]) - 1

    def add_copy(self, whose: Whose, sent_ms: int, email_id: str) -> Copy:
        """Note a copy."""
        done = self._db.execute(
            "INSERT INTO copies (owner, sender, recipient, x_headers, sent_ms, email_id) VALUES (?, ?, ?, ?, ?, ?)",
            (*_columns(whose), sent_ms, email_id),
        )
        return Copy(int(done.lastrowid or 0), email_id, sent_ms)

    def undelivered(self, whose: Whose, sent_ms: int) -> Copy | None:
        """Return the first copy of a moment of which no delivery is known; either may be told in seconds alone."""
        row = self._db.execute(
            "SELECT id, email_id, sent_ms FROM copies WHERE owner = ?1 AND sender = ?2 AND recipient = ?3"
            " AND x_headers = ?4 AND sent_ms BETWEEN ?5 / 1000 * 1000 AND ?5 / 1000 * 1000 + 999 AND delivered = 0"
            " AND (sent_ms = ?5 OR sent_ms % 1000 = 0 OR ?5 % 1000 = 0) ORDER BY sent_ms <> ?5, id LIMIT 1",
            (*_columns(whose), sent_ms),
        ).fetchone()
        return Copy(*row) if row else None

    def latest(self, whose: Whose, before_ms: int, *, failed: bool) -> Copy | None:
        """Return the copy that an event is most likely about: the latest before it, of equal X-headers if there is one.

        Args:
            whose: What the event says; without a sender it may be of any.
            before_ms: End of the second of the event.
            failed: Whether the event is a failure: of the copies that have not failed yet one that was not delivered
                is likelier; for any other event one that was.
        """
        row = self._db.execute(
            "SELECT id, email_id, sent_ms FROM copies WHERE owner = ?1 AND (?2 = '' OR sender = ?2) AND recipient = ?3"
            " AND sent_ms < ?5 AND NOT (?6 AND ended)"
            " ORDER BY x_headers = ?4 DESC, delivered <> ?6 DESC, sent_ms DESC, id DESC LIMIT 1",
            (*_columns(whose), before_ms, int(failed)),
        ).fetchone()
        return Copy(*row) if row else None

    def add_first(self, whose: Whose, visit: Visit, events: int) -> None:
        """Note that some copy was visited first at a moment, and how often in all: the latest that was not yet."""
        row = self._db.execute(
            "SELECT id FROM copies WHERE owner = ?1 AND (?2 = '' OR sender = ?2) AND recipient = ?3 AND sent_ms < ?5"
            " AND NOT EXISTS (SELECT 1 FROM firsts WHERE copy_id = copies.id AND kind = ?6 AND url = ?7)"
            " ORDER BY x_headers = ?4 DESC, delivered DESC, sent_ms DESC, id DESC LIMIT 1",
            (*_columns(whose), visit.second_ms + 1000, visit.kind, visit.url),
        ).fetchone()
        if row:
            values = (row[0], visit.kind, visit.url, visit.second_ms, events)
            self._db.execute("INSERT INTO firsts (copy_id, kind, url, first_ms, events) VALUES (?, ?, ?, ?, ?)", values)

    def visited(self, whose: Whose, visit: Visit) -> Copy | None:
        """Return the copy that `add_first` says a visit is of, which is its first one or a later one."""
        row = self._db.execute(
            "SELECT id, email_id, sent_ms FROM copies JOIN firsts ON copy_id = id AND kind = ?6 AND url = ?7"
            " WHERE owner = ?1 AND (?2 = '' OR sender = ?2) AND recipient = ?3 AND x_headers = ?4"
            " AND (first_ms = ?5 AND seen = 0 OR first_ms <= ?5 AND seen BETWEEN 1 AND events - 1)"
            " ORDER BY seen = 0 DESC, first_ms DESC, id LIMIT 1",
            (*_columns(whose), visit.second_ms, visit.kind, visit.url),
        ).fetchone()
        if not row:
            return None
        self._db.execute(
            "UPDATE firsts SET seen = seen + 1 WHERE copy_id = ? AND kind = ? AND url = ?",
            (row[0], visit.kind, visit.url),
        )
        return Copy(*row)

    def mark(self, copy: Copy, what: str) -> None:
        """Note that a copy was `delivered`, or that it has `ended` as a failure."""
        column = {"delivered": "delivered", "ended": "ended"}[what]
        self._db.execute(f"UPDATE copies SET {column} = 1 WHERE id = ?", (copy.id,))  # noqa: S608 one of two words


def _columns(whose: Whose) -> tuple[str, str, str, str]:
    return whose.owner, whose.sender, whose.recipient, whose.x_headers
