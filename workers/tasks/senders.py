"""Tasks of senders."""

from functools import partial

from app.core import senders
from workers import runtime, sender_dns
from workers.celery_app import app


@app.task(name="senders.verify")
def verify(sender_id: int) -> None:
    """Look for a sender's records in DNS. Run twice, it looks twice; lost, the sweep finds the sender."""
    look = partial(senders.verify, records=sender_dns.records(), expected=sender_dns.expected(), sender_id=sender_id)
    runtime.run(look)


@app.task(name="senders.verify_due")
def verify_due() -> None:
    """Look again for the records of senders whose time has come. Run twice, the second finds nothing to do."""
    runtime.run(partial(senders.verify_due, records=sender_dns.records(), expected=sender_dns.expected()))
