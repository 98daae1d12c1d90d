"""The campaigns and transactional messages of vectors.yaml, in their states and with their numbers."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, update

from app.core import campaigns, templates, transactional
from app.core.campaigns import RunState
from app.db.unit_of_work import WriteSession, unit_of_work
from app.models import Run, RunCounts
from tests.contract.documents import FIXTURES
from tests.factories import Factories

_SENT_AT = datetime(2024, 4, 17, 22, 5, 11, tzinfo=UTC)
_CAMPAIGN = {"name", "audience", "subject", "from_email", "from_name", "content", "state", "numbers"}


async def lay_campaigns(make: Factories, account_id: int, audiences: Mapping[str, int]) -> dict[str, int]:
    """Make the campaigns of an account; return their ids by name."""
    made = {}
    for name, spec in FIXTURES["campaigns"].items():
        assert set(spec) <= _CAMPAIGN, name
        values = {field: spec[field] for field in ("subject", "from_email", "from_name") if field in spec}
        if "content" in spec:
            values |= {"html": spec["content"], "audience_ids": [audiences[spec["audience"]]]}
        async with unit_of_work(make.engine) as write:
            campaign = await campaigns.create(write, account_id, name=spec["name"], **values)
        made[name] = campaign.id
        if spec["state"] == RunState.DRAFT:
            continue
        async with unit_of_work(make.engine) as write:
            run = await campaigns.start(write, account_id, campaign.id)
        async with unit_of_work(make.engine) as write:
            if spec["state"] == RunState.PAUSED:
                await campaigns.pause(write, account_id, campaign.id)
            else:
                await _end(write, run.id, spec["numbers"])
    return made


async def lay_templates(make: Factories, account_id: int) -> dict[str, int]:
    """Make the templates of an account, each at its time; return their ids by name."""
    made = {}
    async with unit_of_work(make.engine) as write:
        for name, spec in FIXTURES["templates"].items():
            template = await templates.create(
                write, account_id, name=spec["name"], subject=spec["subject"], html=spec["content"]
            )
            template.created_at = datetime.fromtimestamp(spec["created"], UTC)
            made[name] = template.id
    return made


async def lay_messages(make: Factories, account_id: int, audiences: Mapping[str, int]) -> dict[str, int]:
    """Make the transactional messages of an account; return their ids by name."""
    made = {}
    async with unit_of_work(make.engine) as write:
        for name, spec in FIXTURES["messages"].items():
            values = {**spec, "audience_id": audiences[spec["audience"]]}
            del values["audience"]
            made[name] = (await transactional.create(write, account_id, **values)).id
    return made


async def _end(write: WriteSession, run_id: int, numbers: Mapping[str, Any]) -> None:
    """Let a run be done with these numbers."""
    total = numbers["recipients"]
    await write.execute(
        update(Run)
        .where(Run.id == run_id)
        .values(state="done", total=total, next_seq=total + 1, settled=True, started_at=_SENT_AT, finished_at=_SENT_AT)
    )
    await write.execute(
        insert(RunCounts).values(
            run_id=run_id,
            claimed=total,
            delivered=numbers["delivered"],
            hard_bounces=numbers["bounces"],
            opens=numbers["opens"],
            opened=numbers["unique_opens"],
            clicks=numbers["clicks"],
            clicked=numbers["unique_clicks"],
            complaints=numbers["complaints"],
            unsubscribes=numbers["unsubscribes"],
        )
    )
