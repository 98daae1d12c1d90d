"""What the platform knows about its own state: fit for service or not, and how much waits. Owns no table."""

from app.core.system.queue import Destination, destinations
from app.core.system.service import Check, database_check, jobs_by_status, queue_depth, storage_check

__all__ = [
    "Check",
    "Destination",
    "database_check",
    "destinations",
    "jobs_by_status",
    "queue_depth",
    "storage_check",
]
