"""Complaints, and reports that are none."""

import base64

import pytest

from app.mail import verp
from app.mail.inbound import FeedbackReport, read

KEY = b"k" * 32
TOKEN = verp.encode(KEY, accepted_at=1_479_772_800, message_id=7)
OTHER = verp.encode(KEY, accepted_at=1_479_772_800, message_id=8)


def arf(kind: str = "abuse", *, told: str = "", returned: str = "", part: str = "message/rfc822") -> bytes:
    return (
        (
            "From: <fbl@provider.example>\nSubject: FW: News\nContent-Type: multipart/report; report-type=feedback-report;\n"
            f' boundary="b"\n\n--b\nContent-Type: text/plain\n\nThis is an abuse report.\n--b\nContent-Type: message/feedback-report\n\n'
            f"Feedback-Type: {kind}\nVersion: 1\n{told}\n--b\nContent-Type: {part}\n\n{returned}\n--b--\n"
        )
        .replace("\n", "\r\n")
        .encode()
    )


def read_as(raw: bytes) -> FeedbackReport:
    report = read(raw, sender="fbl@provider.example")
    assert isinstance(report, FeedbackReport), report
    return report


@pytest.mark.parametrize(
    ("kind", "complains"),
    [
        ("abuse", True), ("Abuse", True), ("fraud", True), ("other", True), ("opt-out", True), ("not-spam", False),
        ("auth-failure", False), ("dmarc", False), ("virus", False), ("", False), ("something-new", False),
    ],
)  # fmt: skip
def test_only_reports_of_unwanted_mail_are_complaints(kind: str, complains: bool) -> None:
    report = read_as(arf(kind, returned=f"X-Trireme-Message: {TOKEN}\n\nHello"))
    assert report == FeedbackReport(kind.lower(), complains, TOKEN)


@pytest.mark.parametrize("part", ["message/rfc822", "text/rfc822-headers", "message/global"])
def test_the_copy_is_named_in_the_returned_part(part: str) -> None:
    returned = f"From: a@b.example\nX-Trireme-Message: {TOKEN.upper()}\n\nX-Trireme-Message: {OTHER}"
    assert read_as(arf(returned=returned, part=part)).token == TOKEN


def test_an_encoded_returned_part_is_read() -> None:
    data = base64.encodebytes(f"X-Trireme-Message: {TOKEN}\n\nHello\n".encode()).decode()
    assert read_as(arf(returned=data, part="message/rfc822\nContent-Transfer-Encoding: base64")).token == TOKEN


def test_our_return_path_stands_in_for_a_header_that_was_taken_out() -> None:
    path = f"bounces+{TOKEN}+jo=example.org@bounces.example.com"
    assert read_as(arf(told=f"Original-Mail-From: <{path}>\n", returned="From: a@b.example\n\n")).token == TOKEN
    assert read_as(arf(returned=f"Return-Path: <{path}>\n\n")).token == TOKEN
    assert (
        read_as(arf(told=f"Original-Mail-From: <{path}>\n", returned=f"X-Trireme-Message: {OTHER}\n\n")).token == OTHER
    )


def test_nothing_outside_of_the_returned_part_names_a_copy() -> None:
    assert (
        read_as(
            b"X-Trireme-Message: "
            + TOKEN.encode()
            + b"\r\n"
            + arf(returned=f"From: a@b.example\n\nX-Trireme-Message: {TOKEN}")
        ).token
        is None
    )
