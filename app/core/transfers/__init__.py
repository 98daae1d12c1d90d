"""Imports, exports and bulk actions, as jobs that survive their workers. Owns the tables `jobs` and `job_chunks`.

    import_contacts, import_suppressions, export_contacts, export_suppressions, change_contacts   ask for one
    get, list_before, count, cancel, errors, result                                               look and end
    run, orphans, empty                                                                           for workers

How it works: docs/imports.md.
"""

from app.core.transfers.bulk import Action
from app.core.transfers.exporting import CSV, FORMATS, JSONL, SUPPRESSION_COLUMNS
from app.core.transfers.service import (
    MAX_FILE,
    cancel,
    change_contacts,
    count,
    errors,
    export_contacts,
    export_suppressions,
    get,
    has_ended,
    import_contacts,
    import_suppressions,
    list_before,
    result,
)
from app.core.transfers.sweeping import empty, orphans, run
from app.core.transfers.values import ImportOptions, Progress, View
from app.models.job import JobStatus, JobType

__all__ = [
    "CSV",
    "FORMATS",
    "JSONL",
    "MAX_FILE",
    "SUPPRESSION_COLUMNS",
    "Action",
    "ImportOptions",
    "JobStatus",
    "JobType",
    "Progress",
    "View",
    "cancel",
    "change_contacts",
    "count",
    "empty",
    "errors",
    "export_contacts",
    "export_suppressions",
    "get",
    "has_ended",
    "import_contacts",
    "import_suppressions",
    "list_before",
    "orphans",
    "result",
    "run",
]
