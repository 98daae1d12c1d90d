"""Who must not be mailed, and why. Owns the tables `suppressions` and `recipient_marks`.

Others read here. Entries are made and taken away through `app.core.contacts`, because contacts change with them: of the
verbs below `enter`, `leave`, `hold` and `drop_unsubscribe` are for that package alone.
"""

from app.core.suppressions.changing import NewEntry, activate, drop_unsubscribe, enter, hold, leave
from app.core.suppressions.files import CSV_HEADER, BadLine, csv_line, read_csv
from app.core.suppressions.keys import key_of
from app.core.suppressions.listing import Place, Wanted, count_wanted, list_after
from app.core.suppressions.reading import Entry, count, get, marked, page, reasons, stream
from app.models.suppression import Reason

__all__ = [
    "CSV_HEADER",
    "BadLine",
    "Entry",
    "NewEntry",
    "Place",
    "Reason",
    "Wanted",
    "activate",
    "count",
    "count_wanted",
    "csv_line",
    "drop_unsubscribe",
    "enter",
    "get",
    "hold",
    "key_of",
    "leave",
    "list_after",
    "marked",
    "page",
    "read_csv",
    "reasons",
    "stream",
]
