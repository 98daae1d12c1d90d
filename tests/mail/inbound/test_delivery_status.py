"""Reports for programs, in the shapes they come in."""

import base64

import pytest

from app.mail.inbound import Action, DeliveryReport, RecipientReport, content, read
from app.mail.inbound.reading import MAX_CONTENT
from tests.mail.corpus.hostile import DSN, REPORT, STATUS, dsn

ONE = RecipientReport(Action.FAILED, "5.1.1", "550 5.1.1 user unknown", "jo@example.org", "")


def told(raw: bytes, sender: str | None = "") -> tuple[RecipientReport, ...]:
    report = read(raw, sender=sender)
    assert isinstance(report, DeliveryReport), report
    assert report.form == "rfc3464"
    return report.recipients


@pytest.mark.parametrize(
    "raw",
    [
        dsn(),
        dsn().replace(b"\r\n", b"\n"),
        dsn(kind=b"message/global-delivery-status"),
        dsn(kind=b"text/plain; charset=us-ascii"),
        dsn(kind=b'application/octet-stream; name="details.txt"'),
        dsn(base64.encodebytes(DSN), extra=b"Content-Transfer-Encoding: base64\r\n"),
        dsn(base64.encodebytes(DSN)),
        dsn(DSN.replace(b": ", b":=20"), extra=b"Content-Transfer-Encoding: quoted-printable\r\n"),
        dsn(DSN.replace(b"\r\n\r\n", b"\r\n")),
        dsn(b"\r\n\r\n" + DSN),
        dsn(DSN.replace(b"550 5.1.1 user", b"550\r\n\t5.1.1\r\n  user")),
        dsn(DSN.upper().replace(b"JO@EXAMPLE.ORG", b"jo@example.org").replace(b"USER UNKNOWN", b"user unknown")),
        dsn(DSN.replace(b"Status: 5.1.1", b"Status: 5.1.1 (bad destination mailbox address)")),
        dsn(DSN.replace(b"rfc822; jo@example.org", b"RFC822;<jo@example.org>")),
        dsn(DSN.replace(b"Action: failed", b"Action: Failed (permanently)")),
        dsn(DSN.replace(b"Action: failed\r\n", b"")),
        REPORT + STATUS + DSN.rstrip(),
        REPORT.replace(b"; report-type=delivery-status", b"") + STATUS + DSN,
        REPORT.replace(b"multipart/report", b"multipart/mixed") + STATUS + DSN,
        b"Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n" + dsn() + b"\r\n--o--",
        b"From: <>\r\nContent-Type: message/delivery-status\r\n\r\n" + DSN,
    ],
)  # fmt: skip
def test_a_report_is_read_in_every_shape(raw: bytes) -> None:
    assert told(raw) == (ONE,)


def test_it_needs_no_null_sender() -> None:
    assert told(dsn(), sender="exchange@example.org") == (ONE,)


def test_what_is_called_text_is_read_as_a_report_only_where_one_is_likely() -> None:
    raw = dsn(kind=b"text/plain").replace(b"multipart/report", b"multipart/mixed").replace(b"MAILER-DAEMON", b"jo")
    assert not isinstance(read(raw, sender="jo@example.org"), DeliveryReport)


def test_every_recipient_is_read() -> None:
    more = b"\r\nOriginal-Recipient: rfc822;b@example.org\r\nFinal-Recipient: rfc822;c@example.org\r\nAction: delayed\r\nStatus: 4.4.1\r\n"
    assert told(dsn(DSN + more)) == (
        ONE,
        RecipientReport(Action.DELAYED, "4.4.1", "", "c@example.org", "b@example.org"),
    )
    assert len(told(dsn(DSN + more.lstrip()))) == 2, "without a blank line between them"


def test_an_address_beyond_ascii_is_read() -> None:
    raw = dsn(DSN.replace(b"rfc822; jo", rb"utf-8; j\x{F6}"), kind=b"message/global-delivery-status")
    assert told(raw)[0].final_recipient == "jö@example.org"


@pytest.mark.parametrize("action", [one for one in Action if one is not Action.FAILED])
def test_every_action_is_read(action: Action) -> None:
    assert told(dsn(DSN.replace(b"failed", action.value.encode())))[0].action is action


def test_the_words_for_people_stand_in_when_the_report_tells_next_to_nothing() -> None:
    bare = DSN.partition(b"Diagnostic")[0].replace(b"5.1.1", b"5.0.0")
    people = (
        b"--b\r\nContent-Type: text/plain\r\n\r\n<jo@example.org>: host mx said: 552 5.2.2 Over quota\r\n\r\nBye\r\n"
    )
    assert told(REPORT + people + STATUS + bare)[0].diagnostic == "552 5.2.2 Over quota"
    precise = bare.replace(b"5.0.0", b"5.1.1")
    assert told(REPORT + people + STATUS + precise)[0].diagnostic == "", "a code alone is enough"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            b"550-5.1.1 The account does not\r\n 550-5.1.1 exist.\r\n 550 5.1.1 Bye",
            "550-5.1.1 The account does not exist. Bye",
        ),
        (b"550-The account does not\r\n 550-exist", "550-The account does not exist"),
        (b"550 5.1.1 see 550 5.7.1 there", "550 5.1.1 see 550 5.7.1 there"),
    ],
)
def test_the_codes_of_further_lines_are_left_out(words: bytes, line: str) -> None:
    assert told(dsn(DSN.replace(b"550 5.1.1 user unknown", words)))[0].diagnostic == line


def test_what_is_kept_to_be_shown_is_cut_between_characters() -> None:
    text = content(b"x" + "ö".encode() * MAX_CONTENT)
    assert set(text) == {"x", "ö"}
    assert MAX_CONTENT // 2 <= len(text) <= MAX_CONTENT
    assert content(b"a\0\xff") == "a\xff"
