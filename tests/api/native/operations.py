"""The operations of an API, as its description has them: what a test of all of them goes through."""

from functools import cache
from typing import Any

from fastapi import APIRouter, FastAPI

from app.api.native.router import router

METHODS = ("get", "post", "put", "patch", "delete")


def described(router: APIRouter) -> dict[str, Any]:
    """The OpenAPI document of a router alone."""
    app = FastAPI(title="one family", telemetry={"tracing": False, "metrics": False, "logs": False})
    app.include_router(router)
    document: dict[str, Any] = app.openapi()
    return document


@cache
def native_document() -> dict[str, Any]:
    """The OpenAPI document of the native API."""
    return described(router)


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """`METHOD /path` and what the document says of it; parameters of the path item are with it."""
    found = {}
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                found[f"{method.upper()} {path}"] = item[method]
    return found
