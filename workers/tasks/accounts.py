"""Tasks of accounts."""

from app.core import campaigns
from workers import runtime
from workers.celery_app import app


@app.task(name="accounts.wind_up")
def wind_up() -> None:
    """Stop what deleted accounts have under way. Run twice, the second finds nothing; lost, the sweep asks again."""
    runtime.run(campaigns.wind_up)
