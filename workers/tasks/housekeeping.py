"""Tasks that keep the house."""

from app.core import messages
from workers import runtime
from workers.celery_app import app


@app.task(name="housekeeping.make_partitions")
def make_partitions() -> None:
    """Make the partitions of the coming months. Run twice, the second finds nothing to do."""
    runtime.run(messages.make_partitions)
