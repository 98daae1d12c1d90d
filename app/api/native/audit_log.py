"""`/audit-log`: who changed what. Source: docs/contract/native.md, 17."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict

from app.api.native.auth import Reader
from app.api.native.paging import DEFAULT_LIMIT, Cursor, Limit, Page, cursor_after, key_of, page_of
from app.api.native.routing import native_router
from app.api.native.times import Moment, Time
from app.core import accounts, changelog
from app.core.accounts import Role
from app.core.changelog import Entry, Search
from app.dependencies import Read
from app.kit import uids
from app.kit.uids import Noun

router = native_router("/audit-log", "System")


class ActorOut(BaseModel):
    """Who acted: an account through a key, or something that acts by itself."""

    name: str
    account_id: UUID | None
    key_id: UUID | None


class ObjectOut(BaseModel):
    """What was changed."""

    type: str
    id: str
    account_id: UUID | None


class AuditEntryOut(BaseModel):
    """One change."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0b6f3a4e-1c2d-8e3f-9a4b-5c6d7e8f9012",
                    "created_at": "2026-01-05T09:00:00.000Z",
                    "actor": {
                        "name": "master@example.com",
                        "account_id": "4d1b9220-5a43-11e6-ae4a-6e8264809144",
                        "key_id": "018f5c0e-7a3b-7c11-9d2e-3f4a5b6c7d8e",
                    },
                    "action": "changed",
                    "object": {
                        "type": "audience",
                        "id": "6c1f2a3b-4d5e-8f60-9172-8394a5b6c7d8",
                        "account_id": "4d1b9220-5a43-11e6-ae4a-6e8264809144",
                    },
                    "changes": {"name": ["Customers", "SaaS customers"], "settings": None},
                    "request_id": "0c5d7e8f90123456789abcdef0123456",
                }
            ]
        }
    )

    id: UUID
    created_at: Time
    actor: ActorOut
    action: str
    object: ObjectOut
    changes: dict[str, list[Any] | None]
    """By column: before and after; null where values are secret or long."""
    request_id: str | None


@router.get("")
async def audit_log(
    caller: Reader,
    read: Read,
    *,
    actor: Annotated[str, Query(max_length=320, description="User name, or UUID of an account or a key.")] = "",
    object_: Annotated[str, Query(alias="object", max_length=320, description="Type, id, or both as `type:id`.")] = "",
    start: Moment | None = None,
    end: Moment | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = "",
) -> Page[AuditEntryOut]:
    """List changes of the account and of those below it, the newest first; an administrator sees all."""
    whose = None if caller.role is Role.ADMIN else await accounts.scope_ids(read, caller)
    search = _search(actor.replace("\0", ""), object_.replace("\0", ""), start, end)
    found = await changelog.entries(read, whose, search, before_id=key_of(cursor), limit=limit + 1)
    page = page_of(found, limit, lambda entry: cursor_after(entry.row.id), _members)
    return Page[AuditEntryOut].model_validate(page)


def _search(actor: str, object_: str, start: Moment | None, end: Moment | None) -> Search:
    try:
        actor_id: UUID | None = UUID(actor) if actor else None
    except ValueError:
        actor_id = None
    type_, colon, id_ = object_.partition(":")
    if not colon and not type_.replace("_", "").isalpha():
        type_, id_ = "", object_
    return Search(
        actor="" if actor_id else actor,
        actor_id=actor_id,
        object_type=type_,
        object_id=id_,
        start=start,
        end=end,
    )


def _members(entry: Entry) -> dict[str, Any]:
    row = entry.row
    return {
        "id": uids.uuid(Noun.AUDIT_ENTRY, row.id),
        "created_at": row.occurred_at,
        "actor": {"name": row.actor, "account_id": entry.actor_account, "key_id": row.actor_key_id},
        "action": row.action,
        "object": {"type": row.object_type, "id": row.object_id, "account_id": entry.account},
        "changes": row.changes,
        "request_id": row.request_id or None,
    }
