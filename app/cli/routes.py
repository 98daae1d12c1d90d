"""Every URL with its verbs and the place in the code that serves it. Imports `app.main`."""

import inspect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import app
from app.cli.configuration import load
from app.main import create_app

_ROOT = Path(app.__file__).parents[1]
_PLACEHOLDERS: dict[str, object] = {
    "public_url": "http://127.0.0.1",
    "secret_keys": "0" * 32,
    "bounce_domain": "bounces.localhost.test",
    "database_url": "postgresql+asyncpg://app@/app",
    "broker_url": "redis://127.0.0.1/0",
}


@dataclass(frozen=True, slots=True)
class Served:
    """One URL."""

    path: str
    verbs: str
    place: str
    """file:line of the function, relative to the checkout."""


def run() -> int:
    """Print the routes of both listeners; nothing is started and no setting is needed."""
    service = create_app(load(_PLACEHOLDERS))
    listeners = (
        ("Main listener", [*service.main_app.routes, *service.site.pages.routes]),
        ("Dyno listener", service.dyno_app.routes),
    )
    for title, routes in listeners:
        print(f"\n{title}")
        found = sorted(served(routes), key=lambda one: (one.path, one.verbs))
        width = max((len(one.path) for one in found), default=0)
        for one in found:
            print(f"  {one.verbs:<22} {one.path:<{width}}  {one.place}")
    return 0


def served(routes: Iterable[Any], prefix: str = "") -> Iterator[Served]:
    """Walk routes and the routers included among them.

    FastAPI 0.165 keeps an included router as a route of its own instead of copying what it holds.
    """
    for route in routes:
        if (inner := getattr(route, "original_router", None)) is not None:
            yield from served(inner.routes, prefix + route.include_context.prefix)
        else:
            verbs = ",".join(sorted(getattr(route, "methods", None) or ["*"]))
            yield Served(prefix + getattr(route, "path", ""), verbs, _place(getattr(route, "endpoint", route)))


def _place(endpoint: Any) -> str:
    code = getattr(inspect.unwrap(endpoint), "__code__", None)
    if code is None:
        return type(getattr(endpoint, "app", endpoint)).__name__
    path = Path(code.co_filename)
    shown = path.relative_to(_ROOT) if path.is_relative_to(_ROOT / "app") else Path(*path.parts[-2:])
    return f"{shown}:{code.co_firstlineno}"
