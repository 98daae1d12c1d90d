"""Further verbs on senders: made, changed and confirmed through the native API. Uses the siblings and `app.mail`.

Source: docs/contract/native.md, 4.
"""

from collections.abc import Sequence

from sqlalchemy import func
from sqlalchemy.exc import IntegrityError

from app.core.accounts import touch
from app.core.errors import Conflict, Fault, FieldFault, Invalid, NotFound
from app.core.jobs import VerifySender
from app.core.senders import repository
from app.core.senders.service import add, address_of, domain_of
from app.db.unit_of_work import WriteSession
from app.mail import approval
from app.models.sender import Sender, SenderStatus

MAX_NAME = 200
"""Characters of a display name."""


async def create(
    write: WriteSession, account_id: int, *, email: str, name: str, seeding: bool, require_verification: bool
) -> Sender:
    """Add a From address with all it has; one that was deleted comes back with its old id.

    Raises:
        Conflict: The account has this sender.
        Invalid: Not an e-mail address, or no name for a header.
    """
    name = _name(name)
    sender = await add(write, account_id, email=email, name=name, require_verification=require_verification)
    if seeding:
        sender.seeding = True
        await write.flush()
    return sender


async def change(
    write: WriteSession,
    sender: Sender,
    *,
    require_verification: bool,
    email: str | None = None,
    name: str | None = None,
    seeding: bool | None = None,
) -> Sender:
    """Change a sender that `get` returned; what is None stays.

    Another address has to prove itself like a new one, and with another domain it is unsigned.

    Raises:
        Conflict: The account has, or had, a sender of the new address.
        Invalid: Not an e-mail address, or no name for a header.
    """
    if name is not None:
        sender.name = _name(name)
    if seeding is not None:
        sender.seeding = seeding
    if email is not None:
        await _readdress(write, sender, address_of(email), require_verification=require_verification)
    sender.updated_at = func.now()
    try:
        async with write.begin_nested():
            await write.flush()
    except IntegrityError:  # taken meanwhile by another request
        raise Conflict("the sender exists") from None
    await touch(write, sender.account_id)
    await write.refresh(sender)
    return sender


async def confirm(write: WriteSession, keys: Sequence[bytes], token: str, *, looks_only: bool = False) -> Sender:
    """Note that the owner of a sender's address has followed the link that was sent to it: the sender is ready.

    Args:
        write: The transaction.
        keys: All that tokens may have been made with.
        token: Foreign text.
        looks_only: Whether nothing is changed.

    Raises:
        NotFound: It is no token, or not for the address that the sender has.
    """
    sender_id = approval.sender_in(token)
    sender = await repository.to_prove(write, sender_id) if sender_id is not None else None
    if sender is None or not approval.proves(keys, token, sender.email):
        raise NotFound("no such link")
    if sender.status == SenderStatus.PENDING and not looks_only:
        sender.status = SenderStatus.READY
        sender.updated_at = func.now()
        await write.flush()
        await touch(write, sender.account_id)
    return sender


async def _readdress(write: WriteSession, sender: Sender, address: str, *, require_verification: bool) -> None:
    if address.lower() != sender.email.lower():
        if await repository.by_email(write, sender.account_id, address, deleted_too=True) is not None:
            raise Conflict("the sender exists")
        if sender.status == SenderStatus.READY and require_verification:
            sender.status = SenderStatus.PENDING
        if domain_of(address) != domain_of(sender.email):
            sender.dkim_selector = ""
            sender.dkim_ok = sender.spf_ok = sender.return_path_ok = sender.tracking_ok = sender.dmarc_ok = False
        write.enqueue(VerifySender(sender.id))
    sender.email = address


def _name(text: str) -> str:
    """Return a display name.

    Raises:
        Invalid: It is too long, or holds what no header does.
    """
    if len(text) > MAX_NAME:
        raise Invalid([FieldFault("name", Fault.TOO_LONG, f"must not be longer than {MAX_NAME} characters")])
    if not text.isprintable():
        raise Invalid([FieldFault("name", Fault.INVALID, "holds a character that no name has")])
    return text.strip()
