"""Which header lines a caller may add."""

import pytest

from app.core.transactional.header_names import allowed, is_allowed


@pytest.mark.parametrize(
    "name",
    [
        "Message-ID", "DATE", "from", "Sender", "Subject", "To", "Reply-To", "cc", "Bcc", "MIME-Version", "Content-ID",
        "Content-Base", "Content-Alias", "Content-Identifier", "Content-Length", "Content-Type", "Content-Disposition",
        "Content-Transfer-Encoding", "Lines", "Encoding", "Mail-System-Version", "Originating-Client", "Mailer",
        "X-Mailer", "X-Report-Abuse-To", "Received", "Return-Path", "Authentication-Results", "Received-SPF",
        "Auto-Submitted", "VBR-Info", "DKIM-Signature", "x-smtpapi", "ARC-Seal", "List-Unsubscribe",
        "List-Unsubscribe-Post", "X-Dynosend-Anything", "x-trireme-message", "X-Mailgun-Tag",
    ],
)  # fmt: skip
def test_what_the_contract_forbids_is_dropped(name: str) -> None:
    assert not is_allowed(name, "value")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X Y", "v"),
        ("X:Y", "v"),
        ("", "v"),
        ("X-\u00e9", "v"),
        ("X-A", "a\r\nBcc: b@x.org"),
        ("X-A", "a\n"),
        ("X-A", " "),
    ],
)
def test_invalid_names_and_values_are_dropped(name: str, value: str) -> None:
    assert not is_allowed(name, value)


def test_the_others_keep_their_order_and_spelling() -> None:
    given = [("X-B", "2"), ("From", "x@y.org"), ("x-a", " 1 "), ("References", "<a@b>"), ("List-Id", "<l.example>")]
    assert allowed(given) == [("X-B", "2"), ("x-a", "1"), ("References", "<a@b>"), ("List-Id", "<l.example>")]
