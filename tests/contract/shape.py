"""An answer as a tree of named nodes, the same for JSON, XML and HTML, and what endpoints.yaml says about it.

Source: docs/contract/dyn-email.md, 19; docs/contract/dyn-metrics.md, 8.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.contract.runner import parse

SINGULAR = {
    "accounts": "account", "senders": "sender", "recipients": "recipient", "suppressions": "suppression",
    "bounces": "bounce", "complaints": "complaint", "opens": "open", "clicks": "click", "sent": "email",
    "delivered": "email", "issue": "item", "emails": "email", "blocked-emails": "blocked-email", "counts": "count",
    "categories": "category", "reasons": "reason",
}  # fmt: skip
"""What the members of a list are called in XML and HTML, by its key; in Dyn Metrics by the last part of the path."""
FIVE = ["processing_time", "resp_time", "data", "api_host", "recv_time"]


@dataclass(frozen=True, slots=True)
class Node:
    """A part of an answer."""

    name: str
    text: str = ""
    children: tuple["Node", ...] = ()

    @property
    def names(self) -> list[str]:
        return [child.name for child in self.children]

    def at(self, path: str) -> "Node":
        """Return what stands below, as `data.accounts`."""
        node = self
        for name in path.split("."):
            found = [child for child in node.children if child.name == name]
            assert len(found) == 1, f"{name} in {node.names}"
            node = found[0]
        return node


def tree(body: bytes, format_: str) -> Node:
    """Return the answer without what only its dress needs: `response` is the root."""
    if format_ == "xml":
        assert body.startswith(b'<?xml version="1.0" encoding="UTF-8"?><response>')
        return _xml(ET.fromstring(body))  # noqa: S314 our own
    if format_ == "html":
        # The page as a whole is HTML, the list in it well-formed.
        (root,) = _html(ET.fromstring(body[body.index(b"<dl>") : body.rindex(b"</dl>") + 5]))  # noqa: S314 our own
        return root
    parsed = parse(body)
    return _json("response", parsed["response"] if list(parsed) == ["response"] else parsed)


def _json(name: str, value: Any) -> Node:
    match value:
        case dict():
            return Node(name, "", tuple(_json(key, member) for key, member in value.items()))
        case list():
            return Node(name, "", tuple(_json("", member) for member in value))
        case None:
            return Node(name)
        case bool():
            return Node(name, str(value).lower())
        case _:
            return Node(name, str(value))


def _xml(element: ET.Element) -> Node:
    name = element.get("name") or element.get("id") or element.tag
    is_record = element.tag == "record"
    assert is_record is ("name" in element.attrib)
    assert not is_record or not re.fullmatch("[a-z_][a-z0-9_]*", name), f"{name} can be an element"
    return Node(name, element.text or "", tuple(_xml(child) for child in element))


def _html(listing: ET.Element) -> list[Node]:
    pairs = zip(listing.findall("dt"), listing.findall("dd"), strict=True)
    return [
        Node(dt.text or "", dd.text or "", tuple(node for inner in dd.findall("dl") for node in _html(inner)))
        for dt, dd in pairs
    ]


def check_names(found: Sequence[str], documented: Sequence[str]) -> None:
    """Compare names and their order; `X-*` stands for any number of X-headers, `<...>` for a part known at run time."""
    pattern = "".join(r"(X-[^\n]+\n)*" if name == "X-*" else _name(name) + r"\n" for name in documented)
    text = "".join(f"{name}\n" for name in found)
    assert re.fullmatch(pattern, text), f"{found}, documented are {documented}"


def _name(documented: str) -> str:
    return "".join(
        r"[^\n.][^\n]*" if part.startswith("<") else re.escape(part) for part in re.split("(<[^>]*>)", documented)
    )


def check_answer(answer: Node, response: Mapping[str, Any], path: str, *, bare: bool) -> None:
    """Compare with `response` of an entry.

    Args:
        answer: The whole.
        response: Of the entry; for other forms of the answer with other members.
        path: Of the entry.
        bare: Whether the answer is the data alone.
    """
    if bare:
        data = answer
    else:
        check_names(answer.names, response.get("top", FIVE))
        data = answer.at("data")
    member = SINGULAR.get(path.rpartition("/")[2], "")
    if "data_text" in response:
        assert data == Node("data", response["data_text"])
    elif response.get("data") == []:
        assert data == Node("data")
    elif "data" in response:
        check_names(data.names, response["data"])
    if "values" in response:
        assert [value.text for value in data.children] == response["values"]
        assert {value.name for value in data.children} <= {"", member}
    elif "keyed_by" in response:
        assert data.children, "no series"
        for series in data.children:
            assert series.name.isdecimal()
            _check_items(series.children, response["item"], "point")
    elif "items" in response:
        _, _, key = response["items"].partition("data.")
        _check_items((data.at(key) if key else data).children, response["item"], SINGULAR[key] if key else member)


def _check_items(items: Sequence[Node], documented: Sequence[str], name: str) -> None:
    assert items, "an empty list shows nothing"
    for item in items:
        assert item.name in {"", name}, f"{item.name} in place of {name}"
        check_names(item.names, documented)
