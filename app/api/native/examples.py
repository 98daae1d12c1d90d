"""Examples of bodies and answers, added to the description where their models have none of their own.

They stand in `examples.json`, by the name of the model, with its module before it where two have one name. An example
of a page is made of that of its objects. Source: docs/contract/native.md.
"""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from pydantic import BaseModel

_REF = "#/components/schemas/"


def add_examples(document: dict[str, Any]) -> None:
    """Add examples to the schemas of an OpenAPI document.

    Args:
        document: As FastAPI makes it; changed in place.
    """
    known = json.loads(files(__package__).joinpath("examples.json").read_text(encoding="utf-8"))
    schemas = document.get("components", {}).get("schemas", {})
    own = _examples_of_models(BaseModel)  # FastAPI leaves the members out that are null
    for name, schema in schemas.items():
        example = _of(name, known)
        if example is not None:  # also over one that its model has from its base
            schema["examples"] = [example]
        elif name in own:
            schema["examples"] = own[name]
    for schema in schemas.values():
        items = schema.get("properties", {}).get("data", {}).get("items", {}).get("$ref")
        if items and "examples" not in schema:
            shown = schemas[items.removeprefix(_REF)].get("examples")
            if shown:
                page = {"next_cursor": None, "has_more": False} if "has_more" in schema["properties"] else {}
                schema["examples"] = [{"data": [shown[0]], **page}]


def _examples_of_models(base: type[BaseModel]) -> dict[str, Any]:
    """Return the examples that models of this API have, by the names their schemas may get."""
    found: dict[str, Any] = {}
    for model in base.__subclasses__():
        found |= _examples_of_models(model)
        extra = model.model_config.get("json_schema_extra")
        if model.__module__.startswith(__package__) and isinstance(extra, dict) and "examples" in extra:
            found[model.__name__] = found[f"{model.__module__}.{model.__name__}".replace(".", "__")] = extra["examples"]
    return found


def _of(name: str, known: Mapping[str, Any]) -> Any:
    """Return the example for a schema, whose name FastAPI may have put the module before."""
    own = name.rpartition("__")[2]
    if name in known or own in known:
        return known.get(name, known.get(own))
    return next((example for key, example in known.items() if "__" in key and name.endswith(f"__{key}")), None)
