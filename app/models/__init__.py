"""The schema: one table, one file. Alembic reads this package.

Each table is written by one core package only, named in its docstring. The tables of the hot path (`mails`,
`messages`, `delivery_queue`, `delivery_leases`, `attempts`, `bounces`, `run_targets`, and those of what happens to
copies later) and `contacts` carry no foreign keys: a check per row would cost more than the row, their ids come from
rows the same transaction has just read, and a month of them is dropped as a whole.
"""

from app.models.account import Account
from app.models.account_pace import AccountPace
from app.models.api_key import ApiKey
from app.models.attempt import Attempt
from app.models.audience import Audience
from app.models.audience_field import AudienceField
from app.models.audience_tally import AudienceTally
from app.models.audit_entry import AuditEntry
from app.models.automation import Automation
from app.models.automation_call import AutomationCall
from app.models.automation_run import AutomationEntrant, AutomationRun, AutomationTally
from app.models.bounce import Bounce
from app.models.campaign import Campaign
from app.models.click import Click
from app.models.complaint import Complaint
from app.models.contact import Contact
from app.models.contact_event import ContactEvent
from app.models.counts import ClosedHours, ClosedMinutes, ClosedSeconds, DailyCount, HourlyCount
from app.models.database_identity import DatabaseIdentity
from app.models.delivery_lease import DeliveryLease
from app.models.delivery_queue import QueuedCopy
from app.models.dkim_key import DkimKey
from app.models.domain_event import DomainEvent
from app.models.engagement import Engagement, LinkClick
from app.models.foreign_email_id import ForeignEmailId
from app.models.idempotency_key import IdempotencyKey
from app.models.issue import Issue
from app.models.job import Job
from app.models.job_chunk import JobChunk
from app.models.mail import Mail
from app.models.message import Message
from app.models.opens import Open
from app.models.postback import Postback
from app.models.recipient_mark import RecipientMark
from app.models.run import Run
from app.models.run_content import RunContent
from app.models.run_counts import RunCounts
from app.models.run_target import RunTarget
from app.models.sandbox_message import SandboxMessage
from app.models.segment import Segment
from app.models.sender import Sender
from app.models.suppression import Suppression
from app.models.template import Template
from app.models.transactional_message import TransactionalMessage
from app.models.unsubscription import Unsubscription
from app.models.webhook import Webhook
from app.models.webhook_delivery import WebhookDelivery

__all__ = [
    "Account",
    "AccountPace",
    "ApiKey",
    "Attempt",
    "Audience",
    "AudienceField",
    "AudienceTally",
    "AuditEntry",
    "Automation",
    "AutomationCall",
    "AutomationEntrant",
    "AutomationRun",
    "AutomationTally",
    "Bounce",
    "Campaign",
    "Click",
    "ClosedHours",
    "ClosedMinutes",
    "ClosedSeconds",
    "Complaint",
    "Contact",
    "ContactEvent",
    "DailyCount",
    "DatabaseIdentity",
    "DeliveryLease",
    "DkimKey",
    "DomainEvent",
    "Engagement",
    "ForeignEmailId",
    "HourlyCount",
    "IdempotencyKey",
    "Issue",
    "Job",
    "JobChunk",
    "LinkClick",
    "Mail",
    "Message",
    "Open",
    "Postback",
    "QueuedCopy",
    "RecipientMark",
    "Run",
    "RunContent",
    "RunCounts",
    "RunTarget",
    "SandboxMessage",
    "Segment",
    "Sender",
    "Suppression",
    "Template",
    "TransactionalMessage",
    "Unsubscription",
    "Webhook",
    "WebhookDelivery",
]
