"""Who must not be mailed, and why. Owns the table `suppressions`."""

from app.core.suppressions.service import add, drop_unsubscribe, key_of, reasons
from app.models.suppression import Reason

__all__ = ["Reason", "add", "drop_unsubscribe", "key_of", "reasons"]
