"""Celery's settings, read when the application is first used. Measured and explained in docs/design.md, 4."""

from kombu import Queue

from app.queue import DEFAULT_QUEUE, DELIVERY_QUEUE, TRANSPORT_OPTIONS
from app.settings import settings

broker_url = settings().broker_url
broker_connection_retry_on_startup = True
broker_connection_max_retries = None
broker_pool_limit = 10
broker_transport_options = TRANSPORT_OPTIONS

task_queues = (Queue(DEFAULT_QUEUE), Queue(DELIVERY_QUEUE))
task_default_queue = DEFAULT_QUEUE
task_ignore_result = True
task_acks_late = True
task_acks_on_failure = True
task_reject_on_worker_lost = False  # a task that kills its process must not come back for ever

worker_prefetch_multiplier = 1
worker_soft_shutdown_timeout = 10
worker_send_task_events = False
worker_hijack_root_logger = False
worker_cancel_long_running_tasks_on_connection_loss = False
