"""Dyno Email Marketing: a campaign process as it is shown. Pure; uses `objects`.

Source: docs/contract/dyno.md, 7 and 8.
"""

from app.api.dyno.objects import id_of, seconds
from app.core.campaigns import Campaign, Process, Run, RunState
from app.kit.uids import Noun

_STATUS = {RunState.QUEUED: "running", RunState.SENDING: "running", RunState.DONE: "finished"}
"""States that are called otherwise."""


def status_of(run: Run | None) -> str:
    """Return what this family calls the state of a run, or of a campaign without one."""
    state = RunState(run.state) if run else RunState.DRAFT
    return _STATUS.get(state, state.value)


def process_data(user_id: str, campaign: Campaign, process: Process | None) -> dict[str, object]:
    """Return `data` of an answer.

    Args:
        user_id: The account.
        campaign: The campaign.
        process: Its run; None for a draft that never had one.
    """
    campaign_id, process_id = id_of(Noun.CAMPAIGN, campaign.id), id_of(Noun.RUN, process.run.id if process else None)
    return {
        "user_id": user_id,
        "campaign_process_id": process_id,
        "id": process_id,
        "campaign_id": campaign_id,
        "status": status_of(process.run if process else None),
        "process": None if process is None else _process(process, campaign_id),
    }


def _process(process: Process, campaign_id: str | None) -> dict[str, object]:
    run, counts = process.run, process.counts
    # A new run is written twice in its transaction, which is no change.
    changed = run.updated_at is not None and run.updated_at > run.created_at
    return {
        "id": id_of(Noun.RUN, run.id),
        "campaign_id": campaign_id,
        "status": status_of(run),
        "subject": process.subject,
        "from_name": process.from_name,
        "from_email": process.from_email,
        "preview_message": process.preheader,
        "iso_start_time": run.local_start,
        "time_zone": run.time_zone,
        "start_time": seconds(run.start_at),
        "started": seconds(run.started_at),
        "finished": seconds(run.finished_at),
        "total": run.total or 0,
        "sent": counts.delivered if counts else 0,
        "failed": counts.blocked + counts.failed if counts else 0,
        "opened": counts.opened if counts else 0,
        "clicked": counts.clicked if counts else 0,
        "bounced": counts.hard_bounces + counts.soft_bounces if counts else 0,
        "unsubscribed": counts.unsubscribes if counts else 0,
        "created": seconds(run.created_at),
        "updated": seconds(run.updated_at) if changed else 0,
    }
