"""Tasks that keep the house."""

from datetime import UTC, datetime
from functools import partial

from app.core import audiences, idempotency, messages, retention
from app.settings import settings
from workers import runtime
from workers.celery_app import app


@app.task(name="housekeeping.make_partitions")
def make_partitions() -> None:
    """Make the partitions of the coming months. Run twice, the second finds nothing to do."""
    runtime.run(messages.make_partitions)


@app.task(name="housekeeping.fold_tallies")
def fold_tallies() -> None:
    """Keep the counts of audiences' contacts short. Run twice at once each does a part; killed, the next goes on."""
    runtime.run(audiences.fold_tallies)


@app.task(name="housekeeping.forget_old")
def forget_old() -> None:
    """Drop what is older than is kept. Run twice at once, the second does nothing; killed, the next goes on."""
    kept = settings().retention
    limits = retention.Limits(
        detail_days=kept.detail_days,
        count_days=kept.count_days,
        audit_days=kept.audit_days,
        automation_run_days=kept.automation_run_days,
    )
    now = datetime.now(UTC)
    runtime.run(partial(retention.forget, now=now, limits=limits))
    runtime.run(partial(idempotency.forget, now=now))
