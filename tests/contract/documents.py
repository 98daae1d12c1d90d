"""The contract's two machine-readable files."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CONTRACT = Path(__file__).resolve().parents[2] / "docs" / "contract"
FAMILIES = ("dyn-email", "dyn-metrics", "dynosend", "dyno")


def _load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((CONTRACT / name).read_text(encoding="utf-8"))
    return loaded


def _pattern(template: str) -> re.Pattern[str]:
    """Return what the paths of a template look like; a slash at the end is part of them."""
    parts = re.split(r"(\{[^}]*\})", template)
    return re.compile("".join("[^/]+" if part.startswith("{") else re.escape(part) for part in parts) + "/?")


@dataclass(frozen=True, slots=True, eq=False)
class Endpoint:
    """An entry of endpoints.yaml."""

    id: str
    family: str
    methods: tuple[str, ...]
    """The documented one first."""
    paths: tuple[str, ...]
    """The documented one first, then its aliases."""
    entry: Mapping[str, Any]

    @property
    def reads(self) -> bool:
        """Whether it changes nothing."""
        return self.methods[0] == "GET"

    def takes(self, method: str, path: str) -> bool:
        methods = {*self.methods, "HEAD"} if self.reads else self.methods
        return method in methods and any(_pattern(own).fullmatch(path) for own in self.paths)


def _endpoint(entry: Mapping[str, Any]) -> Endpoint:
    return Endpoint(
        id=entry["id"],
        family=entry["family"],
        methods=(entry["method"], *entry.get("also", ())),
        paths=(entry["path"], *entry.get("aliases", ())),
        entry=entry,
    )


ENDPOINTS = [_endpoint(entry) for entry in _load("endpoints.yaml")["endpoints"] if entry["family"] in FAMILIES]
BY_ID = {endpoint.id: endpoint for endpoint in ENDPOINTS}


@dataclass(frozen=True, slots=True)
class Step:
    """One request of a vector with what is expected."""

    method: str
    target: str
    content: Mapping[str, Any]

    @property
    def endpoint(self) -> Endpoint | None:
        """What it is for; None when it goes astray on purpose."""
        path = self.target.partition("?")[0]
        return next((one for one in ENDPOINTS if one.takes(self.method, path)), None)


@dataclass(frozen=True, slots=True)
class Vector:
    """An entry of vectors.yaml."""

    id: str
    steps: Sequence[Step]
    effects: Sequence[str]
    settings: Mapping[str, Any]
    is_at_dyno: bool = False
    """Whether it is sent to the Dyno listener."""

    @property
    def reads(self) -> bool:
        """Whether it leaves everything as it was."""
        return not self.settings and all(step.endpoint is None or step.endpoint.reads for step in self.steps)


def _vector(entry: Mapping[str, Any]) -> Vector:
    strange = set(entry) - {"id", "title", "steps", "effects", "settings", "note", "port"}
    assert not strange, f"{entry['id']}: the runner knows nothing of {strange}"
    steps = []
    for step in entry["steps"]:
        method, _, target = step["request"]["line"].partition(" ")
        steps.append(Step(method, target, step))
    return Vector(entry["id"], steps, entry.get("effects", ()), entry.get("settings", {}), "port" in entry)


_VECTORS = _load("vectors.yaml")
FIXTURES: Mapping[str, Any] = _VECTORS["fixtures"]
SETTINGS: Mapping[str, Any] = _VECTORS["settings"]
VECTORS = [_vector(entry) for entry in _VECTORS["vectors"] if entry["id"].rpartition("-")[0] in FAMILIES]
