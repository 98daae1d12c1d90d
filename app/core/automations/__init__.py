"""Automations: what happens to contacts by itself, step by step.

Owns the tables `automations`, `automation_runs`, `automation_tallies` and `automation_calls`.

    automation    create, get, list_page, count, counts, change, delete, activate, pause; trigger, steps
    run           list_runs, count_runs, cancel
    enter         a consumer of domain events: who enters, and who leaves
    advance       moves runs on whose time has come, each step in one transaction with what it does
    calls         claim_calls, record_calls: what webhook steps ask for
    tidy          adds tallies up, forgets runs of deleted automations

`checking`, `values`, `writing`, `moving` and `going` are pure. Imports: transactional, campaigns, segments, messages,
contacts, audiences, events, models, db, kit, `app.mail`, `app.outbound`.
"""

from app.core.automations.calls import Call, Called, claim_calls, record_calls
from app.core.automations.entering import MOST_A_DAY, enter
from app.core.automations.runs import Reason, Seen, cancel, count_runs, list_runs
from app.core.automations.service import (
    Changes,
    Counts,
    activate,
    change,
    count,
    counts,
    create,
    delete,
    get,
    list_page,
    pause,
    steps,
    trigger,
)
from app.core.automations.stepping import Advanced, advance
from app.core.automations.tidying import tidy
from app.core.automations.writing import step_out, trigger_out
from app.models.automation import Automation, AutomationStatus, TriggerType
from app.models.automation_run import AutomationRun, AutomationRunStatus

__all__ = [
    "MOST_A_DAY",
    "Advanced",
    "Automation",
    "AutomationRun",
    "AutomationRunStatus",
    "AutomationStatus",
    "Call",
    "Called",
    "Changes",
    "Counts",
    "Reason",
    "Seen",
    "TriggerType",
    "activate",
    "advance",
    "cancel",
    "change",
    "claim_calls",
    "count",
    "count_runs",
    "counts",
    "create",
    "delete",
    "enter",
    "get",
    "list_page",
    "list_runs",
    "pause",
    "record_calls",
    "step_out",
    "steps",
    "tidy",
    "trigger",
    "trigger_out",
]
