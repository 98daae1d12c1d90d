"""`/accounts`: the account and those below it. Source: docs/contract/native.md, 2."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from fastapi import HTTPException, Query, Response
from pydantic import BaseModel, ConfigDict

from app.api.native.account_bodies import AccountIn, AccountOut, AccountPatch, changes_of, shown
from app.api.native.auth import Reader, Writer
from app.api.native.ids import Id, uuid_of
from app.api.native.paging import (
    DEFAULT_LIMIT,
    Counted,
    Cursor,
    Limit,
    Order,
    Page,
    cursor_of,
    page_of,
    sorting,
    values_of,
)
from app.api.native.refusals import ScopeMissing
from app.api.native.routing import native_router
from app.core import accounts
from app.core.accounts import Account, AccountSearch, Alterations, Caller, Role, Scope
from app.core.errors import FieldFault, Forbidden, Invalid
from app.dependencies import Read, Runtime, RuntimeDep, Write

router = native_router("/accounts", "Accounts")
_FROM_ABOVE = ("role", "monthly_cap", "status")
_PLACES = 3


class KeyOut(BaseModel):
    """A new primary key."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"api_key": "0f1e2d3c4b5a69788796a5b4c3d2e1f0"}]})

    api_key: str


@router.get("")
async def list_accounts(
    caller: Reader,
    read: Read,
    runtime: RuntimeDep,
    order: Annotated[Order, sorting("created_at", "username")],
    *,
    q: Annotated[str, Query(max_length=320, description="Part of a name, ignoring case.")] = "",
    status: Literal["active", "disabled", ""] = "",
    parent_id: UUID | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
    count: Counted = False,
) -> Page[AccountOut]:
    """List the account, then those below it."""
    search = AccountSearch(
        q=q,
        status=status,
        parent=parent_id,
        by_username=order.by == "username",
        descending=order.descending,
    )
    after = _after(cursor, by_username=search.by_username)
    found = await accounts.accounts_below(read, caller, search, after=after, limit=limit + 1)
    total = await accounts.count_below(read, caller, search) if count else None
    outs = {one.user_id: one for one in await _outs(read, runtime, caller, found[:limit])}
    page = page_of(found, limit, lambda row: _behind(row, caller, search), lambda row: outs[row.id], total)
    return Page[AccountOut].model_validate(page)


@router.post("", status_code=201)
async def make_account(
    body: AccountIn, caller: Writer, write: Write, runtime: RuntimeDep, response: Response
) -> AccountOut:
    """Make a sub-account of the account; an administrator makes masters and administrators too, by `role`.

    Raises:
        ScopeMissing: A master or an administrator needs a key with the scope `admin`.
    """
    role = Role(body.role)
    if role is not Role.SUB and not caller.may(Scope.ADMIN):
        raise ScopeMissing("the key needs the scope admin")
    changes = changes_of(body)
    hashed = await accounts.hash_password(body.password)
    make = accounts.create_sub if role is Role.SUB else partial(accounts.create_master, role=role)
    opened = await make(write, runtime.vault, caller, username=body.username.strip(), password_hash=hashed, **changes)
    await _set_x_headers(write, opened.account, body)
    response.headers["Location"] = f"/api/trireme/v1/accounts/{opened.account.public_id}"
    return await seen(write, runtime, caller, opened.account)


@router.get("/{account_id}")
async def show_account(account_id: Id, caller: Reader, read: Read, runtime: RuntimeDep) -> AccountOut:
    """Show the account, or one below it."""
    return await seen(read, runtime, caller, await accounts.get(read, caller, uuid_of(account_id)))


@router.patch("/{account_id}")
async def change_account(
    account_id: Id, body: AccountPatch, caller: Writer, write: Write, runtime: RuntimeDep
) -> AccountOut:
    """Change the account, or one below it."""
    return await changed(write, runtime, caller, await accounts.get(write, caller, uuid_of(account_id)), body)


@router.delete("/{account_id}", status_code=204)
async def delete_account(account_id: Id, caller: Writer, write: Write, runtime: RuntimeDep) -> None:
    """Delete an account below: its keys end at once, its name is free again, its records stay."""
    account = await accounts.get(write, caller, uuid_of(account_id))
    _check_power(caller, account)
    await accounts.delete(write, caller, account)
    runtime.keys.forget(account.id)


