"""Messages that mean harm cost little and say nothing of strangers."""

import time
import tracemalloc

import pytest

from app.mail.inbound import DeliveryReport, FeedbackReport, content, failure_of, read
from app.mail.verp import decode
from tests.mail.corpus.hostile import MB, messages

HOSTILE = dict(messages())
SECONDS = 1.0
STRANGER = "stranger-0@elsewhere.example"


def test_there_are_more_than_a_hundred() -> None:
    assert len(HOSTILE) > 100


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_message_is_read_in_bounded_time(name: str) -> None:
    raw = HOSTILE[name]()
    for sender in ("", None, "jo@example.org"):
        start = time.process_time()
        report = read(raw, sender=sender)
        match report:
            case DeliveryReport():
                failure_of(report, "jo@example.org")
                failure_of(report, STRANGER)
                assert len(report.recipients) <= 1_000
                assert all(len(one.diagnostic) <= 2_000 and "\n" not in one.diagnostic for one in report.recipients)
            case FeedbackReport(token=token) if token is not None:
                assert decode([b"a key"], token) is None
        assert "\0" not in content(raw)
        assert time.process_time() - start < SECONDS


@pytest.mark.parametrize(
    "name",
    [
        "10,000 nested parts",
        "50 MB of boundaries",
        "50 MB of base64",
        "50 MB in the head",
        "1,000,000 empty parts",
        "80 MB",
    ],
)
def test_a_hostile_message_needs_little_memory_beside_itself(name: str) -> None:
    raw = HOSTILE[name]()
    tracemalloc.start()
    try:
        read(raw, sender="")
        assert tracemalloc.get_traced_memory()[1] < 16 * MB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", [name for name in HOSTILE if name.startswith("complaint")])
def test_a_token_outside_the_returned_head_is_nobodys(name: str) -> None:
    report = read(HOSTILE[name](), sender=None)
    assert isinstance(report, FeedbackReport)
    if "no type" in name:
        assert not report.is_complaint
    else:
        assert report.token is None


@pytest.mark.parametrize("name", ["bare LF", "bare CR", "CR CR LF", "mixed", "an mbox line", "50 MB returned", "80 MB"])
def test_an_odd_but_plain_report_is_still_read(name: str) -> None:
    report = read(HOSTILE[name](), sender="")
    assert isinstance(report, DeliveryReport), report
    failure = failure_of(report, "jo@example.org")
    assert failure is not None
    assert failure.verdict.category == "bad-mailbox"


def test_of_doubled_fields_the_first_counts() -> None:
    report = read(HOSTILE["doubled actions"](), sender="")
    assert isinstance(report, DeliveryReport)
    assert failure_of(report) is None
