"""`/system`: alive, ready, version, figures. Source: docs/contract/native.md, 17."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel
from starlette.requests import Request

from app import __version__
from app.api.native.auth import caller_of
from app.core import system
from app.core.errors import Forbidden
from app.core.system import Check
from app.dependencies import RuntimeDep
from app.models.account import Role
from app.models.api_key import Scope
from app.telemetry import counters
from app.telemetry.broker import broker_answers

router = APIRouter(prefix="/system", tags=["System"])


class HealthOut(BaseModel):
    """The process lives."""

    status: Literal["ok"] = "ok"


class ChecksOut(BaseModel):
    """Each part: `ok`, or what is the matter."""

    database: str
    queue: str
    storage: str


class ReadyOut(BaseModel):
    """Whether requests should be sent here."""

    status: Literal["ready", "unready"]
    checks: ChecksOut


class VersionOut(BaseModel):
    """What runs here."""

    name: Literal["trireme"] = "trireme"
    version: str = __version__
    api: Literal["v1"] = "v1"


@router.get("/health")
async def health() -> HealthOut:
    """Tell that the process lives."""
    return HealthOut()


@router.get("/ready", responses={503: {"model": ReadyOut, "description": "A part that acceptance needs is not there"}})
async def ready(runtime: RuntimeDep, response: Response) -> ReadyOut:
    """Tell whether this process can do its work.

    A queue that is `down` is shown and does not make the process unready: Valkey carries nudges only, mail is accepted
    and delivered without it, and taking every API process out of service for it would turn a delay into an outage.
    """
    settings = runtime.settings
    database, queue, storage = await asyncio.gather(
        system.database_check(runtime.engine, runtime.clock.now()),
        broker_answers(settings.broker_url),
        system.storage_check(settings.data_dir),
    )
    fit = database is Check.OK and storage is Check.OK
    response.status_code = 200 if fit else 503
    checks = ChecksOut(database=database, queue=Check.OK if queue else Check.DOWN, storage=storage)
    return ReadyOut(status="ready" if fit else "unready", checks=checks)


@router.get("/version")
async def version() -> VersionOut:
    """Tell what runs here."""
    return VersionOut()


async def _may_see_figures(request: Request, runtime: RuntimeDep) -> None:
    if runtime.settings.system.open_metrics:
        return
    caller = await caller_of(request, runtime)
    if caller.role != Role.ADMIN or not caller.may(Scope.ADMIN):
        raise Forbidden("the figures are for administrators")


@router.get("/metrics", response_class=Response, responses={200: {"content": {counters.CONTENT_TYPE: {}}}})
async def metrics(runtime: RuntimeDep, _: Annotated[None, Depends(_may_see_figures)]) -> Response:
    """Return the figures of all processes of this machine in the Prometheus text format.

    The depth of the queue and the jobs are left out when PostgreSQL can't be asked; the other figures do not need it.
    """
    depth, jobs = await asyncio.gather(system.queue_depth(runtime.engine), system.jobs_by_status(runtime.engine))
    body = await asyncio.to_thread(counters.render, depth, jobs)
    return Response(body, media_type=counters.CONTENT_TYPE)
