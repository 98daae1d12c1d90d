"""Dyn Email Delivery: `/accounts`, `/accounts/delete` and `/accounts/xheaders`.

Source: docs/contract/dyn-email.md, section 6.
"""

from starlette.requests import Request
from starlette.responses import Response

from app.api.dyn.account_fields import (
    offset_text,
    read_changes,
    read_new_key,
    read_username,
    require_for_creation,
)
from app.api.dyn.auth import ParamsDep, Reader, Writer
from app.api.dyn.dates import iso
from app.api.dyn.envelope import ok
from app.api.dyn.errors import Problems
from app.api.dyn.params import Params
from app.api.dyn.scalars import read_start_index
from app.core import accounts
from app.core.accounts import Account, Caller, Changes, Listed, Role
from app.core.errors import Forbidden, NotFound
from app.dependencies import Read, Runtime, RuntimeDep, Write

X_HEADERS = ("xheader1", "xheader2", "xheader3", "xheader4")
ECHO_MARKS = ("usertype", "created", "_username")
"""Who sends one of these without a user name posts a listing back, as the reference client does."""


def account_out(listed: Listed) -> dict[str, object]:
    """Return an account with the 23 keys of the listing, in their order."""
    account = listed.account
    return {
        "username": account.username,
        "accountname": account.account_name,
        "companyname": account.company_name,
        "address": account.address,
        "city": account.city,
        "state": account.state,
        "country": account.country,
        "zipcode": account.zip_code,
        "phone": account.phone,
        "usertype": "Sub" if account.role == Role.SUB else "Master",
        "created": iso(account.created_at),
        "apikey": listed.key,
        "timezone": offset_text(account.utc_offset_minutes),
        "tracklinks": _flag(account.track_links),
        "trackopens": _flag(account.track_opens),
        "testmode": _flag(account.test_mode),
        "trackunsubscribes": _flag(account.track_unsubscribes),
        "max_sample_count": None,
        "contactname": account.contact_name,
        "emailssent": listed.sent_this_month,
        "bounceurl": account.bounce_url or "",
        "spamurl": account.complaint_url or "",
        "unsuburl": account.unsubscribe_url or "",
    }


def _flag(value: bool) -> str:
    return "1" if value else "0"


async def list_accounts(
    request: Request, params: ParamsDep, caller: Reader, read: Read, runtime: RuntimeDep
) -> Response:
    """List the account and its sub-accounts.

    Source: Dyn Email "GET /accounts".
    """
    problems = Problems()
    offset = read_start_index(params, problems)
    problems.check()
    name, username = params.text("accountname"), params.text("username")
    listed = await accounts.list_below(
        read,
        runtime.vault,
        caller,
        now=runtime.clock.now(),
        name=name.strip() if name else None,
        username=username.strip() if username else None,
        offset=offset,
    )
    own = await accounts.get(read, caller, caller.account_id)
    cap = own.monthly_cap if own.monthly_cap is not None else runtime.settings.quota.default_monthly
    return ok(request, {"accounts": [account_out(one) for one in listed], "emailcap": str(cap)})


async def save_account(
    request: Request, params: ParamsDep, caller: Writer, write: Write, runtime: RuntimeDep
) -> Response:
    """Make or change a sub-account, or change the master itself, as the user name says.

    Without a user name: set X-headers when one of their slots is there, or answer a listing that is posted back.

    Raises:
        Forbidden: The key is that of a sub-account.

    Source: Dyn Email "POST /accounts".
    """
    if params.text("username") is None:
        if any(params.is_present(name) for name in X_HEADERS):
            return await save_x_headers(request, params, caller, write, runtime)
        if any(params.text(name) is not None for name in ECHO_MARKS):
            return ok(request, await _echo(params, caller, write, runtime))
    if not caller.is_master:
        raise Forbidden("a sub-account has no accounts below it")
    problems = Problems()
    if params.text("username") is None:
        problems.blank("username")
        problems.check()
    username = (params.text("username") or "").strip()
    account = await accounts.find_below(write, caller, username)
    if account is None:
        key = await _create(params, caller, write, runtime)
    else:
        key = await _update(params, account, write, runtime)
    return ok(request, {"apikey": key})


async def _create(params: Params, caller: Caller, write: Write, runtime: Runtime) -> str:
    problems = Problems()
    username = read_username(params, problems)
    require_for_creation(params, problems)
    changes: Changes = read_changes(params, problems)
    read_new_key(params, problems)
    problems.check()
    password_hash = await accounts.hash_password(params.text("password") or "")
    opened = await accounts.create_sub(
        write, runtime.vault, caller, username=username, password_hash=password_hash, **changes
    )
    return opened.key


async def _update(params: Params, account: Account, write: Write, runtime: Runtime) -> str:
    problems = Problems()
    changes = read_changes(params, problems)
    new_key = read_new_key(params, problems)
    problems.check()
    await accounts.change(write, account, **changes)
    runtime.keys.forget(account.id)
    if new_key:
        return await accounts.rotate_key(write, runtime.vault, account)
    return await accounts.primary_key(write, runtime.vault, account.id)


async def _echo(params: Params, caller: Caller, read: Read, runtime: Runtime) -> dict[str, object]:
    """Return the listing of the account that `_username` names if the caller sees it, else of the caller's own."""
    name = params.text("_username")
    account = await accounts.find_below(read, caller, name.strip()) if name else None
    account = account or await accounts.get(read, caller, caller.account_id)
    [listed] = await accounts.listed(read, runtime.vault, [account], now=runtime.clock.now())
    return account_out(listed)


async def delete_account(
    request: Request, params: ParamsDep, caller: Writer, write: Write, runtime: RuntimeDep
) -> Response:
    """Delete a sub-account.

    Raises:
        Forbidden: The key is that of a sub-account.

    Source: Dyn Email "POST /accounts/delete".
    """
    if not caller.is_master:
        raise Forbidden("a sub-account has no accounts below it")
    problems = Problems()
    username = params.text("username")
    if username is None:
        problems.blank("username")
    else:
        try:
            runtime.keys.forget(await accounts.delete_sub(write, caller, username.strip()))
        except NotFound:
            problems.not_valid("username")
    problems.check()
    return ok(request, [])


async def show_x_headers(request: Request, caller: Reader, read: Read) -> Response:
    """Show the four slots of X-header names.

    Source: Dyn Email "GET /accounts/xheaders".
    """
    account = await accounts.get(read, caller, caller.account_id)
    return ok(request, dict(zip(X_HEADERS, account.x_headers, strict=True)))


async def save_x_headers(
    request: Request, params: ParamsDep, caller: Writer, write: Write, runtime: RuntimeDep
) -> Response:
    """Replace the four slots of X-header names; a slot that is blank or absent is cleared.

    Source: Dyn Email "POST /accounts/xheaders".
    """
    problems = Problems()
    if not any(params.is_present(name) for name in X_HEADERS):
        problems.blank(X_HEADERS[0])
    problems.check()
    await accounts.set_x_headers(write, caller.account_id, [(params.text(name) or "").strip() for name in X_HEADERS])
    runtime.keys.forget(caller.account_id)
    return ok(request, "OK")
