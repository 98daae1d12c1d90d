"""Whatever comes, it is read."""

from hypothesis import given, settings
from hypothesis import strategies as st

from app.mail.inbound import Action, DeliveryReport, content, failure_of, read
from app.mail.inbound.decoding import shown, text_of, transferred, words_of
from app.mail.inbound.fields import parameters
from tests.mail.corpus.hostile import DSN, REPORT, STATUS, dsn
from tests.mail.corpus.samples import samples

SENDERS = st.sampled_from(["", "MAILER-DAEMON@x.example", "jo@example.org", None])
PIECES = st.sampled_from(
    [b"--b\r\n", b"--b--\r\n", b"\r\n", b"\n", b"\r", b"\0", b"Content-Type: ", b"multipart/mixed; boundary=", b"b", b'"', b"message/rfc822",
     b"message/delivery-status", b"message/feedback-report", b"text/html", b"Content-Transfer-Encoding: base64\r\n", b"Action: failed\r\n",
     b"Status: 5.1.1\r\n", b"Final-Recipient: rfc822;", b"Subject: ", b"=?utf-8?b?", b"?=", b"550 5.1.1 user unknown", b"<", b"&#", b"\xff", REPORT, STATUS, DSN]
)  # fmt: skip
EVERY = [one.raw for one in samples("known")]


def readable(raw: bytes, sender: str | None) -> None:
    report = read(raw, sender=sender)
    if isinstance(report, DeliveryReport):
        assert report.recipients
        failure_of(report)
    content(raw)


@given(st.binary(max_size=2_000), SENDERS)
def test_random_bytes_never_raise(raw: bytes, sender: str | None) -> None:
    readable(raw, sender)
    readable(REPORT + STATUS + raw, sender)


@given(st.lists(PIECES | st.binary(max_size=10), max_size=60), SENDERS)
def test_pieces_of_reports_in_any_order_never_raise(pieces: list[bytes], sender: str | None) -> None:
    readable(b"".join(pieces), sender)


@given(st.sampled_from(EVERY), st.data(), SENDERS)
def test_damaged_reports_never_raise(raw: bytes, data: st.DataObject, sender: str | None) -> None:
    start = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(start, len(raw)))
    readable(raw[:start] + data.draw(st.binary(max_size=20)) + raw[end:], sender)


@given(st.text(max_size=300), st.text(max_size=40), st.binary(max_size=300))
def test_text_is_decoded_whatever_it_is(text: str, charset: str, data: bytes) -> None:
    words_of(text)
    shown(text)
    parameters(text)
    assert "\0" not in text_of(data, charset)
    for encoding in ("base64", "quoted-printable", charset):
        transferred(data, encoding)


DIGITS = st.integers(0, 999)
LOCALS = st.text("abcz019.+_-=", min_size=1, max_size=20)
RECIPIENTS = st.tuples(st.sampled_from(list(Action)), st.sampled_from("45"), DIGITS, DIGITS, LOCALS, st.booleans())


@settings(max_examples=100)
@given(st.lists(RECIPIENTS, min_size=1, max_size=8), st.booleans(), st.sampled_from([b"\r\n", b"\n"]))
def test_a_valid_report_is_read_back(
    recipients: list[tuple[Action, str, int, int, str, bool]], folded: bool, end: bytes
) -> None:
    told = ["Reporting-MTA: dns; mx.example.org"]
    for action, digit, subject, detail, local, original in recipients:
        told += [
            "",
            *(["Original-Recipient: rfc822;first@example.com"] if original else []),
            f"Final-Recipient: rfc822; {local}@example.org",
        ]
        told += [f"Action: {action.value}", f"Status: {digit}.{subject}.{detail}"]
        told.append(
            f"Diagnostic-Code: smtp;{chr(10) + ' ' if folded else ' '}{digit}50 {digit}.{subject}.{detail} told"
        )
    report = read(dsn("\n".join(told).encode()).replace(b"\r\n", b"\n").replace(b"\n", end), sender="")
    assert isinstance(report, DeliveryReport)
    read_back = [
        (one.action, one.status, one.diagnostic, one.final_recipient, one.original_recipient)
        for one in report.recipients
    ]
    assert read_back == [
        (
            action,
            f"{digit}.{subject}.{detail}",
            f"{digit}50 {digit}.{subject}.{detail} told",
            f"{local}@example.org",
            "first@example.com" if original else "",
        )
        for action, digit, subject, detail, local, original in recipients
    ]
