"""Dyn Email Delivery: `/senders` and below.

Source: docs/contract/dyn-email.md, section 8.
"""

from starlette.requests import Request
from starlette.responses import Response

from app.api.dyn.auth import ParamsDep, Reader, Writer
from app.api.dyn.envelope import ok
from app.api.dyn.errors import FieldsRefused, Problems, blank
from app.api.dyn.params import Params
from app.api.dyn.scalars import read_flag, read_start_index
from app.core import senders
from app.core.errors import NotFound
from app.core.senders import Details, Sender, SenderStatus
from app.dependencies import Read, RuntimeDep, Write
from app.mail.addresses import InvalidAddress, parse_mailbox

NOT_APPROVED = "The email address is not an approved sender."


def details_out(details: Details) -> dict[str, object]:
    """Return a sender with its DNS records; the last two keys are DNS names."""
    sender = details.sender
    answer: dict[str, object] = {
        "emailaddress": sender.email,
        "spf": int(sender.spf_ok),
        "dkim": int(sender.dkim_ok),
        "dkimval": sender.dkim_selector,
    }
    if details.dkim_name:
        answer[details.dkim_name] = details.dkim_record
        answer[f"_domainkey.{sender.email.rpartition('@')[2]}"] = "o=~"
    return answer


async def list_senders(request: Request, params: ParamsDep, caller: Reader, read: Read) -> Response:
    """List the account's senders.

    Source: Dyn Email "GET /senders".
    """
    problems = Problems()
    offset = read_start_index(params, problems)
    problems.check()
    page = await senders.list_page(read, caller.account_id, offset=offset)
    return ok(request, {"senders": [{"emailaddress": sender.email} for sender in page]})


async def save_sender(
    request: Request, params: ParamsDep, caller: Writer, write: Write, runtime: RuntimeDep
) -> Response:
    """Add a sender, or update a known one when `seeding` is given.

    Source: Dyn Email "POST /senders".
    """
    problems = Problems()
    email = _read_email(params, problems)
    seeding = read_flag(params, "seeding", problems)
    problems.check()
    await senders.add(
        write,
        caller.account_id,
        email=email,
        seeding=seeding,
        require_verification=runtime.settings.senders.require_verification,
    )
    runtime.keys.forget(caller.account_id)
    return ok(request, [])


async def sender_details(request: Request, params: ParamsDep, caller: Reader, read: Read) -> Response:
    """Show what was found in DNS for a sender, and what to publish.

    Source: Dyn Email "GET /senders/details".
    """
    sender = await _approved(params, read, caller.account_id)
    return ok(request, details_out(await senders.details(read, sender)))


async def sender_status(request: Request, params: ParamsDep, caller: Reader, read: Read) -> Response:
    """Tell whether a sender may be used.

    Source: Dyn Email "GET /senders/status".
    """
    sender = await _approved(params, read, caller.account_id)
    return ok(request, {"ready": int(sender.status == SenderStatus.READY)})


async def set_dkim(request: Request, params: ParamsDep, caller: Writer, write: Write, runtime: RuntimeDep) -> Response:
    """Sign a sender's mail with the key of a selector from now on.

    Raises:
        FieldsRefused: A parameter is missing or not valid, or the account has no such sender.

    Source: Dyn Email "POST /senders/dkim".
    """
    problems = Problems()
    _read_email(params, problems)
    selector = (params.text("dkim") or "").strip()
    if not selector:
        problems.blank("dkim")
    elif not senders.is_selector(selector):
        problems.not_valid("dkim")
    problems.check()
    sender = await _approved(params, write, caller.account_id)
    details = await senders.set_dkim(write, runtime.vault, sender, selector=selector)
    runtime.keys.forget(caller.account_id)
    return ok(request, details_out(details))


async def delete_sender(
    request: Request, params: ParamsDep, caller: Writer, write: Write, runtime: RuntimeDep
) -> Response:
    """Refuse new mail from a sender from now on.

    Source: Dyn Email "POST /senders/delete".
    """
    sender = await _approved(params, write, caller.account_id)
    await senders.delete(write, sender)
    runtime.keys.forget(caller.account_id)
    return ok(request, [])


async def _approved(params: Params, read: Read, account_id: int) -> Sender:
    """Return the sender that `emailaddress` names.

    Raises:
        FieldsRefused: The parameter is missing, or the account has no such sender.
    """
    email = params.entry("emailaddress")
    if email is None:
        raise FieldsRefused([blank("emailaddress")])
    try:
        return await senders.get(read, account_id, email)
    except NotFound:
        raise FieldsRefused([NOT_APPROVED]) from None


def _read_email(params: Params, problems: Problems) -> str:
    """Return the address of a sender; notes one that is missing or not an address alone."""
    email = params.entry("emailaddress")
    if email is None:
        problems.blank("emailaddress")
        return ""
    if not _is_address(email):
        problems.not_valid("emailaddress")
    return email


def _is_address(text: str) -> bool:
    try:
        return not parse_mailbox(text).name
    except InvalidAddress:
        return False
