"""The layout: front doors, from a URL to its file, errors in every table, a task for every job.

Source: docs/design.md, 2, 3 and 4. Import directions are import-linter's; this is what it can't say.
"""

import ast
import dataclasses
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import grimp
import pytest
from fastapi.routing import RouteContext, iter_route_contexts

from app.api.dyn import errors as dyn_errors
from app.api.dyn.metrics import errors as metrics_errors
from app.api.dyno import errors as dyno_errors
from app.api.dynosend import errors as dynosend_errors
from app.api.native import problems
from app.core import errors, jobs
from app.core.errors import CoreError
from app.main import create_app
from app.web import errors as web_errors
from tests.fixtures.bare import bare_settings

ROOT = Path(__file__).resolve().parents[2]
FRONT_DOOR_DEPTH = 3  # app.core.<noun>

PREFIXES = {"/rest/{type}/reports/": "app.api.dyn.reports.", "/rest/{type}/": "app.api.dyn.",
            "/api/v2/": "app.api.dynosend.", "/api/trireme/v1/": "app.api.native."}  # fmt: skip
METRICS = {"bounce", "bounces", "email", "emails", "blocked-email", "blocked-emails", "blocked"}
ALIASES = {"blocked": "blocked-emails", "xheaders": "accounts"}
"""Second spellings the contract accepts."""
ACTIONS = {"contacts": "contact_actions", "system": "operation"}
"""Where what is done to objects stands, beside the file of the objects."""
WEB = {"t": "tracking", "u": "unsubscribe", "w": "web_view", "p": "profile", "c": "confirm", "s": "sender"}
"""Links of recipients: a letter each, to be short in a mail."""
ROOT_PATHS = {"/", "/app", "/app/{rest:path}", "/docs", "/docs/assets", "/api/v2", "/api/v2/{rest:path}"}
"""What no single file answers."""


Kind = TypeVar("Kind")


def graph() -> grimp.ImportGraph:
    return grimp.build_graph("app", "workers", include_external_packages=False)


def children(kind: type[Kind]) -> Iterator[type[Kind]]:
    for child in kind.__subclasses__():
        yield child
        yield from children(child)


def test_a_core_package_is_entered_by_its_front_door() -> None:
    imports = graph()
    inside = [name for name in imports.modules if name.startswith("app.core.") and name.count(".") >= FRONT_DOOR_DEPTH]
    assert inside
    for module in inside:
        noun = ".".join(module.split(".")[:FRONT_DOOR_DEPTH])
        intruders = {
            importer
            for importer in imports.find_modules_that_directly_import(module)
            if importer != noun and not importer.startswith(f"{noun}.")
        }
        assert not intruders, f"{intruders} reach into {module}"


def modules_for(path: str) -> set[str]:
    """Return where the endpoint of a URL may stand: its first part, singular or plural.

    In the native API an object below another one may have a file by its own name, the last fixed part, or by both.
    """
    prefix, package = next(((p, m) for p, m in PREFIXES.items() if path.startswith(p)), ("/", ""))
    first = path.removeprefix(prefix).partition("/")[0]
    if not package and first in WEB:
        return {f"app.web.{WEB[first]}"}
    if not package:
        package = "app.api.dyn.metrics." if first in METRICS else "app.api.dyno."
    nouns = [ALIASES.get(first, first).replace("-", "_")]
    if package == "app.api.native.":
        fixed = [part.replace("-", "_") for part in path.removeprefix(prefix).split("/") if "{" not in part]
        nouns += [*fixed[1:], f"{nouns[0].removesuffix('s')}_{fixed[-1]}"]
        nouns += [ACTIONS[part] for part in fixed[:-1] if part in ACTIONS]
    return {f"{package}{form}" for noun in nouns for form in (noun, f"{noun}s", noun.removesuffix("s"))}


def routes(tmp_path: Path) -> list[RouteContext]:
    application = create_app(bare_settings(tmp_path))
    apps = (application.main_app, application.dyno_app, application.site.pages)
    return [route for app in apps for route in iter_route_contexts(app.routes) if route.path != "/openapi.json"]


def test_a_url_names_the_file_that_serves_it(tmp_path: Path) -> None:
    found = routes(tmp_path)
    assert found
    for route in found:
        assert route.path is not None
        if route.path in ROOT_PATHS:
            continue
        module = inspect.unwrap(route.endpoint).__module__ if route.endpoint else None
        assert module in modules_for(route.path), f"{route.path} is served by {module}"


def test_no_two_routes_take_the_same_method_and_url(tmp_path: Path) -> None:
    application = create_app(bare_settings(tmp_path))
    for app in (application.main_app, application.dyno_app, application.site.pages):
        seen: set[tuple[str, str]] = set()
        for route in iter_route_contexts(app.routes):
            for method in route.methods or ():
                assert (method, str(route.path)) not in seen, f"{method} {route.path} twice"
                seen.add((method, str(route.path)))


@pytest.mark.parametrize(
    "table",
    [
        dyn_errors.TABLE,
        metrics_errors.TABLE,
        dyno_errors.TABLE,
        dynosend_errors.TABLE,
        problems.TABLE,
        web_errors.TABLE,
    ],
)
def test_each_error_of_the_core_is_in_the_table_of_each_family(table: dict[type[CoreError], object]) -> None:
    raised = {kind for kind in children(CoreError) if kind.__module__ == errors.__name__}
    assert raised
    assert raised <= set(table)
    # A family may have errors of its own, which are kinds of the core's.
    assert not {kind for kind in set(table) - raised if not kind.__module__.startswith(("app.api.", "app.web."))}


def test_errors_of_the_core_stand_in_one_file() -> None:
    for name in sorted(name for name in graph().modules if name.startswith("app.core.")):
        for kind in vars(sys.modules[name]).values() if name in sys.modules else ():
            if isinstance(kind, type) and issubclass(kind, CoreError):
                assert kind.__module__ == errors.__name__, f"{kind} belongs into app/core/errors.py"


def tasks() -> Iterator[tuple[str, str, list[str]]]:
    """Yield module and function, given name, and arguments of each Celery task, as they are written."""
    for file in sorted((ROOT / "workers" / "tasks").glob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.FunctionDef):
                continue
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith(".task"):
                    named = {keyword.arg: ast.unparse(keyword.value).strip("'") for keyword in decorator.keywords}
                    yield f"{file.stem}.{node.name}", named.get("name", ""), [each.arg for each in node.args.args]


def test_each_job_has_a_task_of_its_name_with_its_arguments() -> None:
    written = {name: (place, arguments) for place, name, arguments in tasks()}
    asked = list(children(jobs.Job))
    assert asked
    for job in asked:
        assert job.name in written, f"no task {job.name} for {job.__name__}"
        assert written[job.name] == (job.name, [field.name for field in dataclasses.fields(job)])
    for name, (place, _) in written.items():
        assert name == place, f"task {name} stands in {place}"


def test_migrations_do_not_import_the_app() -> None:
    # A migration runs against tomorrow's code too, in which a model or function may be another.
    files = sorted((ROOT / "migrations" / "versions").glob("*.py"))
    assert files
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.split(".")[0] in {"app", "workers", "tests"}], file.name
