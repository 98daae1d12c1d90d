"""Who changed what: every change of a configuration row leaves an entry, in the same transaction.

    note        who acts, for what this task or request changes from here on
    acting_as   a command or a worker acts, inside a block
    entries     the entries that an account may see

Owns the table `audit_log`. Importing this package makes it listen to the flushes of every `WriteSession`: rows that
are added, changed or deleted as objects are seen; statements that change rows in bulk are not, so configuration is not
changed that way. Imports models, db, kit and the context of telemetry.

Source: docs/contract/native.md, 17.
"""

from app.core.changelog import recorder
from app.core.changelog.actor import Identity, acting_as, note
from app.core.changelog.reading import Entry, Search, entries

recorder.listen()

__all__ = ["Entry", "Identity", "Search", "acting_as", "entries", "note"]
