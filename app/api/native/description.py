"""What stands at the root of the listener: `/openapi.json`, `/docs`, and the dashboard's place.

The description covers all families: FastAPI's own for its endpoints, and what `app.api.families` adds for those
that are plain ASGI routes. The page's scripts and styles come with the product; nothing is loaded from elsewhere.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from app.api.native import problems
from app.api.native.examples import add_examples

ASSETS = "/docs/assets"


def include(app: FastAPI, extra_paths: Mapping[str, dict[str, Any]]) -> None:
    """Add the description and the root to the main listener.

    Args:
        app: Of the main listener, with all families in it.
        extra_paths: OpenAPI path items of plain routes, by path.
    """

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title, version=app.version, summary=app.summary, routes=app.routes, openapi_version="3.1.0"
            )
            for path, item in extra_paths.items():
                schema.setdefault("paths", {}).setdefault(path, {}).update(item)
            add_examples(schema)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]  # FastAPI's documented way to extend it
    app.mount(ASSETS, StaticFiles(directory=_assets()), name="docs-assets")
    app.add_route("/docs", _docs, include_in_schema=False)
    app.add_route("/", _to_dashboard, include_in_schema=False)
    app.add_route("/app", _dashboard, include_in_schema=False)
    app.add_route("/app/{rest:path}", _dashboard, include_in_schema=False)


async def _docs(request: Request) -> Response:
    root = request.scope.get("root_path", "")
    return get_swagger_ui_html(
        openapi_url=f"{root}/openapi.json",
        title="Trireme: API",
        swagger_js_url=f"{root}{ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{root}{ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{root}{ASSETS}/favicon.png",
    )


async def _to_dashboard(request: Request) -> Response:
    return RedirectResponse(f"{request.scope.get('root_path', '')}/app", 307)


async def _dashboard(request: Request) -> Response:
    del request
    return problems.answer(problems.NOT_THERE_YET, "the dashboard is not part of this version")


def _assets() -> Path:
    spec = find_spec("fastapi_offline")
    if spec is None or spec.origin is None:
        raise RuntimeError("the package fastapi-offline is not installed")
    return Path(spec.origin).parent / "static"
