"""The runner sees what is wrong: for each member of `expect` one answer that passes and one that does not."""

import pytest

from tests.contract.documents import ENDPOINTS, VECTORS
from tests.contract.runner import Expectation, Missing, find
from tests.contract.shape import check_names
from tests.contract.wire import Answer

BODY = '{"a": {"b": [1, "2", null, true, 1.5]}, "c d": "x", "1": {}}'

CASES: list[tuple[str, object, object]] = [
    ("status", 200, 404),
    ("headers", {"Content-Type": "^application/json"}, {"Content-Type": "^json"}),
    ("headers", {"content-type": "json"}, {"Retry-After": "."}),
    ("body", BODY, BODY + " "),
    ("body_prefix", '{"a"', '{"b"'),
    ("body_contains", ["2", "x"], ["2", "y"]),
    ("body_empty", False, True),
    ("json", {"$.a.b[0]": 1}, {"$.a.b[0]": "1"}),
    ("json", {"$.a.b[3]": True}, {"$.a.b[3]": 1}),
    ("json", {'$["c d"]': "x"}, {"$.a": {"b": []}}),
    ("json", {"$.a.b[2]": None}, {"$.a.c": None}),
    ("keys", {"$": ["a", "c d", "1"]}, {"$": ["a", "1", "c d"]}),
    ("keys", {"$": ["a", "c d", 1]}, {"$.a": ["b", "c"]}),
    ("length", {"$.a.b": 5}, {"$.a.b": 4}),
    ("types", {"$.a.b[0]": "integer"}, {"$.a.b[3]": "integer"}),
    ("types", {"$.a.b[0]": "number", "$.a.b[4]": "number", "$.a.b[2]": "null"}, {"$.a.b[1]": "number"}),
    ("types", {"$": "object", "$.a.b": "list", "$.a.b[1]": "string", "$.a.b[3]": "boolean"}, {"$": "list"}),
    ("matches", {"$.a.b[1]": r"^\d$"}, {"$.a.b[1]": "^x"}),
    ("matches", {'$["c d"]': "x"}, {"$.a.b[0]": "1"}),
    ("absent", ["$.b", "$.a.b[5]", "$.a.b.c"], ["$.a.b[4]"]),
]


@pytest.mark.parametrize(("member", "right", "wrong"), CASES)
def test_an_expectation_tells_right_from_wrong(member: str, right: object, wrong: object) -> None:
    answer = Answer(200, {"content-type": "application/json"}, BODY.encode())
    Expectation({member: right}).check(answer)
    with pytest.raises(AssertionError, match=f"^{member}: "):
        Expectation({member: wrong}).check(answer)


def test_an_unknown_member_is_an_error() -> None:
    with pytest.raises(AssertionError, match="nothing of"):
        Expectation({"jsn": {}})


def test_a_member_given_twice_is_an_error() -> None:
    with pytest.raises(AssertionError, match="twice"):
        Expectation({"json": {"$.a": 2}}).check(Answer(200, {}, b'{"a": 1, "a": 2}'))


def test_paths() -> None:
    tree = {"a.b": [{"mail1._domainkey.x": 1}]}
    assert find(tree, '$["a.b"][0]["mail1._domainkey.x"]') == 1
    with pytest.raises(Missing):
        find(tree, "$.a.b")


@pytest.mark.parametrize(
    ("found", "documented", "holds"),
    [
        (["a", "b"], ["a", "b"], True),
        (["b", "a"], ["a", "b"], False),
        (["a"], ["a", "b"], False),
        (["a", "b", "c"], ["a", "b"], False),
        (["a", "X-1", "X-2"], ["a", "X-*"], True),
        (["a", "m._domainkey.x.org", "_domainkey.x.org"], ["a", "<s>._domainkey.<d>", "_domainkey.<d>"], True),
        (["a", "_domainkey.x.org"], ["a", "<s>._domainkey.<d>"], False),
    ],
)
def test_names(found: list[str], documented: list[str], holds: bool) -> None:
    if holds:
        check_names(found, documented)
    else:
        with pytest.raises(AssertionError):
            check_names(found, documented)


def test_each_id_stands_once() -> None:
    for ids in ([vector.id for vector in VECTORS], [endpoint.id for endpoint in ENDPOINTS]):
        assert len(set(ids)) == len(ids)
