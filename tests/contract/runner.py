"""Plays a vector step by step and holds every answer against `expect`, as the head of vectors.yaml defines it."""

import asyncio
import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.contract.documents import Step
from tests.contract.fixtures import World
from tests.contract.stage import Scene
from tests.contract.wire import Answer, Connection

_PATH_PART = re.compile(r'\.([\w-]+)|\["([^"]*)"\]|\[(\d+)\]')
_TYPES: Mapping[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "boolean": (bool,),
    "list": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_REQUEST = {"line", "headers", "body", "crlf"}
_STEP = {"request", "expect", "capture", "wait_seconds"}


class Missing(Exception):
    """A path leads nowhere."""


def find(tree: object, path: str) -> Any:
    """Return what stands at a path like `$.data[0]["any name"]`.

    Raises:
        Missing: Nothing does.
    """
    assert path.startswith("$"), path
    at, found = 1, tree
    while at < len(path):
        part = _PATH_PART.match(path, at)
        assert part, f"not a path: {path}"
        at = part.end()
        name, index = part[1] or part[2], part[3]
        try:
            found = found[int(index)] if index and isinstance(found, list) else found[name]  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            raise Missing(path) from None
    return found


def type_name(value: object) -> str:
    """Return the narrowest of the names of `types`."""
    return next(name for name, kinds in _TYPES.items() if type(value) in kinds)


def same(left: object, right: object) -> bool:
    """Tell whether two trees are equal, types included; the order of members does not count."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


def parse(body: bytes) -> Any:
    """Return JSON as a tree; a member given twice is an error."""

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        assert len(made) == len(pairs), f"a member came twice: {[name for name, _ in pairs]}"
        return made

    return json.loads(body, object_pairs_hook=members)


class Expectation:
    """What one answer is held against; its variables are replaced already."""

    def __init__(self, expect: Mapping[str, Any]) -> None:
        self._checks: dict[str, Callable[[Answer, Any], None]] = {
            "status": self._status,
            "headers": self._headers,
            "body": lambda answer, text: _equal(answer.body, text.encode(), "body"),
            "body_prefix": lambda answer, text: _equal(answer.body[: len(text.encode())], text.encode(), "body"),
            "body_contains": self._contains,
            "body_empty": lambda answer, empty: _equal(answer.body == b"", empty, "empty body"),
            "json": self._each(same),
            "keys": self._each(
                lambda found, names: type(found) is dict and list(found) == [str(name) for name in names]
            ),
            "length": self._each(lambda found, length: type(found) in {list, dict} and len(found) == length),
            "types": self._each(lambda found, name: type(found) in _TYPES[name]),
            "matches": self._each(lambda found, regex: type(found) is str and bool(re.search(regex, found))),
            "absent": self._absent,
        }
        unknown = set(expect) - set(self._checks)
        assert not unknown, f"the runner knows nothing of {unknown}"
        self._expect = expect

    def check(self, answer: Answer) -> None:
        """Compare.

        Raises:
            AssertionError: Something differs; it says what, and shows the body.
        """
        for name, value in self._expect.items():
            try:
                self._checks[name](answer, value)
            except (AssertionError, Missing) as error:
                raise AssertionError(f"{name}: {error}\nstatus {answer.status}: {answer.body[:3000]!r}") from None

    @staticmethod
    def _status(answer: Answer, status: int) -> None:
        _equal(answer.status, status, "status")

    @staticmethod
    def _headers(answer: Answer, headers: Mapping[str, str]) -> None:
        for name, regex in headers.items():
            assert re.search(regex, answer.headers.get(name.lower(), "")), f"{name} is {answer.headers}"

    @staticmethod
    def _contains(answer: Answer, texts: Iterable[str]) -> None:
        for text in texts:
            assert text.encode() in answer.body, f"no {text!r}"

    @staticmethod
    def _absent(answer: Answer, paths: Iterable[str]) -> None:
        for path in paths:
            try:
                found = find(parse(answer.body), path)
            except Missing:
                continue
            raise AssertionError(f"{path} is {found!r}")

    @staticmethod
    def _each(holds: Callable[[Any, Any], bool]) -> Callable[[Answer, Any], None]:
        def check(answer: Answer, expected: Mapping[str, Any]) -> None:
            tree = parse(answer.body)
            for path, value in expected.items():
                found = find(tree, path)
                assert holds(found, value), f"{path} is {found!r}, expected {value!r}"

        return check


def _equal(found: object, expected: object, what: str) -> None:
    assert found == expected, f"{what} is {found!r}, expected {expected!r}"


async def play(scene: Scene, steps: Iterable[Step]) -> None:
    """Send the steps in order over one connection.

    Raises:
        AssertionError: An answer is not as expected; it names the step.
    """
    captured: dict[str, str] = {}
    async with scene.connection() as connection:
        for number, step in enumerate(steps, 1):
            strange = (set(step.content) - _STEP) | (set(step.content["request"]) - _REQUEST)
            assert not strange, f"the runner knows nothing of {strange}"
            answer = await _ask(connection, scene.world, step, captured)
            expect: Any = scene.world.tree(step.content["expect"], captured)
            try:
                Expectation(expect).check(answer)
            except AssertionError as error:
                raise AssertionError(f"step {number}, {step.method} {step.target}: {error}") from None
            for name, path in step.content.get("capture", {}).items():
                captured[name] = str(find(parse(answer.body), path))
            await asyncio.sleep(step.content.get("wait_seconds", 0))


async def _ask(connection: Connection, world: World, step: Step, captured: Mapping[str, str]) -> Answer:
    request = step.content["request"]
    headers = {name: world.text(str(value), captured) for name, value in request.get("headers", {}).items()}
    body: str | None = request.get("body")
    if body is not None:
        body = world.text(body.replace("\n", "\r\n") if request.get("crlf") else body, captured)
    target = world.text(step.target, captured)
    return await connection.ask(step.method, target, headers, None if body is None else body.encode())
