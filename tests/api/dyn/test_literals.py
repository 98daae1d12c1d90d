"""Lists and maps as text."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.dyn.literals import read_list, read_map

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
foreign = st.text(alphabet="[]{}'\",: \\unxUb0d8TrueNonefals1.-\n", max_size=60)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("['a']", ["a"]),
        ("  [ 'a' ,\n\"b\" , ]  ", ["a", "b"]),
        ('["a","\\u00e9"]', ["a", "é"]),
        ("['it\\'s', \"it's\", 'a\\\\b', 'a\\nb', '\\xe9\\u00e9']", ["it's", "it's", "a\\b", "a\nb", "éé"]),
        ("[1, None, True]", ["1", "", "1"]),
        ("[b'caf\\xc3\\xa9']", ["café"]),
        ("[]", []),
        ("[ ]", []),
        ("['a' 'b']", None),
        ("['a'", None),
        ("['a']]", None),
        ("['a'}", None),
        ("[['a']]", None),
        ('[["a"]]', None),
        ("'a'", None),
        ("[a]", None),
        ("[1+1]", None),
        ("", None),
    ],
)
def test_lists(text: str, items: list[str] | None) -> None:
    assert read_list(text) == items


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("{'X-A': 'b'}", {"X-A": "b"}),
        ('{"X-A": "b", "X-B": 1, "X-C": true, "X-D": ["no"], "X-E": {"no": 1}}', {"X-A": "b", "X-B": "1", "X-C": "1"}),
        ("{u'X-A': u'b', 'X-B': 2.5, 'X-C': None}", {"X-A": "b", "X-B": "2.5", "X-C": ""}),
        ("{}", {}),
        ("{'X-A': {}}", {}),
        ("{'X-A'}", {}),
        ("{'X-A': 'b', 'X-B'}", {}),
        ("{'X-A': 'b'", {}),
        ("{'X-A': 'b']}", {}),
        ("{'X-A': open('/etc/passwd').read()}", {}),
        ("['X-A']", {}),
        ("X-A: b", {}),
    ],
)
def test_maps(text: str, members: dict[str, str]) -> None:
    assert read_map(text) == members


@given(st.lists(texts))
def test_what_json_and_python_write_is_read_back(items: list[str]) -> None:
    assert read_list(json.dumps(items)) == items
    assert read_list(str(items)) == items


@given(st.dictionaries(texts, texts))
def test_what_json_and_python_write_of_a_map_is_read_back(members: dict[str, str]) -> None:
    assert read_map(json.dumps(members)) == members
    assert read_map(str(members)) == members


@given(foreign)
def test_no_text_fails(text: str) -> None:
    read_list(text)
    read_list(f"[{text}]")
    read_map(f"{{{text}}}")


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "[" + "'a'," * 50_000, "['" + "\\'" * 100_000 + "]", "[" + " " * 100_000 + "x]"]
)
def test_long_nonsense_ends_soon(text: str) -> None:
    assert read_list(text) is None
    assert read_map("{" + text + "}") == {}
