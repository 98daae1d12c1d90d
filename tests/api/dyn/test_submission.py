"""A mail read from the parameters of `send`: headers, recipients, what is wrong with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.dyn import mail_headers
from app.api.dyn.bodies import form_fields
from app.api.dyn.errors import FieldsRefused
from app.api.dyn.mail_headers import read_x_headers, remembered
from app.api.dyn.params import Params
from app.api.dyn.submission import Submission, read_submission
from app.core.messages import Lane
from app.mail.headers import header_lines
from app.models.issue import IssueType

GOOD = {"from": "a@x.org", "to": "b@x.org", "subject": "S", "bodytext": "t"}


def submit(max_recipients: int = 10, max_bytes: int = 10_000, /, **fields: str) -> Submission:
    given = {name.replace("_", "-").removesuffix("-"): value for name, value in fields.items()}
    return read_submission(Params((GOOD | given).items()), max_recipients=max_recipients, max_bytes=max_bytes)


def header(name: str, /, **fields: str) -> list[str]:
    mail = submit(**fields)
    assert mail.refusal is None
    return [value for key, value in mail.headers if key == name]


@pytest.mark.parametrize("missing", ["from", "to", "subject", "bodytext"])
@pytest.mark.parametrize("value", [None, "", "  "])
def test_the_required_fields(missing: str, value: str | None) -> None:
    fields = dict(GOOD)
    if value is None:
        del fields[missing]
    else:
        fields[missing] = value
    with pytest.raises(FieldsRefused) as refused:
        read_submission(Params(fields.items()), max_recipients=1, max_bytes=1000)
    assert refused.value.data == "Required arguments are not defined"


def test_the_plainest_mail() -> None:
    assert submit().headers == (("From", "a@x.org"), ("Reply-To", "a@x.org"), ("To", "b@x.org"), ("Subject", "S"))
    assert submit().recipients == ("b@x.org",)
    assert (submit().text, submit().html) == ("t", None)


def test_every_documented_header() -> None:
    mail = submit(
        from_='"From Name" <A@X.org>', to='"Doe, Jo" <b@X.ORG>, c@x.org', cc="Cc <d@x.org>", bcc="e@x.org",
        replyto="r@x.org", sender="s@x.org", messageid="1@x.org", inreplyto="<2@x.org> <3@x.org>", references="<2@x.org>",
        comments="c", keywords="k, l", replyby="Thu, 13 Feb 2013 23:32:54 -0330", importance="High", priority="urgent",
        sensitivity="company confidential", resent_date="d", resent_from="f@x.org", resent_sender="g@x.org",
        resent_replyto="h@x.org", resent_messageid="<4@x.org>", list_unsubscribe="<mailto:u@x.org>",
        x_One="1", bodyhtml="<p>h</p>",
    )  # fmt: skip
    assert mail.headers == (
        ("From", "From Name <A@x.org>"),
        ("Reply-To", "r@x.org"),
        ("Sender", "s@x.org"),
        ("To", '"Doe, Jo" <b@x.org>, c@x.org'),
        ("Cc", "Cc <d@x.org>"),
        ("Subject", "S"),
        ("Message-ID", "<1@x.org>"),
        ("In-Reply-To", "<2@x.org> <3@x.org>"),
        ("References", "<2@x.org>"),
        ("Comments", "c"),
        ("Keywords", "k, l"),
        ("Reply-By", "Thu, 13 Feb 2013 23:32:54 -0330"),
        ("Resent-Date", "d"),
        ("Resent-From", "f@x.org"),
        ("Resent-Sender", "g@x.org"),
        ("Resent-Reply-To", "h@x.org"),
        ("Resent-Message-ID", "<4@x.org>"),
        ("List-Unsubscribe", "<mailto:u@x.org>"),
        ("Importance", "high"),
        ("Priority", "urgent"),
        ("Sensitivity", "Company-Confidential"),
        ("x-One", "1"),
    )
    assert mail.recipients == ("b@x.org", "c@x.org", "d@x.org", "e@x.org")
    assert mail.lane is Lane.URGENT
    assert (mail.text, mail.html) == ("t", "<p>h</p>")


@pytest.mark.parametrize("text", ["=?UTF-8?B?4p2k77iP?= <a@x.org>", "爱情 <a@x.org>", '"爱情, ❤️" <a@x.org>'])
def test_names_pass_unchanged_and_are_the_default_for_replies(text: str) -> None:
    assert header("From", from_=text) == [text]
    assert header("Reply-To", from_=text) == [text]


def test_an_invalid_reply_or_sender_address_is_left_out() -> None:
    assert header("Reply-To", replyto="nonsense") == ["a@x.org"]
    assert header("Reply-To", replyto="x@x.org, y@x.org") == ["x@x.org"]
    assert header("Sender", sender="nonsense") == []


@pytest.mark.parametrize(
    ("given", "value"),
    [("a@x.org", "<a@x.org>"), ("<a@x.org>", "<a@x.org>"), (" <a> ", "<a>"), ("a b", None), ("é@x.org", None), ("<a><b>", None), ("x" * 901, None), ("a\r\nBcc: z@x.org", None), ("<>", None)],
)  # fmt: skip
def test_message_ids(given: str, value: str | None) -> None:
    assert header("Message-ID", messageid=given) == ([value] if value else [])


def test_words_outside_the_lists_are_left_out() -> None:
    mail = submit(importance="very", priority="now", sensitivity="secret")
    assert {"Importance", "Priority", "Sensitivity"}.isdisjoint(name for name, _ in mail.headers)
    assert mail.lane is Lane.NORMAL
    assert submit(priority="Non-Urgent").lane is Lane.NON_URGENT
    assert header("Sensitivity", sensitivity="personal") == ["personal"]


def test_no_value_begins_another_header() -> None:
    evil = "x\r\nBcc: evil@x.org\r\n\r\nbody"
    names = ("subject", "comments", "keywords", "inreplyto", "references", "replyby", "x-evil", "list-unsubscribe",
             "resent-from", "xheaders", "from", "to", "cc", "replyto", "sender", "messageid", "importance")  # fmt: skip
    mail = submit(**{name: evil for name in names if name not in {"from", "to"}})
    for name, value in mail.headers:
        assert not {"\r", "\n", "\0"} & set(value)
        assert name.lower() != "bcc"
    assert dict(mail.headers)["Subject"] == "x Bcc: evil@x.org body"
    assert header("From", from_="Name\r\nBcc: evil@x.org <a@x.org>") == ['"Name Bcc: evil@x.org" <a@x.org>']
    assert dict(submit(from_='"Na\r\nme" <a@x.org>').headers)["From"] == "Na me <a@x.org>"


def test_free_headers_keep_their_name_and_bad_names_are_dropped() -> None:
    fields = [("x-demonheader", "zoom"), ("X-Demonheader", "later"), ("X-A b", "no"), ("X-", "no"), ("X-a:b", "no"),
              ("x-\r\nBcc", "no"), ("X-é", "no"), ("X-Trireme-Message", "no"), ("X-" + "a" * 199, "no"),
              ("X-Empty", " \t"), ("X-Ctrl", "\x01"), ("X-Fold", "a\r\n b")]  # fmt: skip
    assert read_x_headers(Params(fields)) == [("X-Demonheader", "later"), ("X-Fold", "a  b")]


def test_the_longest_name_that_is_kept_can_be_written() -> None:
    [header] = read_x_headers(Params([("X-" + "a" * 198, "yes")]))
    assert header_lines([header]).startswith(b"X-aaa")


def test_members_of_xheaders_become_x_headers() -> None:
    text = "{'X-One': '1', 'x-two': 2, 'Bcc': 'evil@x.org', 'X-Own': 'no', 'a b': 'no'}"
    assert read_x_headers(Params([("xheaders", text), ("X-own", "mine")])) == [
        ("X-own", "mine"),
        ("X-One", "1"),
        ("x-two", "2"),
        ("X-Bcc", "evil@x.org"),
    ]
    assert read_x_headers(Params([("xheaders", "any other text")])) == []


def test_what_the_account_remembers() -> None:
    slots = ("X-Campaign", "", "X-Region", "X-None")
    headers = [("x-CAMPAIGN", "<spring>"), ("X-Region", "é" * 600), ("X-Other", "o")]
    assert remembered(slots, headers) == {"X-Campaign": "spring", "X-Region": "é" * 500}
    assert remembered(("", "", "", ""), headers) is None
    assert remembered(slots, [("X-Campaign", "<>")]) is None


def test_recipients_are_one_each_across_all_lists_and_headers_keep_the_order() -> None:
    mail = submit(to="b@x.org, B@X.org, c@x.org", cc="C@x.org, d@x.org", bcc="D@x.org, e@x.org")
    assert mail.recipients == ("b@x.org", "c@x.org", "d@x.org", "e@x.org")
    assert dict(mail.headers)["To"] == "b@x.org, B@x.org, c@x.org"
    assert dict(mail.headers)["Cc"] == "C@x.org, d@x.org"


@pytest.mark.parametrize(
    "address",
    ['"quoted local"@x.org', "Jo (a comment) <b@x.org>", "b@bücher.example", "用户@x.org", "a" * 64 + "@" + "b" * 60 + ".org"],
)  # fmt: skip
def test_unusual_addresses_are_recipients(address: str) -> None:
    assert len(submit(to=address).recipients) == 1


def test_invalid_addresses_beside_valid_ones_are_dropped_with_an_issue_each() -> None:
    long = "a" * 400 + "@x.org"
    mail = submit(to=f"nonsense, b@x.org, {long}, nonsense", cc="also bad")
    assert mail.recipients == ("b@x.org",)
    assert mail.refusal is None
    assert dict(mail.headers)["To"] == "b@x.org"
    assert "Cc" not in dict(mail.headers)
    assert [(issue.issue_type, issue.address) for issue in mail.issues] == [
        (IssueType.INVALID_RECIPIENT, "nonsense"),
        (IssueType.INVALID_RECIPIENT, long[:320]),
        (IssueType.INVALID_RECIPIENT, "also bad"),
    ]


def test_a_hidden_recipient_alone_needs_no_to_header() -> None:
    mail = submit(to="nonsense", bcc="b@x.org")
    assert "To" not in dict(mail.headers)
    assert mail.recipients == ("b@x.org",)


@pytest.mark.parametrize(
    ("fields", "text", "issue_type"),
    [
        ({"to": "nonsense"}, "554 5.5.1 Error: no valid recipients", IssueType.INVALID_RECIPIENT),
        ({"to": "[]"}, "554 5.5.1 Error: no valid recipients", IssueType.INVALID_RECIPIENT),
        ({"to": ",".join(f"{n}@x.org" for n in range(11))}, "452 4.5.3 Error: too many recipients", IssueType.TOO_MANY_RECIPIENTS),
        ({"to": ",".join(map(str, range(11)))}, "452 4.5.3 Error: too many recipients", IssueType.TOO_MANY_RECIPIENTS),
        ({"bodytext": "x" * 10_000}, "552 5.3.4 Error: message size exceeds fixed limit", IssueType.TOO_LARGE),
        ({"bodyhtml": "é" * 5_000}, "552 5.3.4 Error: message size exceeds fixed limit", IssueType.TOO_LARGE),
        ({"bodytext": "***", "content_encoding": "base64"}, "554 5.6.0 Error: body can not be decoded", IssueType.INVALID_MESSAGE),
        ({"bodyhtml": "=", "content_encoding": "quoted-printable"}, "554 5.6.0 Error: body can not be decoded", IssueType.INVALID_MESSAGE),
    ],
)  # fmt: skip
def test_refusals(fields: dict[str, str], text: str, issue_type: IssueType) -> None:
    mail = submit(**fields)
    assert mail.refusal == text
    assert [(issue.issue_type, issue.description) for issue in mail.issues] == [(issue_type, text)]
    assert mail.issues[0].address == mail.first_recipient


def test_ten_of_ten_recipients_and_a_mail_just_below_the_limit_are_fine() -> None:
    assert submit(to=",".join(f"{n}@x.org, {n}@X.org" for n in range(10))).refusal is None
    assert submit(bodytext="x" * 9_900).refusal is None


def test_an_encoded_body_counts_decoded() -> None:
    assert submit(1, 200, bodytext="=41" * 100, content_encoding="quoted-printable").refusal is None


@pytest.mark.parametrize("given", ["nonsense", "Name <>", "a@", "@x.org", "Doe, Jo <a@x.org>", "<a@x.org", "a@x"])
def test_a_malformed_from_has_no_sender(given: str) -> None:
    mail = submit(from_=given)
    assert mail.sender is None
    assert mail.from_text == given
    assert mail.first_recipient == "b@x.org"


def test_the_first_of_several_senders_counts() -> None:
    sender = submit(from_="['a@x.org', 'c@x.org']").sender
    assert sender is not None
    assert sender.address == "a@x.org"


def test_too_many_free_headers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.api.dyn.submission.MAX_X_HEADERS", 2)
    assert mail_headers.MAX_X_HEADERS == 1000
    mail = submit(x_a="1", x_b="2", x_c="3")
    assert mail.refusal == "554 5.7.1 Error: too many header fields"
    assert mail.issues[0].issue_type is IssueType.REFUSED


@given(st.dictionaries(st.sampled_from([*GOOD, "cc", "replyto", "sender", "messageid", "x-a", "xheaders", "priority", "comments", "bodyhtml", "content-encoding"]), st.text(max_size=60)))  # fmt: skip
def test_no_text_breaks_a_header_line(fields: dict[str, str]) -> None:
    try:
        mail = read_submission(Params((GOOD | fields).items()), max_recipients=10, max_bytes=10_000)
    except FieldsRefused:
        return
    for name, value in mail.headers:
        assert name.isascii()
        assert not {"\r", "\n", "\0"} & set(value)
    assert all(address.count("@") for address in mail.recipients)


def test_blanks_of_the_seed_sample() -> None:
    body = b"from=example@example.com&to=c1@d.example&to=c2@d.example&to=c3@d.example&subject=New Sale Coming Friday&bodytext=You will love this sale."
    mail = read_submission(Params(form_fields(body)), max_recipients=10, max_bytes=10_000)
    assert dict(mail.headers)["To"] == "c1@d.example, c2@d.example, c3@d.example"
    assert dict(mail.headers)["Subject"] == "New Sale Coming Friday"
