"""The verbs on senders. Uses the repository; imports accounts' front door, models, kit and `app.mail`.

Every change raises the account's revision, so that no cached answer of a `SenderBook` outlives it.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.exc import IntegrityError

from app.core.accounts import touch
from app.core.errors import Conflict, Fault, FieldFault, Invalid, NotFound
from app.core.jobs import VerifySender
from app.core.senders import repository
from app.core.senders.repository import return_path_name
from app.db.unit_of_work import ReadSession, WriteSession
from app.kit.secrets import Vault
from app.mail.addresses import InvalidAddress, parse_mailbox
from app.mail.dkim import make_key
from app.models.dkim_key import DkimKey
from app.models.sender import Sender, SenderStatus

PAGE = 25
"""Senders per page."""
_SELECTOR = re.compile(r"[A-Za-z0-9_-]{1,63}")


@dataclass(frozen=True, slots=True)
class Details:
    """A sender and what is to be published for it.

    Attributes:
        sender: The row.
        dkim_name: DNS name of its DKIM record; "" without a selector.
        dkim_record: TXT value of that record; "" without a selector.
    """

    sender: Sender
    dkim_name: str
    dkim_record: str


def domain_of(email: str) -> str:
    """Return the domain of a stored address."""
    return email.rpartition("@")[2]


def address_of(email: str) -> str:
    """Return the address in the form in which it is stored.

    Raises:
        Invalid: It is not an e-mail address.
    """
    try:
        mailbox = parse_mailbox(email)
    except InvalidAddress:
        mailbox = None
    if mailbox is None or mailbox.name:
        raise Invalid([FieldFault("email", Fault.INVALID, "is not an e-mail address")])
    return mailbox.address


async def add(
    write: WriteSession,
    account_id: int,
    *,
    email: str,
    require_verification: bool,
    seeding: bool | None = None,
    name: str = "",
) -> Sender:
    """Add a From address; one that was deleted comes back with its old id.

    Args:
        write: The transaction.
        account_id: Whose.
        email: The address.
        require_verification: Whether it must prove itself before it may be used (`senders.require_verification`).
        seeding: Given, a known sender is updated instead of refused.
        name: Display name.

    Raises:
        Conflict: The account has this sender, and `seeding` is not given.
        Invalid: Not an e-mail address.

    Source:
        docs/contract/dyn-email.md, 8.4.
    """
    address = address_of(email)
    sender = await repository.by_email(write, account_id, address, deleted_too=True, lock=True)
    fresh_status = SenderStatus.PENDING if require_verification else SenderStatus.READY
    if sender is None:
        sender = Sender(account_id=account_id, email=address, name=name, status=fresh_status, seeding=bool(seeding))
        try:
            async with write.begin_nested():
                write.add(sender)
        except IntegrityError:  # made meanwhile by another request
            raise Conflict("the sender exists") from None
    elif sender.deleted_at is not None:
        sender.deleted_at = None
        sender.email, sender.name, sender.status, sender.seeding = address, name, fresh_status, bool(seeding)
        sender.updated_at = func.now()
    elif seeding is None:
        raise Conflict("the sender exists")
    else:
        sender.seeding = seeding
        sender.updated_at = func.now()
    await write.flush()
    await touch(write, account_id)
    await write.refresh(sender)
    write.enqueue(VerifySender(sender.id))
    return sender


async def list_page(read: ReadSession, account_id: int, *, offset: int = 0, limit: int = PAGE) -> Sequence[Sender]:
    """List the account's senders by creation."""
    return await repository.page(read, account_id, offset=offset, limit=limit)


async def get(read: ReadSession, account_id: int, email: str | UUID | int) -> Sender:
    """Return the account's sender of this address (ignoring case), of this public id or of this number.

    Raises:
        NotFound: The account has no such sender.
    """
    if isinstance(email, UUID):
        sender = await repository.by_public_id(read, account_id, email)
    elif isinstance(email, int):
        sender = await repository.by_number(read, account_id, email)
    else:
        try:
            sender = await repository.by_email(read, account_id, address_of(email))
        except Invalid:
            sender = None
    if sender is None:
        raise NotFound("no such sender")
    return sender


