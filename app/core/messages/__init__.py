"""Messages: accepting mail, the ledger of copies, the delivery queue, and what became of each attempt.

    accept        Batcher.accept: durable in PostgreSQL before the answer leaves
                  write_drafts, write_draft, reserve_ids: as a part of the caller's transaction
    claim         claim_due, claim_run, claim_chunk, renew_leases, release, take_over: who attempts what
    pause         obey, is_obeyed, cancel_waiting: what a run that was paused or stopped may still do
    record        record: one transaction for attempts, ledger, bounces with their consequences, queue and counters
    report        report_bounces: failures that are reported later
    tracking_of   what the copies of a mail report, by its account's switches; tracking_with: by its own;
                  tracking_of_raw: of one that came whole
    attempts_of   what was tried with copies
    partitions    make_partitions, months_left

Imports: accounts, contacts, models, db, kit.
"""

from app.core.messages.attempts import Attempt, attempts_of
from app.core.messages.batcher import Batcher
from app.core.messages.bounces import BounceFacts, ReportedBounce, SuppressionRules, report_bounces
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
from app.core.messages.direct import reserve_ids, write_draft, write_drafts
from app.core.messages.draft import Accepted, Author, Draft, IssueDraft, Lane, OnBehalf
from app.core.messages.flushing import flush_deferred
from app.core.messages.ids import email_id, parse_email_id
from app.core.messages.outcomes import AttemptOutcome, Record, Recorded, delivered_copy, is_recorded, record
from app.core.messages.partitions import MONTHS_AHEAD, PARTITIONED, make_partitions, months_left
from app.core.messages.quota import left_this_month
from app.core.messages.runs import (
    CHANNEL,
    Chunk,
    OpenRun,
    cancel_of_accounts,
    cancel_waiting,
    claim_chunk,
    claim_run,
    epochs,
    is_obeyed,
    obey,
    open_runs,
)
from app.core.messages.tracking import UNTRACKED, Tracking, tracking_of, tracking_of_raw, tracking_with

__all__ = [
    "CHANNEL",
    "MONTHS_AHEAD",
    "PARTITIONED",
    "UNTRACKED",
    "Accepted",
    "Attempt",
    "AttemptOutcome",
    "Author",
    "Batcher",
    "BounceFacts",
    "Chunk",
    "Content",
    "Copy",
    "Draft",
    "IssueDraft",
    "Lane",
    "OnBehalf",
    "OpenRun",
    "Orphan",
    "Owner",
    "Record",
    "Recorded",
    "ReportedBounce",
    "SuppressionRules",
    "Tracking",
    "Undone",
    "attempts_of",
    "cancel_of_accounts",
    "cancel_waiting",
    "claim_chunk",
    "claim_due",
    "claim_run",
    "contents",
    "delivered_copy",
    "email_id",
    "end_leases",
    "epochs",
    "flush_deferred",
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
    "report_bounces",
    "reserve_ids",
    "take_over",
    "tracking_of",
    "tracking_of_raw",
    "tracking_with",
    "write_draft",
    "write_drafts",
]
