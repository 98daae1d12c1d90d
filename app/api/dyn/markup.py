"""The tree of an answer as XML or HTML.

A tree is made of dicts, lists, texts, numbers, booleans, None, and `Element` where a name or attributes are not those
of the rules. Imports the standard library only.

Source: docs/contract/dyn-email.md, section 19; docs/contract/dyn-metrics.md, section 8.
"""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass

_ELEMENT_NAME = re.compile(r"[a-z_][a-z0-9_]*\Z")
# What XML 1.0, section 2.2, does not allow in a document, not even as a reference.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_ATTRIBUTE = _TEXT | str.maketrans({'"': "&quot;", "\n": "&#10;", "\t": "&#9;"})
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title></head>
<body>
{body}
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Element:
    """A part of the tree with a name of its own.

    Attributes:
        name: Written as it is; must be a legal element name.
        value: Any tree.
        attributes: Names and values.
    """

    name: str
    value: object
    attributes: tuple[tuple[str, str], ...] = ()


def xml_document(root: Element, items: Mapping[str, str]) -> bytes:
    """Return a tree as an XML document in UTF-8.

    Keys of dicts become elements; a key that is not made of lower-case letters, digits and `_` alone becomes
    `<record name="KEY">`. None, empty lists and empty dicts become empty elements. Characters that XML does not allow
    are left out.

    Args:
        root: The whole answer.
        items: Key of a list to the element name of its members; `item` for keys that are not there.
    """
    out = ['<?xml version="1.0" encoding="UTF-8"?>']
    _write_xml(out, root, items)
    return "".join(out).encode()


def html_page(title: str, root: Element, items: Mapping[str, str]) -> bytes:
    """Return a tree as a complete page of nested `<dl>` lists in UTF-8, everything escaped.

    Args:
        title: Of the page.
        root: The whole answer.
        items: As for `xml_document`.
    """
    out = ["<dl>"]
    _write_html(out, root, items)
    out.append("</dl>")
    return _PAGE.format(title=_html(title), body="".join(out)).encode()


def _children(element: Element, items: Mapping[str, str]) -> list[Element] | None:
    """Return what stands inside an element; None when that is text."""
    match element.value:
        case Element() as child:
            return [child]
        case dict() as members:
            return [_member(str(key), value) for key, value in members.items()]
        case list() | tuple() as members:
            name = items.get(element.name, "item")
            return [member if isinstance(member, Element) else Element(name, member) for member in members]
        case _:
            return None


def _member(key: str, value: object) -> Element:
    if _ELEMENT_NAME.match(key):
        return Element(key, value)
    return Element("record", value, (("name", key),))


def _write_xml(out: list[str], element: Element, items: Mapping[str, str]) -> None:
    attributes = "".join(f' {name}="{_attribute(value)}"' for name, value in element.attributes)
    children = _children(element, items)
    text = "" if children is not None else _legal(_scalar(element.value)).translate(_TEXT)
    if not children and not text:
        out.append(f"<{element.name}{attributes}/>")
        return
    out.append(f"<{element.name}{attributes}>{text}")
    for child in children or ():
        _write_xml(out, child, items)
    out.append(f"</{element.name}>")


def _write_html(out: list[str], element: Element, items: Mapping[str, str]) -> None:
    label = element.attributes[0][1] if element.attributes else element.name
    out.append(f"<dt>{_html(label)}</dt><dd>")
    children = _children(element, items)
    if children is None:
        out.append(_html(_scalar(element.value)))
    elif children:
        out.append("<dl>")
        for child in children:
            _write_html(out, child, items)
        out.append("</dl>")
    out.append("</dd>\n")


def _scalar(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _legal(text: str) -> str:
    return _ILLEGAL.sub("", text) if _ILLEGAL.search(text) else text


def _attribute(text: str) -> str:
    return _legal(text).translate(_ATTRIBUTE)


def _html(text: str) -> str:
    return html.escape(_legal(text))