async def ids_of(read: ReadSession, account_ids: Sequence[int], email: str) -> list[int]:
    """Return the ids of the senders of this address in any of the accounts, also deleted ones: for filters."""
    try:
        address = address_of(email)
    except Invalid:
        return []
    return list(await repository.ids_of(read, account_ids, address))


async def details(read: ReadSession, sender: Sender) -> Details:
    """Return what is to be published for a sender that `get` returned."""
    if not sender.dkim_selector:
        return Details(sender, "", "")
    domain = domain_of(sender.email)
    key = await repository.dkim_key(read, sender.account_id, domain, sender.dkim_selector)
    record = f"v=DKIM1; k={key.algorithm}; p={key.public}" if key else ""
    return Details(sender, f"{sender.dkim_selector}._domainkey.{domain}", record)


def is_selector(text: str) -> bool:
    """Tell whether a DKIM selector may be this: 1 to 63 letters, digits, dashes, underscores."""
    return _SELECTOR.fullmatch(text) is not None


async def set_dkim(
    write: WriteSession, vault: Vault, sender: Sender, *, selector: str, algorithm: Literal["rsa", "ed25519"] = "rsa"
) -> Details:
    """Sign the sender's mail with the key of this selector from now on; the key is made if there is none.

    Args:
        write: The transaction.
        vault: Seals the private key.
        sender: As `get` returned it.
        selector: 1 to 63 letters, digits, dashes, underscores.
        algorithm: Of a key that is made: RSA with 2048 bits, or Ed25519 (RFC 8463).

    Raises:
        Invalid: Not a selector.

    Source:
        docs/contract/dyn-email.md, 8.5.
    """
    if not is_selector(selector):
        raise Invalid([FieldFault("selector", Fault.INVALID, "is not a DKIM selector")])
    domain = domain_of(sender.email)
    if await repository.dkim_key(write, sender.account_id, domain, selector) is None:
        pem, record = await asyncio.to_thread(make_key, algorithm)  # some 100 ms of arithmetic
        key = DkimKey(
            account_id=sender.account_id,
            domain=domain,
            selector=selector,
            algorithm=algorithm,
            private_sealed=vault.seal(pem),
            public=record.partition("p=")[2],
        )
        try:
            async with write.begin_nested():
                write.add(key)
        except IntegrityError:
            pass  # made meanwhile by another request: that one signs
    if sender.dkim_selector != selector:
        sender.dkim_selector = selector
        sender.dkim_ok = False
        sender.updated_at = func.now()
        await write.flush()
        await touch(write, sender.account_id)
        await write.refresh(sender)
        write.enqueue(VerifySender(sender.id))
    return await details(write, sender)


async def delete(write: WriteSession, sender: Sender) -> None:
    """Refuse new mail from a sender that `get` returned; what is accepted is still sent, and the row stays.

    Source:
        docs/contract/dyn-email.md, 8.6.
    """
    sender.deleted_at = func.now()
    sender.updated_at = func.now()
    await write.flush()
    await touch(write, sender.account_id)


@dataclass(frozen=True, slots=True)
class Identity:
    """How a sender's mail is signed and shaped.

    Attributes:
        domain: Of the From address.
        selector: Of the key that signs; empty: unsigned.
        private_key: PEM; empty: unsigned.
        return_domain: Bounces may be asked for at this name, which leads to us; empty: at none of the sender's.
        tracking_domain: Host of its account's links; empty: the installation's.
    """

    domain: str
    selector: str = ""
    private_key: str = field(default="", repr=False)
    return_domain: str = ""
    tracking_domain: str = ""


async def identity(read: ReadSession, vault: Vault, sender_id: int) -> Identity:
    """Return domain, signing key and hosts of a sender, also of a deleted one; of an unknown one without a domain.

    Raises:
        SecretUnreadable: The key was sealed under a secret key that is not configured any more.

    Source:
        docs/contract/dyn-email.md, 14.
    """
    row = await repository.signing(read, sender_id)
    if row is None:
        return Identity("")
    sender, tracking_domain, key = row
    domain = domain_of(sender.email)
    return Identity(
        domain,
        key.selector if key is not None else "",
        vault.open(key.private_sealed) if key is not None else "",
        return_path_name(domain) if sender.return_path_ok else "",
        tracking_domain or "",
    )
