"""Retention: what is older than the settings keep is dropped, in the background, without anybody waiting for it.

    forget      months of copies with everything that happened to them, refusals, counts, the audit log, ended runs
    first_kept  the first month that is kept

Deletes from tables of several nouns, and only what is old; never contacts, suppressions, accounts or counts of
campaigns. Imports the front door of messages, db.

Source: docs/contract/native.md, 19.
"""

from app.core.retention.months import first_kept
from app.core.retention.service import Forgotten, Limits, forget

__all__ = ["Forgotten", "Limits", "first_kept", "forget"]
