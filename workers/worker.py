"""A worker: Celery with all tasks but delivery's, one after the other, and the loop they are done on."""

from typing import Any

from celery import signals

from workers import runtime
from workers.celery_app import app
from workers.tasks import accounts, campaigns, housekeeping, senders, transfers

__all__ = ["accounts", "app", "campaigns", "housekeeping", "senders", "transfers"]


@signals.worker_shutdown.connect
def _close_runtime(**_: Any) -> None:
    runtime.close()
