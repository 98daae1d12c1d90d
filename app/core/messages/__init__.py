"""Messages: accepting mail, the ledger of copies, the delivery queue, and what became of each attempt.

    accept        Batcher.accept: durable in PostgreSQL before the answer leaves
    claim         claim_due, claim_run, claim_chunk, renew_leases, release, take_over: who attempts what
    pause         obey, is_obeyed, cancel_waiting: what a run that was paused or stopped may still do
    record        record: one transaction for attempts, ledger, bounces, queue and counters
    partitions    make_partitions, months_left

Imports: accounts, models, db, kit.
"""

from app.core.messages.batcher import Batcher
from app.core.messages.claims import (
    Content,
    Copy,
    Orphan,
    Owner,
    Undone,
    claim_due,
    contents,
    end_leases,
    orphaned_leases,
    release,
    renew_leases,
    take_over,
)
from app.core.messages.draft import Accepted, Draft, IssueDraft, Lane
from app.core.messages.ids import email_id, parse_email_id
from app.core.messages.outcomes import AttemptOutcome, BounceFacts, Record, Recorded, is_recorded, record
from app.core.messages.partitions import MONTHS_AHEAD, make_partitions, months_left
from app.core.messages.quota import left_this_month
from app.core.messages.runs import (
    CHANNEL,
    Chunk,
    OpenRun,
    cancel_waiting,
    claim_chunk,
    claim_run,
    epochs,
    is_obeyed,
    obey,
    open_runs,
)

__all__ = [
    "CHANNEL",
    "MONTHS_AHEAD",
    "Accepted",
    "AttemptOutcome",
    "Batcher",
    "BounceFacts",
    "Chunk",
    "Content",
    "Copy",
    "Draft",
    "IssueDraft",
    "Lane",
    "OpenRun",
    "Orphan",
    "Owner",
    "Record",
    "Recorded",
    "Undone",
    "cancel_waiting",
    "claim_chunk",
    "claim_due",
    "claim_run",
    "contents",
    "email_id",
    "end_leases",
    "epochs",
    "is_obeyed",
    "is_recorded",
    "left_this_month",
    "make_partitions",
    "months_left",
    "obey",
    "open_runs",
    "orphaned_leases",
    "parse_email_id",
    "record",
    "release",
    "renew_leases",
    "take_over",
]
