"""Tasks of delivery processes."""

from workers import drain_thread
from workers.celery_app import app


@app.task(name="delivery.drain")
def drain() -> None:
    """Wake this process's drain. Run twice, it looks twice; lost, the drain looks by itself within a second."""
    drain_thread.wake()
