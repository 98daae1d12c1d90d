"""`/account`: the account that a request acts for. Source: docs/contract/native.md, 2."""

from app.api.native.account_bodies import AccountOut, AccountPatch
from app.api.native.accounts import changed, seen
from app.api.native.auth import Reader, Writer
from app.api.native.routing import native_router
from app.core import accounts
from app.dependencies import Read, RuntimeDep, Write

router = native_router("/account", "Accounts")


@router.get("")
async def own_account(caller: Reader, read: Read, runtime: RuntimeDep) -> AccountOut:
    """Show the account itself."""
    return await seen(read, runtime, caller, await accounts.get(read, caller, caller.account_id))


@router.patch("")
async def change_own_account(body: AccountPatch, caller: Writer, write: Write, runtime: RuntimeDep) -> AccountOut:
    """Change the account itself; `role`, `monthly_cap` and `status` are for those above it."""
    return await changed(write, runtime, caller, await accounts.get(write, caller, caller.account_id), body)
