"""Reports in words, and what is not one: the data beside its samples."""

import pytest

from app.mail.inbound import Action, AutomaticReply, DeliveryReport, Nothing, failure_of, read
from app.mail.inbound.automatic import SUBJECTS
from app.mail.inbound.words import FORMS, TRANSLATIONS, Form, Translation, known, reply_in, translated

HEAD = (
    b"From: Mail Delivery <MAILER-DAEMON@example.org>\r\nSubject: x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_each_form_reads_its_sample(form: Form) -> None:
    report = known("x", form.sample)
    assert report is not None
    assert report.form == form.name
    failure = failure_of(report)
    assert (failure.verdict.category if failure else "") == form.category


@pytest.mark.parametrize("row", TRANSLATIONS, ids=lambda row: row.sample)
def test_each_translation_reads_its_sample(row: Translation) -> None:
    assert translated(row.sample) == row.words
    assert translated(row.sample.upper()) == row.words


@pytest.mark.parametrize("mark", ["vacation", "receipt", "challenge"])
def test_marks_of_subjects_exist(mark: str) -> None:
    assert mark in {name for name, _ in SUBJECTS}


@pytest.mark.parametrize("sender", ["", "MAILER-DAEMON@mx.example.org", "postmaster@example.org", None])
def test_words_are_believed_from_the_null_sender_and_from_daemons(sender: str | None) -> None:
    assert isinstance(read(HEAD + FORMS[0].sample.encode(), sender=sender), DeliveryReport)


@pytest.mark.parametrize(
    ("origin", "believed"),
    [
        ("MAILER-DAEMON (Mail Delivery Subsystem)", True), ("MAILER-DAEMON@a.example (Mail)", True), ("<>", True),
        ('"Mail, Delivery" <Postmaster@a.example>', True), ("jo@mailer-daemon.example", False), ("Postmaster <jo@a.example>", False),
    ],
)  # fmt: skip
def test_daemons_are_known_by_their_local_part(origin: str, believed: bool) -> None:
    raw = f"From: {origin}\r\n\r\nundeliverable: 550 5.1.1 user unknown".encode()
    assert isinstance(read(raw), DeliveryReport) == believed


@pytest.mark.parametrize("head", [b"", b"Return-Path: <jo@example.org>\r\n"])
def test_words_of_other_senders_are_not(head: bytes) -> None:
    raw = head + HEAD + FORMS[0].sample.encode()
    assert read(raw, sender="jo@example.org") == Nothing("personal")
    if head:
        assert read(raw) == Nothing("personal")


def test_the_path_a_message_came_by_goes_before_its_from() -> None:
    raw = b"Return-Path: <>\r\nFrom: jo@example.org\r\n\r\nUndeliverable: 550 5.1.1 user unknown\r\n"
    assert isinstance(read(raw), DeliveryReport)
    assert read(raw.partition(b"\n")[2]) == Nothing("personal")


@pytest.mark.parametrize(
    "field",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated; x=y",
        "X-Autoreply: yes",
        "Precedence: auto_reply",
    ],
)
def test_an_automatic_reply_is_ignored_though_it_speaks_of_failure(field: str) -> None:
    raw = f"From: jo@example.org\r\n{field}\r\nSubject: Re: News\r\n\r\nundeliverable: 550 5.1.1 user unknown".encode()
    assert isinstance(read(raw, sender=""), AutomaticReply)
    assert isinstance(read(raw.replace(field.encode(), b"Auto-Submitted: no"), sender=""), DeliveryReport)


def test_a_report_of_a_form_that_marks_itself_as_automatic_is_still_one() -> None:
    raw = b"Auto-Submitted: auto-replied\r\n" + HEAD + FORMS[0].sample.encode()
    assert isinstance(read(raw, sender=""), DeliveryReport)


def test_late_is_not_failed() -> None:
    report = read(HEAD.replace(b"Subject: x", b"Subject: Delayed mail") + b"452 4.2.2 over quota", sender="")
    assert isinstance(report, DeliveryReport)
    assert [one.action for one in report.recipients] == [Action.DELAYED]
    assert failure_of(report) is None


def test_a_server_that_marks_its_report_as_automatic_is_believed_and_a_person_is_not() -> None:
    text = b"Auto-Submitted: auto-replied\r\nFrom: %s@example.org\r\n\r\nYour mail has not been delivered to jo: 550 5.1.1 gone"
    assert isinstance(read(text % b"MAILER-DAEMON", sender=""), DeliveryReport)
    assert isinstance(read(b"X-Failed-Recipients: jo@example.org\r\n" + text % b"x", sender=""), DeliveryReport)
    for name in (b"jo", b"postmaster"):
        assert read(text % name, sender="") == AutomaticReply("auto-submitted")


def test_a_warning_with_a_permanent_reply_is_a_failure() -> None:
    report = read(HEAD.replace(b"Subject: x", b"Subject: Warning") + b"delivery failed: 550 5.1.1 gone", sender="")
    assert isinstance(report, DeliveryReport)
    assert failure_of(report) is not None


def test_words_that_say_nothing_of_failure_are_nothing() -> None:
    assert read(HEAD + b"Have a nice day\r\n", sender="") == Nothing("unread")
    assert read(HEAD, sender="") == Nothing("empty")


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("said: 550 5.1.1 no such\n  user (in reply)\n\nBye", "550 5.1.1 no such user (in reply)"),
        ("<<< 550-5.1.1 no such\n<<< 550 5.1.1 user\n>>> QUIT", "550-5.1.1 no such user"),
        ("It was gone (#5.1.1)\n\nx", "5.1.1)"),
        ("Our 550 servers\n\n--- Original message ---\n550 5.7.1 spam", "550 servers"),
        ("The mailbox is full", "The mailbox is full"),
    ],
)
def test_the_words_of_the_failing_server_are_found(text: str, reply: str) -> None:
    assert reply_in(text) == reply
