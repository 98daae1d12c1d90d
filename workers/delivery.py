"""A delivery process: Celery with the one task that wakes, and the drain beside it.

The drain starts before Celery has found its broker, and goes on without one.
"""

from typing import Any

from celery import signals

from app.settings import settings
from app.telemetry import logs
from workers import drain_thread
from workers.celery_app import app
from workers.tasks import delivery

__all__ = ["app", "delivery"]


@signals.worker_init.connect
def _start(**_: Any) -> None:
    logs.configure(settings().logs)  # Celery asks for it only later, and the drain speaks at once
    drain_thread.start(settings())


@signals.worker_shutting_down.connect
def _stop(**_: Any) -> None:
    drain_thread.stop()


@signals.worker_shutdown.connect
def _join(**_: Any) -> None:
    drain_thread.stop()
    drain_thread.join()
