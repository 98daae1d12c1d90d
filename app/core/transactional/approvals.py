"""The mail that asks the owner of a From address to confirm it. Imports messages, senders' models, kit and `app.mail`.

It is mail of the platform itself: from its own name, through the ledger of the account whose sender it is.

Source: docs/contract/native.md, 4, `confirm-email`.
"""

from dataclasses import dataclass
from datetime import datetime

from app.core.errors import Conflict
from app.core.messages import Accepted, Draft, Lane, OnBehalf, write_draft
from app.core.senders import Sender, SenderStatus
from app.db.unit_of_work import WriteSession
from app.kit.secrets import derive
from app.mail import approval
from app.mail.addresses import Mailbox
from app.models.message import Kind
from app.settings import Settings

SENDER_PURPOSE = "sender"
"""Of the key that the tokens are made with."""
_LOCAL = "postmaster"
_TEXT = """\
Mail is to be sent from {address}. To confirm that this address is yours, open:

{link}

If you do not know of this, do nothing.
"""


@dataclass(frozen=True, slots=True)
class ApprovalSite:
    """What the mail is made of.

    Attributes:
        public_url: Base of the link.
        domain: Of the address it comes from.
        key: Makes the token.
    """

    public_url: str
    domain: str
    key: bytes

    @classmethod
    def of(cls, settings: Settings) -> "ApprovalSite":
        """Return that of an installation."""
        return cls(settings.public_url, settings.bounce_domain, derive(settings.secret_keys[0], SENDER_PURPOSE))


async def ask_owner(
    write: WriteSession, sender: Sender, site: ApprovalSite, *, now: datetime, default_cap: int = 0
) -> Accepted:
    """Send a link to a sender's address; whoever opens it makes the sender ready (`senders.confirm`).

    Args:
        write: The transaction; the mail is durable when it has committed.
        sender: As `senders.get` returned it.
        site: Of the installation.
        now: Time of acceptance.
        default_cap: Monthly limit of masters without one of their own; such mail counts, and is never refused for it.

    Raises:
        Conflict: The sender is disabled, which no confirmation changes.
        StaleCaller: The account may not act.
    """
    if sender.status == SenderStatus.DISABLED:
        raise Conflict("the sender is disabled", state=SenderStatus.DISABLED.value)
    link = f"{site.public_url}/s/{approval.token(site.key, sender.id, sender.email)}"
    address = f"{_LOCAL}@{site.domain}"
    draft = Draft(
        caller=OnBehalf(sender.account_id),
        sender_id=sender.id,
        from_address=address,
        kind=Kind.SYSTEM,
        lane=Lane.URGENT,
        headers=(
            ("From", Mailbox("", address).header_text()),
            ("To", sender.email),
            ("Subject", f"Please confirm {sender.email}"),
            # Nobody's vacation answers this (RFC 3834, 5).
            ("Auto-Submitted", "auto-generated"),
        ),
        text=_TEXT.format(address=sender.email, link=link),
        html=None,
        recipients=(sender.email,),
        x_headers=None,
        issues=(),
        received_at=now,
    )
    return await write_draft(write, draft, default_cap=default_cap)
