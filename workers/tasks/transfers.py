"""Tasks that work on imports, exports and bulk actions."""

from datetime import UTC, datetime
from functools import partial

from app.core import transfers
from app.queue import queue_of
from workers import runtime
from workers.celery_app import app


@app.task(name="transfers.run")
def run(job_id: int) -> None:
    """Work on a job for a slice of time and ask for the next. Run twice at once, the second leaves it alone."""
    if runtime.run(partial(transfers.run, job_id=job_id)):
        _ask(job_id)


@app.task(name="transfers.sweep")
def sweep() -> None:
    """Ask for jobs that nobody works on, and drop old files. Run twice, a job is asked for twice, which is no harm."""
    for job in runtime.run(transfers.orphans):
        _ask(job.job_id)
    runtime.run(partial(transfers.empty, now=datetime.now(UTC)))


def _ask(job_id: int) -> None:
    """Put a slice behind all others that wait; lost, the next sweep asks again."""
    app.send_task("transfers.run", kwargs={"job_id": job_id}, queue=queue_of("transfers.run"), retry=False)
