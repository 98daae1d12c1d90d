"""Who owns a URL: the families, their routers and the words of their errors.

The only place that knows all families. May import each family's router and errors.

Source: docs/contract/README.md, "One listener, disjoint URL spaces".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from app.api.dyn import errors as dyn_errors
from app.api.dyn import router as dyn_router
from app.api.dyn.metrics import errors as metrics_errors
from app.api.dyn.metrics import router as metrics_router
from app.api.dyno import errors as dyno_errors
from app.api.dyno import router as dyno_router
from app.api.dynosend import errors as dynosend_errors
from app.api.dynosend import router as dynosend_router
from app.api.native import problems
from app.api.native import router as native_router


@dataclass(frozen=True, slots=True)
class Family:
    """One foreign API, or ours.

    Attributes:
        name: In log lines and figures.
        render: Turns an error into the family's own answer: an error of the core, one of Starlette or FastAPI, or
            anything else, which is a crash.
    """

    name: str
    render: Callable[[Request, Exception], Response]


DYN_EMAIL = Family("dyn-email", dyn_errors.render)
DYN_METRICS = Family("dyn-metrics", metrics_errors.render)
DYNO = Family("dyno", dyno_errors.render)
DYNOSEND = Family("dynosend", dynosend_errors.render)
NATIVE = Family("native", problems.render)
"""Also owns every URL that nobody else does."""

FAMILIES = (DYN_EMAIL, DYN_METRICS, DYNO, DYNOSEND, NATIVE)

_BY_FIRST_PART: Mapping[str, Family] = {
    "rest": DYN_EMAIL,
    "bounces": DYN_METRICS,
    "bounce": DYN_METRICS,
    "emails": DYN_METRICS,
    "email": DYN_METRICS,
    "blocked-emails": DYN_METRICS,
    "blocked-email": DYN_METRICS,
    "templates": DYNO,
    "lists": DYNO,
    "campaigns": DYNO,
    "campaign_process": DYNO,
    "transactions": DYNO,
}
_ALIASES: Mapping[str, Family] = {"/blocked/reasons": DYN_METRICS}

EXPRESS = dyn_router.EXPRESS
"""What goes past the frameworks, by method and exact path."""
OPENAPI_PATHS: Mapping[str, dict[str, Any]] = {**dyn_router.OPENAPI_PATHS, **dynosend_router.OPENAPI_PATHS}
"""Path items of the routes that FastAPI cannot describe, by path."""


def _included(*routers: APIRouter) -> list[BaseRoute]:
    """Return what routers add to an application, to be shared by all applications of the process.

    FastAPI reads the signatures of all their endpoints at the first request (some 0.3 s), and keeps that with these.
    """
    around = APIRouter()
    for router in routers:
        around.include_router(router)
    return around.routes


_DYNO = _included(dyno_router.router)
_MAIN = [*_included(dyn_router.router, metrics_router.router), *_DYNO, *_included(native_router.router)]


def family_of(path: str) -> Family:
    """Return who owns a URL, whether or not there is anything at it.

    Args:
        path: Of the request, with its leading slash.
    """
    if path == dynosend_router.PREFIX or path.startswith(f"{dynosend_router.PREFIX}/"):
        return DYNOSEND
    first = path[1:].partition("/")[0]
    return _BY_FIRST_PART.get(first) or _ALIASES.get(path.rstrip("/")) or NATIVE


def include(app: FastAPI) -> None:
    """Add every family to the application of the main listener, the hottest route first."""
    app.router.routes.extend((*dyn_router.ROUTES, *dynosend_router.ROUTES, *_MAIN))


def include_dyno(app: FastAPI) -> None:
    """Add Dyno alone to the application of the Dyno listener, where every URL is Dyno's."""
    app.state.family = DYNO
    app.router.routes.extend(_DYNO)
