"""The envelope in three dresses, byte for byte."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from app.api.dyn.envelope import ITEMS, answer, format_of, ok
from app.api.dyn.markup import Element, html_page, xml_document


def request(path: str) -> Request:
    return Request({"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []})


SENDERS = {"senders": [{"emailaddress": "a@x.org"}, {"emailaddress": "b@x.org"}]}
DETAILS = {"emailaddress": "é <b>", "spf": 1, "ok": True, "none": None, "mail1._domainkey.x.org": 'v="1"; p=a&b'}
XML = '<?xml version="1.0" encoding="UTF-8"?><response><status>200</status><message>OK</message>'


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("250 2.1.0 Ok", '"250 2.1.0 Ok"'),
        ([], "[]"),
        ({"companyname": "Café Ä\U0001f600"}, '{"companyname":"Caf\\u00e9 \\u00c4\\ud83d\\ude00"}'),
        (SENDERS, '{"senders":[{"emailaddress":"a@x.org"},{"emailaddress":"b@x.org"}]}'),
        ({"a": None, "b": 1, "c": '"</script>'}, '{"a":null,"b":1,"c":"\\"</script>"}'),
    ],
)
def test_json(data: object, text: str) -> None:
    response = ok(request("/rest/json/x"), data)
    assert response.body == ('{"response":{"status":200,"message":"OK","data":' + text + "}}").encode()
    assert response.headers["content-type"] == "application/json"
    assert response.headers["content-length"] == str(len(response.body))
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("250 2.1.0 Ok", "<data>250 2.1.0 Ok</data>"),
        ([], "<data/>"),
        ({}, "<data/>"),
        (
            SENDERS,
            (
                "<data><senders><sender><emailaddress>a@x.org</emailaddress></sender>"
                "<sender><emailaddress>b@x.org</emailaddress></sender></senders></data>"
            ),
        ),
        ({"accounts": [], "emailcap": "0"}, "<data><accounts/><emailcap>0</emailcap></data>"),
        (["The phone number can not be blank."], "<data><error>The phone number can not be blank.</error></data>"),
        (
            DETAILS,
            (
                "<data><emailaddress>é &lt;b&gt;</emailaddress><spf>1</spf><ok>true</ok><none/>"
                '<record name="mail1._domainkey.x.org">v="1"; p=a&amp;b</record></data>'
            ),
        ),
        ({"X-Campaign": "1", "19": 2, '"&<\n': 3}, '<data><record name="X-Campaign">1</record><record name="19">2</record><record name="&quot;&amp;&lt;&#10;">3</record></data>'),
        ({"a": "x\0\x01\x1b\ufffe\ud800y\r\n\t"}, "<data><a>xy&#13;\n\t</a></data>"),
        ({"sent": [{"userid": "1"}], "issue": ["i"], "other": [1]}, "<data><sent><email><userid>1</userid></email></sent><issue><item>i</item></issue><other><item>1</item></other></data>"),
    ],
)  # fmt: skip
def test_xml(data: object, text: str) -> None:
    response = ok(request("/rest/xml/x"), data)
    assert bytes(response.body).decode() == f"{XML}{text}</response>"
    assert response.headers["content-type"] == "text/xml; charset=utf-8"
    ET.fromstring(bytes(response.body))  # noqa: S314 our own


def test_html_is_a_page_with_everything_escaped() -> None:
    response = ok(request("/rest/html/x"), {"<i>": ["<script>", "a&b"], **DETAILS, "empty": []})
    text = bytes(response.body).decode()
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert text.startswith("<!DOCTYPE html>\n")
    assert "<title>200 OK</title>" in text
    assert (
        "<dt>&lt;i&gt;</dt><dd><dl><dt>item</dt><dd>&lt;script&gt;</dd>\n<dt>item</dt><dd>a&amp;b</dd>\n</dl></dd>"
        in text
    )
    assert "<dt>mail1._domainkey.x.org</dt>" in text
    assert "<script" not in text
    assert text.count("<dl>") == text.count("</dl>")


def test_elements_with_a_name_of_their_own() -> None:
    series = [Element("series", [Element("point", {"timestamp": 1})], (("id", "1<9"),))]
    root = Element("response", {"data": series, "single": Element("blocked-email", "x")})
    xml = xml_document(root, {}).decode()
    assert xml.endswith(
        '<response><data><series id="1&lt;9"><point><timestamp>1</timestamp></point></series></data>'
        "<single><blocked-email>x</blocked-email></single></response>"
    )
    assert "<dt>1&lt;9</dt>" in html_page("t", root, {}).decode()


@pytest.mark.parametrize(
    ("path", "name"),
    [("/rest/json/a", "json"), ("/rest/xml", "xml"), ("/rest/html/a/b", "html"), ("/rest/JSON/a", None), ("/rest", None), ("/", None), ("", None)],
)  # fmt: skip
def test_the_second_part_of_the_path_is_the_format(path: str, name: str | None) -> None:
    assert format_of(request(path)) == name


def test_an_unknown_format_is_answered_in_json() -> None:
    response = answer(request("/rest/yaml/a"), 404, "Not Found", {}, {"X-A": "b"})
    assert response.body == b'{"response":{"status":404,"message":"Not Found","data":{}}}'
    assert response.status_code == 404
    assert response.headers["x-a"] == "b"


trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(trees)
def test_every_tree_is_well_formed(tree: object) -> None:
    root = Element("response", {"data": tree})
    ET.fromstring(xml_document(root, ITEMS))  # noqa: S314 our own
    page = html_page("t", root, ITEMS).decode()
    assert page.count("<dd>") == page.count("</dd>")
