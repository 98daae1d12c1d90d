"""`/system/settings` and `/system/queue`: for who operates the server. Source: docs/contract/native.md, 17 and 19."""

from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends
from pydantic import BaseModel, ConfigDict, Field, RootModel

from app.api.native.auth import administrator
from app.api.native.bodies import Body
from app.api.native.paging import DEFAULT_LIMIT, Limit
from app.api.native.routing import native_router
from app.api.native.times import Time
from app.core import messages, system
from app.core.errors import Conflict, Fault, FieldFault, Invalid
from app.core.jobs import DrainQueue
from app.dependencies import Read, RuntimeDep
from app.settings import Given, described

router = native_router("/system", "System")
router.dependencies.append(Depends(administrator))
MAX_MEMBERS = 200


class SettingOut(BaseModel):
    """A setting: what holds, and where it comes from."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "delivery.route",
                    "variable": "TRIREME_DELIVERY_ROUTE",
                    "value": "mx",
                    "default": "sandbox",
                    "source": "environment",
                    "secret": False,
                }
            ]
        }
    )

    name: str
    variable: str
    value: Any
    default: Any
    source: Annotated[str, Field(description="environment, file, default, or program.")]
    secret: bool


class SettingsOut(BaseModel):
    """All settings."""

    data: list[SettingOut]


class SettingsPatch(RootModel[Annotated[dict[str, Any], Field(max_length=MAX_MEMBERS)]]):
    """Settings by name."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"limits.native_per_second": 100}]})


class DestinationOut(BaseModel):
    """What waits for one domain."""

    domain: str
    depth: int
    queued: int
    deferred: int
    oldest_accepted_at: Time
    next_attempt_at: Time


class QueueOut(BaseModel):
    """The delivery queue: copies by state, the oldest one, and the domains with the most."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "states": {"queued": 3, "deferred": 9, "sending": 1},
                    "oldest_accepted_at": "2026-01-05T09:00:00.000Z",
                    "data": [
                        {
                            "domain": "example.org",
                            "depth": 12,
                            "queued": 3,
                            "deferred": 9,
                            "oldest_accepted_at": "2026-01-05T09:00:00.000Z",
                            "next_attempt_at": "2026-01-05T09:05:00.000Z",
                        }
                    ],
                }
            ]
        }
    )

    states: dict[str, int]
    oldest_accepted_at: Time | None
    data: list[DestinationOut]


class FlushIn(Body):
    """Which deferred mail is to be tried now; without a domain all."""

    domain: Annotated[str, Field(min_length=1, max_length=253)] | None = None


class FlushOut(BaseModel):
    """How many copies became due."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"flushed": 9}]})

    flushed: int


@router.get("/settings")
async def show_settings(runtime: RuntimeDep) -> SettingsOut:
    """Show the settings of the process that answers, and where each value comes from."""
    return SettingsOut(data=[_out(one) for one in described(runtime.settings)])


@router.patch("/settings")
async def change_settings(body: SettingsPatch, runtime: RuntimeDep) -> SettingsOut:
    """Show the settings if they have these values; settings are changed where they are given (docs/decisions/0014).

    Raises:
        Invalid: A name that is no setting.
        Conflict: A value that another one holds for; the text says where to change it.
    """
    known = {one.name: one for one in described(runtime.settings)}
    unknown = [FieldFault(name[:100], Fault.UNKNOWN, "is not a setting") for name in body.root if name not in known]
    if unknown:
        raise Invalid(unknown)
    others = [
        known[name] for name, value in body.root.items() if known[name].secret or _plain(known[name].value) != value
    ]
    if others:
        places = ", ".join(f"{one.name} ({one.variable})" for one in others)
        raise Conflict(
            "settings are read once by each process, from its environment and its configuration file; change them "
            f"there and start it again: {places}"
        )
    return SettingsOut(data=[_out(one) for one in known.values()])


@router.get("/queue")
async def queue(read: Read, runtime: RuntimeDep, limit: Limit = DEFAULT_LIMIT) -> QueueOut:
    """Show how much waits, and for which domains the most."""
    found = await system.destinations(read, limit)
    return QueueOut(
        states=await system.queue_depth(runtime.engine) or {},
        oldest_accepted_at=found[0].oldest_at if found else None,
        data=[
            DestinationOut(
                domain=one.domain,
                depth=one.queued + one.deferred,
                queued=one.queued,
                deferred=one.deferred,
                oldest_accepted_at=one.oldest_accepted_at,
                next_attempt_at=one.next_attempt_at,
            )
            for one in found
        ],
    )


@router.post("/queue/flush")
async def flush(runtime: RuntimeDep, body: FlushIn | None = None) -> FlushOut:
    """Try deferred mail now: that of a domain, or all. Limits of destinations hold as ever."""
    domain = body.domain.strip().lower() if body and body.domain else None
    flushed = await messages.flush_deferred(runtime.engine, domain)
    if flushed:
        runtime.queue.publish([DrainQueue()])
    return FlushOut(flushed=flushed)


def _out(one: Given) -> SettingOut:
    return SettingOut(
        name=one.name,
        variable=one.variable,
        value=_plain(one.value),
        default=_plain(one.default),
        source=one.source,
        secret=one.secret,
    )


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value
