"""The Celery application: `celery -A workers.celery_app worker`."""

import logging
from typing import Any

from celery import Celery, signals

from app.settings import settings
from app.telemetry import logs
from workers import runtime

app = Celery(
    "trireme",
    include=[
        "workers.tasks.accounts",
        "workers.tasks.campaigns",
        "workers.tasks.delivery",
        "workers.tasks.housekeeping",
        "workers.tasks.senders",
        "workers.tasks.transfers",
    ],
)
app.config_from_object("workers.celery_config")


@signals.setup_logging.connect
def _configure_logs(**_: Any) -> None:
    logs.configure(settings().logs)
    # A line for each nudge received and done would bury everything else.
    for name in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(name).setLevel(logging.WARNING)


@signals.worker_process_shutdown.connect
def _close_runtime(**_: Any) -> None:
    runtime.close()
