"""The Celery application of workers and delivery processes.

Which tasks a process knows is said by its own module: `workers.worker`, `workers.delivery`.
"""

import logging
from typing import Any

from celery import Celery, signals

from app.settings import settings
from app.telemetry import logs

app = Celery("trireme")
app.config_from_object("workers.celery_config")


@signals.setup_logging.connect
def _configure_logs(**_: Any) -> None:
    logs.configure(settings().logs)
    # A line for each nudge received and done would bury everything else.
    for name in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(name).setLevel(logging.WARNING)
