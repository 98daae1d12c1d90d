"""What the platform knows about its own state: fit for service or not, and how much waits. Owns no table."""

from app.core.system.service import Check, database_check, queue_depth, storage_check

__all__ = ["Check", "database_check", "queue_depth", "storage_check"]
