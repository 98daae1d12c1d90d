"""Campaigns and their runs.

Owns the tables `campaigns`, `runs`, `run_targets`, `run_contents`, `account_paces`, `database_identity`.

    campaign    create, get, list_page, count, change, delete, duplicate, missing
    run         start, schedule, cancel_schedule, pause, resume, update_and_resume, stop; run, progress, insights
    process     named, command, show, check_order: a run by its own id or its campaign's, ruled by local time
    look        said; recipients, links, by_hour
    engine      start_due, snapshot, queued, finish, cancel_stopped, clean_up, content, hold, fail
    pace        set_pace
    times       parse_start: local time and zone to an instant

`state` holds the one table of moves for all families. Imports: messages, segments, audiences, events, models,
db, kit, `app.mail`.
"""

from app.core.campaigns.duplicating import duplicate
from app.core.campaigns.engine import (
    Due,
    VersionContent,
    cancel_stopped,
    clean_up,
    content,
    fail,
    finish,
    hold,
    queued,
    start_due,
    version_content,
)
from app.core.campaigns.insights import Insights, count_targets, insights
from app.core.campaigns.pace import set_pace
from app.core.campaigns.processes import Named, Order, Process, check_order, command, named, show
from app.core.campaigns.progress import progress
from app.core.campaigns.reactions import Hour, LinkClicks, by_hour, links
from app.core.campaigns.recipients import After, Recipient, recipients
from app.core.campaigns.runs import pause, resume, stop, update_and_resume
from app.core.campaigns.runs import run_of as run
from app.core.campaigns.saying import Said, said
from app.core.campaigns.service import account_of, change, count, create, delete, get, list_page, missing
from app.core.campaigns.snapshot import Snapshot, snapshot
from app.core.campaigns.starting import cancel_schedule, schedule, start
from app.core.campaigns.state import Family, Verb
from app.core.campaigns.times import Start, parse_start, parse_zone
from app.core.campaigns.values import Changes, Fields, Overrides, Progress, View
from app.core.campaigns.winding_up import wind_up
from app.models.campaign import Campaign
from app.models.message import State
from app.models.run import Run, RunState

__all__ = [
    "After",
    "Campaign",
    "Changes",
    "Due",
    "Family",
    "Fields",
    "Hour",
    "Insights",
    "LinkClicks",
    "Named",
    "Order",
    "Overrides",
    "Process",
    "Progress",
    "Recipient",
    "Run",
    "RunState",
    "Said",
    "Snapshot",
    "Start",
    "State",
    "Verb",
    "VersionContent",
    "View",
    "account_of",
    "by_hour",
    "cancel_schedule",
    "cancel_stopped",
    "change",
    "check_order",
    "clean_up",
    "command",
    "content",
    "count",
    "count_targets",
    "create",
    "delete",
    "duplicate",
    "fail",
    "finish",
    "get",
    "hold",
    "insights",
    "links",
    "list_page",
    "missing",
    "named",
    "parse_start",
    "parse_zone",
    "pause",
    "progress",
    "queued",
    "recipients",
    "resume",
    "run",
    "said",
    "schedule",
    "set_pace",
    "show",
    "snapshot",
    "start",
    "start_due",
    "stop",
    "update_and_resume",
    "version_content",
    "wind_up",
]
