"""What a report means for the copy it came back for."""

import pytest

from app.mail.inbound import Action, DeliveryReport, RecipientReport, failure_of


def verdict_of(diagnostic: str, status: str) -> tuple[str, str, str]:
    failure = failure_of(DeliveryReport("rfc3464", (RecipientReport(Action.FAILED, status, diagnostic),)))
    assert failure is not None
    assert failure.diagnostic == diagnostic
    return failure.verdict.category, failure.verdict.bounce_type, failure.verdict.code


@pytest.mark.parametrize(
    ("diagnostic", "status", "verdict"),
    [
        ("550 5.1.1 user unknown", "5.1.1", ("bad-mailbox", "hard", "5.1.1")),
        ("550 5.7.1 taken for spam", "5.1.1", ("spam-related", "soft", "5.7.1")),  # the words go before Status
        ("550 5.1.1 nobody", "5.0.0", ("bad-mailbox", "hard", "5.1.1")),
        ("550 nobody", "5.1.1", ("bad-mailbox", "hard", "5.1.1")),
        ("550 user unknown", "4.0.0", ("bad-mailbox", "hard", "5.0.0")),  # Status is a mere guess
        ("452 4.2.2 full", "5.4.7", ("quota-issues", "soft", "4.2.2")),
        ("421 try later", "4.4.7", ("message-expired", "soft", "4.4.7")),
        ("421 try later", "5.4.7", ("message-expired", "soft", "5.4.7")),
        (
            "connect to mx.example.org[192.0.2.25]:25: Connection timed out",
            "4.4.1",
            ("no-answer-from-host", "soft", "4.4.1"),
        ),
        ("", "5.1.1", ("bad-mailbox", "hard", "5.1.1")),
        ("", "5.2.2", ("quota-issues", "soft", "5.2.2")),
        ("", "", ("unclassified", "soft", "5.0.0")),
        ("", "2.0.0", ("unclassified", "soft", "5.0.0")),
        ("something", "", ("other", "soft", "5.0.0")),
        ("Das Postfach ist voll", "5.0.0", ("quota-issues", "soft", "5.0.0")),
        (
            "550 5.7.1 Empfänger unbekannt",
            "5.7.1",
            ("policy-related", "soft", "5.7.1"),
        ),  # a code goes before a translation
    ],
)
def test_verdicts(diagnostic: str, status: str, verdict: tuple[str, str, str]) -> None:
    assert verdict_of(diagnostic, status) == verdict


JO = RecipientReport(Action.DELIVERED, "2.0.0", "", "jo@example.org", "")
BOX = RecipientReport(Action.FAILED, "5.1.1", "", "box-7@internal.example", "rfc822")
STRANGER = RecipientReport(Action.FAILED, "5.2.1", "", "stranger@example.org", "")


def test_what_is_said_of_the_recipient_decides() -> None:
    report = DeliveryReport("rfc3464", (STRANGER, JO))
    assert failure_of(report, "Jo@example.org") is None
    assert failure_of(report, "other@example.org") is not None, "it may have been passed on"
    assert failure_of(report) is not None


def test_the_original_recipient_counts_encoded_or_not() -> None:
    coded = RecipientReport(Action.FAILED, "5.1.1", "", "box@internal.example", "jo+2Bnews@example.org")
    report = DeliveryReport("rfc3464", (STRANGER, coded))
    for name in ("jo+news@example.org", "jo+2Bnews@example.org"):
        failure = failure_of(report, name)
        assert failure is not None
        assert failure.verdict.code == "5.1.1"


@pytest.mark.parametrize("action", [one for one in Action if one is not Action.FAILED])
def test_only_failures_make_a_bounce(action: Action) -> None:
    assert failure_of(DeliveryReport("rfc3464", (RecipientReport(action, "5.1.1", "550 5.1.1 x"),))) is None
