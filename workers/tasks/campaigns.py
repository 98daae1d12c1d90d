"""Tasks of campaigns."""

from functools import partial

from app.core import campaigns
from workers import runtime
from workers.celery_app import app


@app.task(name="campaigns.snapshot")
def snapshot(run_id: int) -> None:
    """Fix a run's targets. Run twice, the second finds nothing to do; lost or killed, the scheduler does it itself."""
    runtime.run(partial(campaigns.snapshot, run_id=run_id))
