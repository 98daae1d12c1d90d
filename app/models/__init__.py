"""The schema: one table, one file. Alembic reads this package.

Each table is written by one core package only, named in its docstring. The tables of the hot path (`mails`,
`messages`, `delivery_queue`, `delivery_leases`, `attempts`, `bounces`) carry no foreign keys: a check per row would
cost more than the row, their ids come from rows the same transaction has just read, and a month of them is dropped as
a whole.
"""

from app.models.account import Account
from app.models.api_key import ApiKey
from app.models.attempt import Attempt
from app.models.bounce import Bounce
from app.models.counts import DailyCount, HourlyCount
from app.models.delivery_lease import DeliveryLease
from app.models.delivery_queue import QueuedCopy
from app.models.dkim_key import DkimKey
from app.models.issue import Issue
from app.models.mail import Mail
from app.models.message import Message
from app.models.sandbox_message import SandboxMessage
from app.models.sender import Sender
from app.models.suppression import Suppression

__all__ = [
    "Account",
    "ApiKey",
    "Attempt",
    "Bounce",
    "DailyCount",
    "DeliveryLease",
    "DkimKey",
    "HourlyCount",
    "Issue",
    "Mail",
    "Message",
    "QueuedCopy",
    "SandboxMessage",
    "Sender",
    "Suppression",
]
