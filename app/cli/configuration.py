"""The settings of a part, or sentences about what is wrong with them. Imports `app.settings`."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from app.settings import Settings, as_environment, environment


class NotConfigured(Exception):
    """The settings are incomplete or not valid; the text names each one."""


def load(values: Mapping[str, object] | None = None) -> Settings:
    """Return the settings from the environment and the file TRIREME_CONFIG names.

    Args:
        values: By logical name (`api.port`); they win over both.

    Raises:
        NotConfigured: With a line for each setting that is missing or not valid.
    """
    nested: dict[str, Any] = {}
    for name, value in (values or {}).items():
        group, _, key = name.rpartition(".")
        (nested.setdefault(group, {}) if group else nested)[key] = value
    try:
        return Settings(**nested)
    except ValidationError as error:
        raise NotConfigured(_sentences(error)) from None
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise NotConfigured(f"the file TRIREME_CONFIG names cannot be read: {error}") from None


def is_given(name: str) -> bool:
    """Tell whether the environment or the file sets that logical name."""
    found = environment()
    if next(iter(as_environment({name: ""}))) in found:
        return True
    path = found.get("TRIREME_CONFIG")
    if not path or not Path(path).is_file():
        return False
    value: Any = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    for part in name.split("."):
        if not isinstance(value, dict) or part not in value:
            return False
        value = value[part]
    return True


def _sentences(error: ValidationError) -> str:
    lines = ["The settings are not complete:"]
    for fault in error.errors(include_url=False, include_input=False):
        name = ".".join(str(part) for part in fault["loc"])
        variable = next(iter(as_environment({name: ""})))
        said = "is missing" if fault["type"] == "missing" else fault["msg"]
        lines.append(f"  {name} ({variable}): {said}")
    return "\n".join(lines)
