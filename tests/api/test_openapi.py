"""The description is OpenAPI 3.1, complete and true to the routes it describes."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from app.api.native.router import router
from app.main import create_app
from tests.fixtures.bare import bare_settings

NATIVE = "/api/trireme/v1/"
METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
STATUS = re.compile(r"[1-5](\d\d|XX)|default")
TOP = {"openapi", "info", "servers", "paths", "webhooks", "components", "security", "tags", "externalDocs"}
OPERATION = {
    "tags", "summary", "description", "externalDocs", "operationId", "parameters", "requestBody", "responses", "callbacks",
    "deprecated", "security", "servers",
}  # fmt: skip
PARAMETER = {
    "name", "in", "description", "required", "deprecated", "allowEmptyValue", "style", "explode", "allowReserved", "schema",
    "content", "example", "examples",
}  # fmt: skip
TYPES = {"null", "boolean", "object", "array", "number", "string", "integer"}
WITHOUT_EXAMPLE = {
    "SandboxMessageDetailOut", "SettingsOut", "WhyOut", "InsightsOut", "ContactEventOut", "PreviewOut", "RunOut",
    "Page_AuditEntryOut_", "Page_SandboxMessageOut_", "Page_PostbackDeliveryOut_", "Page_LinkOut_", "Page_RecipientOut_",
    "Page_ActivityOut_", "Page_RunOut_", "Page_WebhookDeliveryOut_",
}  # fmt: skip
"""Answers of which the contract shows no example, and lists of them."""


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    found: dict[str, Any] = create_app(bare_settings(tmp_path_factory.mktemp("bare"))).main_app.openapi()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield path, method, operation


def walk(value: Any) -> Iterator[dict[str, Any]]:
    """All objects in a JSON value but those in examples and constants."""
    if isinstance(value, dict):
        yield value
        for name, inner in value.items():
            if name not in {"examples", "example", "default", "const", "enum"}:
                yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)


def test_its_frame_is_openapi_3_1(document: dict[str, Any]) -> None:
    assert re.fullmatch(r"3\.1\.\d+", document["openapi"])
    assert document.keys() <= TOP
    assert {"title", "version"} <= document["info"].keys()
    assert all(path.startswith("/") for path in document["paths"])
    for item in document["paths"].values():
        assert item.keys() <= METHODS | {"summary", "description", "servers", "parameters", "$ref"}
    ids = [operation["operationId"] for _, _, operation in operations(document) if "operationId" in operation]
    assert len(ids) == len(set(ids))


def test_every_operation_is_well_formed(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        where = f"{method} {path}"
        assert operation.keys() <= OPERATION, where
        assert operation["responses"], where
        for status, response in operation["responses"].items():
            assert STATUS.fullmatch(str(status)), where
            assert "$ref" in response or response["description"], where
        if body := operation.get("requestBody"):
            assert body["content"], where
            assert all("/" in media for media in body["content"]), where
        parameters = operation.get("parameters", [])
        assert len({(one["name"], one["in"]) for one in parameters}) == len(parameters), where
        for one in parameters:
            assert one.keys() <= PARAMETER, where
            assert one["in"] in {"query", "header", "path", "cookie"}, where
            assert ("schema" in one) != ("content" in one), where
            assert one["in"] != "path" or one["required"] is True, where
        names = {one["name"] for one in parameters if one["in"] == "path"}
        assert names == set(re.findall(r"{([^}:]+)}", path)), where


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    references = {one["$ref"] for one in walk(document) if isinstance(one.get("$ref"), str)}
    assert references
    for reference in references:
        found: Any = document
        assert reference.startswith("#/")
        for part in reference[2:].split("/"):
            found = found[part.replace("~1", "/").replace("~0", "~")]
        assert isinstance(found, dict)


def test_schemas_are_json_schema(document: dict[str, Any]) -> None:
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in document["components"]["schemas"])
    for name, schema in document["components"]["schemas"].items():
        for part in walk(schema):
            if isinstance(part.get("type"), str) and "properties" not in part.get("type", ""):
                assert part["type"] in TYPES, name
            if isinstance(part.get("required"), list):
                assert len(set(part["required"])) == len(part["required"]), name
            for word in ("anyOf", "oneOf", "allOf"):
                assert word not in part or part[word], name
            assert "nullable" not in part, name  # a word of OpenAPI 3.0


def test_native_operations_are_described(document: dict[str, Any]) -> None:
    found = 0
    for path, method, operation in operations(document):
        if path.startswith(NATIVE):
            found += 1
            assert operation["summary"], (method, path)
            assert operation["description"], (method, path)
            assert len(operation["tags"]) == 1, (method, path)
    assert found > 100


def name_of(schema: dict[str, Any]) -> str | None:
    """The component that a schema is, or that one of its choices is."""
    references = [schema.get("$ref"), *(choice.get("$ref") for choice in schema.get("anyOf", []))]
    return next((one.rpartition("/")[2] for one in references if one), None)


def example_of(document: dict[str, Any], content: dict[str, Any]) -> Any:
    schema = content["schema"]
    component = document["components"]["schemas"].get(name_of(schema) or "", {})
    for place in (content, schema, component):
        if place.get("examples"):
            return place["examples"][0]
    return content.get("example")


def test_native_bodies_and_answers_have_examples(document: dict[str, Any]) -> None:
    lacking = set()
    for path, _, operation in operations(document):
        if not path.startswith(NATIVE):
            continue
        contents = [operation.get("requestBody", {}).get("content", {})]
        contents += [operation["responses"].get(status, {}).get("content", {}) for status in ("200", "201", "202")]
        for content in contents:
            if (json_ := content.get("application/json")) and example_of(document, json_) is None:
                lacking.add((name_of(json_["schema"]) or path).rpartition("__")[2])
    assert lacking <= WITHOUT_EXAMPLE


def native_routes() -> list[APIRoute]:
    found = []
    for included in router.routes:
        inner = getattr(included, "original_router", None)
        found += [route for route in (inner.routes if inner else [included]) if isinstance(route, APIRoute)]
    return found


def test_examples_are_of_their_models(document: dict[str, Any]) -> None:
    checked = 0
    for route in native_routes():
        operation = document["paths"][
            NATIVE.rstrip("/") + route.path.removeprefix(NATIVE.rstrip("/")).replace(":path}", "}")
        ]
        for method in route.methods or ():
            described = operation[method.lower()]
            models = [(route.response_model, described["responses"].get(str(route.status_code or 200), {}))]
            if route.body_field is not None:
                models.append((route.body_field.field_info.annotation, described.get("requestBody", {})))
            for model, place in models:
                content = place.get("content", {}).get("application/json")
                if model is None or content is None or (example := example_of(document, content)) is None:
                    continue
                TypeAdapter(model).validate_python(example)
                checked += 1
    assert checked > 100
