"""`/api-keys`: the keys of an account. Source: docs/contract/native.md, 3."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import HTTPException, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.native.auth import Reader, Writer
from app.api.native.bodies import Body
from app.api.native.ids import Id, uuid_of
from app.api.native.paging import DEFAULT_LIMIT, Counted, Cursor, Limit, Page, cursor_of, page_of, values_of
from app.api.native.routing import native_router
from app.api.native.times import Moment, Time
from app.core import accounts
from app.core.accounts import ApiKey, Caller, Role, Scope
from app.core.errors import Conflict, Fault, FieldFault, Forbidden, Invalid
from app.dependencies import Read, Runtime, RuntimeDep, Write

MAX_NAME = 200
EXAMPLE: dict[str, Any] = {
    "id": "018f5c0e-7a3b-7c11-9d2e-3f4a5b6c7d8e",
    "name": "shop backend",
    "prefix": "9f31c2",
    "scopes": ["send"],
    "primary": False,
    "last_used_at": None,
    "expires_at": None,
    "created_at": "2026-01-05T09:00:00.000Z",
}
router = native_router("/api-keys", "API keys")
_Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]


class ApiKeyOut(BaseModel):
    """A key, without what it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    id: UUID
    name: str
    prefix: str
    scopes: list[Scope]
    primary: bool
    last_used_at: Time | None
    expires_at: Time | None
    created_at: Time


class NewApiKeyOut(ApiKeyOut):
    """A key that was just made, with what it is: nobody can show it again."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE | {"key": "9f31c2d4e5f60718293a4b5c6d7e8f90"}]})

    key: str


class ApiKeyIn(Body):
    """A key to be made."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "shop backend", "scopes": ["send"]}]})

    name: _Name
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))]
    expires_at: Moment | None = None


class ApiKeyPatch(Body):
    """What can change of a key."""

    name: _Name = ""


def _members(row: ApiKey) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "prefix": row.prefix,
        "scopes": row.scopes,
        "primary": row.is_primary,
        "last_used_at": row.last_used_at,
        "expires_at": row.expires_at,
        "created_at": row.created_at,
    }


@router.get("")
async def list_keys(
    caller: Reader, read: Read, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = "", *, count: Counted = False
) -> Page[ApiKeyOut]:
    """List the keys that are in force or have expired, by creation; revoked ones are gone."""
    rows = await accounts.list_keys(read, caller.account_id)
    behind = _key_behind(cursor)
    found = [row for row in rows if behind is None or row.id > behind][: limit + 1]
    total = len(rows) if count else None
    page = page_of(found, limit, lambda row: cursor_of([str(row.id)]), _members, total)
    return Page[ApiKeyOut].model_validate(page)


@router.post("", status_code=201)
async def make_key(
    body: ApiKeyIn, caller: Writer, write: Write, runtime: RuntimeDep, response: Response
) -> NewApiKeyOut:
    """Make a key. The answer alone shows it; only its digest is kept."""
    _check(body, caller, runtime)
    scopes = [scope for scope in Scope if scope in body.scopes]
    row, key = await accounts.add_key(
        write, caller.account_id, name=body.name, scopes=scopes, expires_at=body.expires_at
    )
    await write.refresh(row)
    runtime.keys.forget(caller.account_id)
    response.headers["Location"] = f"/api/trireme/v1/api-keys/{row.id}"
    return NewApiKeyOut.model_validate({**_members(row), "key": key})


@router.get("/{key_id}")
async def show_key(key_id: Id, caller: Reader, read: Read) -> ApiKeyOut:
    """Show a key, without what it is."""
    return ApiKeyOut.model_validate(_members(await accounts.get_key(read, caller.account_id, uuid_of(key_id))))


@router.patch("/{key_id}")
async def rename_key(key_id: Id, body: ApiKeyPatch, caller: Writer, write: Write) -> ApiKeyOut:
    """Give a key another name."""
    row = await accounts.get_key(write, caller.account_id, uuid_of(key_id))
    if "name" in body.model_fields_set:
        await accounts.rename_key(write, row, body.name)
    return ApiKeyOut.model_validate(_members(row))


@router.delete("/{key_id}", status_code=204)
async def revoke_key(key_id: Id, caller: Writer, write: Write, runtime: RuntimeDep) -> None:
    """Revoke a key at once; the primary key is replaced instead (`/accounts/{id}/rotate-key`).

    Raises:
        Conflict: It is the primary key.
    """
    row = await accounts.get_key(write, caller.account_id, uuid_of(key_id))
    if row.is_primary:
        raise Conflict("the primary key is not revoked but replaced")
    await accounts.revoke_key(write, caller.account_id, row.id)
    runtime.keys.forget(caller.account_id)


def _check(body: ApiKeyIn, caller: Caller, runtime: Runtime) -> None:
    """See that a key opens no more than its account and its maker may.

    Raises:
        Invalid: A scope that the account cannot have, or a time that is over.
        Forbidden: A scope that the caller's own key does not have.
    """
    faults = []
    if Scope.ADMIN in body.scopes and caller.role is not Role.ADMIN:
        faults.append(FieldFault("scopes", Fault.INVALID, "admin is for keys of administrators"))
    if body.expires_at is not None and body.expires_at <= runtime.clock.now():
        faults.append(FieldFault("expires_at", Fault.OUT_OF_RANGE, "is over already"))
    if faults:
        raise Invalid(faults)
    if not all(caller.may(scope) for scope in body.scopes):
        raise Forbidden("a key makes no keys that open more than itself")


def _key_behind(cursor: str) -> UUID | None:
    values = values_of(cursor)
    if values is None:
        return None
    try:
        return UUID(values[0])
    except (ValueError, TypeError, AttributeError):
        raise HTTPException(400, "bad cursor") from None