@router.post("/{account_id}/rotate-key")
async def rotate_key(account_id: Id, caller: Writer, write: Write, runtime: RuntimeDep) -> KeyOut:
    """Replace the primary key of the account, or of one below it; the old one ends at once."""
    account = await accounts.get(write, caller, uuid_of(account_id))
    _check_power(caller, account)
    key = await accounts.rotate_key(write, runtime.vault, account)
    runtime.keys.forget(account.id)
    return KeyOut(api_key=key)


async def seen(read: Read, runtime: Runtime, caller: Caller, account: Account) -> AccountOut:
    """Return an account as the caller sees it."""
    (out,) = await _outs(read, runtime, caller, [account])
    return out


async def changed(write: Write, runtime: Runtime, caller: Caller, account: Account, body: AccountPatch) -> AccountOut:
    """Change what a request says, and return the account.

    Raises:
        Forbidden: The caller may not change that of this account.
        ScopeMissing: Its key may not.
        Invalid: Values that can't be accepted.
        Conflict: A name is taken.
    """
    members = body.model_fields_set
    if not members.isdisjoint(_FROM_ABOVE) and caller.account_id == account.id:
        raise Forbidden("role, monthly_cap and status are changed by an account above")
    changes = cast("Alterations", changes_of(body))
    if "username" in members:
        changes["username"] = body.username.strip()
    if members & {"password", "role", "username"}:
        _check_power(caller, account)
    if "role" in members:
        if not caller.may(Scope.ADMIN) and account.role != body.role:
            raise ScopeMissing("the key needs the scope admin")
        await accounts.set_role(write, caller, account, Role(body.role))
    if "password" in members:
        changes["password_hash"] = await accounts.hash_password(body.password)
    await accounts.change(write, account, **changes)
    await _set_x_headers(write, account, body)
    runtime.keys.forget(account.id)
    return await seen(write, runtime, caller, account)


def _check_power(caller: Caller, account: Account) -> None:
    """See that a key without the scope `admin` does not take over an administrator's account.

    Raises:
        ScopeMissing: It would.
    """
    if account.role == Role.ADMIN and not caller.may(Scope.ADMIN):
        raise ScopeMissing("the key needs the scope admin")


async def _set_x_headers(write: Write, account: Account, body: AccountPatch) -> None:
    if "x_headers" not in body.model_fields_set:
        return
    try:
        await accounts.set_x_headers(write, account.id, [name or "" for name in body.x_headers or []])
    except Invalid as error:
        faults = [FieldFault(f"x_headers.{int(one.field[-1]) - 1}", one.fault, one.message) for one in error.faults]
        raise Invalid(faults) from None


async def _outs(read: Read, runtime: Runtime, caller: Caller, rows: Any) -> list[AccountOut]:
    listed = await accounts.listed(read, runtime.vault, rows, now=runtime.clock.now())
    parents = await accounts.public_ids(read, {row.parent_id for row in rows if row.parent_id is not None})
    return [
        shown(one, parents.get(one.account.parent_id or 0), with_key=_shows_key(caller, one.account)) for one in listed
    ]


def _shows_key(caller: Caller, account: Account) -> bool:
    return caller.may(Scope.ADMIN if account.role == Role.ADMIN else Scope.WRITE)


def _behind(row: Account, caller: Caller, search: AccountSearch) -> str:
    value = row.username.lower() if search.by_username else row.created_at.isoformat()
    return cursor_of([int(row.id != caller.account_id), value, row.id])


def _after(cursor: str, *, by_username: bool) -> tuple[bool, str | datetime, int] | None:
    match values_of(cursor):
        case None:
            return None
        case [int() as later, str() as value, int() as last_id]:
            return bool(later), value if by_username else _aware(value), last_id
        case _:
            raise HTTPException(400, "bad cursor")


def _aware(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise HTTPException(400, "bad cursor") from None
    if moment.tzinfo is None:
        raise HTTPException(400, "bad cursor")
    return moment
