"""Publishes jobs to Celery: by name, after the commit, never in the way.

A job is a nudge: PostgreSQL holds the work, and a sweep finds what no nudge announced. So publishing never blocks and
never raises: jobs wait in a small set, equal ones fall together, and one background thread sends what has gathered, at
most ten times a second, without retry. When Valkey is away, nudges are dropped and counted.
"""

import dataclasses
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

from celery import Celery

from app.settings import Settings

ROUNDS_PER_SECOND = 10
PENDING_LIMIT = 10_000
CLOSE_SECONDS = 2.0

DELIVERY_QUEUE = "delivery"
DEFAULT_QUEUE = "default"

TRANSPORT_OPTIONS = {
    # A task that runs longer than this is given to another worker as well: above every task's time limit.
    "visibility_timeout": 120,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_timeout": 10,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 10,
}

logger = logging.getLogger(__name__)


def queue_of(name: str) -> str:
    """Return the Celery queue a task belongs to: delivery processes take the names of their own, workers the rest."""
    return DELIVERY_QUEUE if name.startswith("delivery.") else DEFAULT_QUEUE


class JobQueue:
    """Sends jobs by name from one background thread.

    Attributes:
        failed: Jobs that could not be published since the start.
    """

    def __init__(self, settings: Settings, on_failure: Callable[[], None] | None = None) -> None:
        """Prepare; nothing connects before the first job.

        Args:
            settings: `broker_url`.
            on_failure: Called from the background thread for each dropped job, to count it.
        """
        self.failed = 0
        self._on_failure = on_failure
        self._celery = Celery("trireme", broker=settings.broker_url)
        self._celery.conf.update(
            broker_transport_options={**TRANSPORT_OPTIONS, "socket_timeout": 2},
            broker_connection_timeout=2,
            broker_pool_limit=1,
            task_ignore_result=True,
        )
        self._pending: dict[Any, None] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="job-queue", daemon=True)

    def start(self) -> None:
        """Start the background thread."""
        self._thread.start()

    def publish(self, jobs: Sequence[Any]) -> None:
        """Ask for the jobs to be sent; returns at once.

        Args:
            jobs: Of `app.core.jobs`; equal ones that have not left yet are sent once.
        """
        with self._lock:
            for job in jobs:
                if len(self._pending) < PENDING_LIMIT:
                    self._pending[job] = None
        self._wake.set()

    def close(self) -> None:
        """Send what has gathered, within two seconds, and stop."""
        self._closing.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_SECONDS)
        self._celery.close()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            with self._lock:
                jobs, self._pending = list(self._pending), {}
            for job in jobs:
                self._send(job)
            if self._closing.is_set():
                return
            self._closing.wait(1 / ROUNDS_PER_SECOND)

    def _send(self, job: Any) -> None:
        try:
            self._celery.send_task(
                job.name, kwargs=dataclasses.asdict(job), queue=queue_of(job.name), retry=False, ignore_result=True
            )
        except Exception as error:  # noqa: BLE001 whatever the broker's client raises: a nudge may be lost
            self.failed += 1
            if self._on_failure is not None:
                self._on_failure()
            logger.warning("nudge not sent: %s: %s", job.name, type(error).__name__)
