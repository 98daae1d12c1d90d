"""The verdict on every kind of failure."""

import pytest

from app.mail.classify import (
    _CLASSIC,
    _CODES,
    TEXT_RULES,
    LocalFailure,
    TextRule,
    Verdict,
    classify,
    expired,
    local_failure,
    meaning,
)

ROWS = {
    "spam-related": 6,
    "virus-related": 3,
    "content-related": 3,
    "quota-issues": 4,
    "inactive-mailbox": 2,
    "bad-mailbox": 4,
    "relaying-issues": 1,
    "bad-domain": 2,
    "policy-related": 8,
    "protocol-errors": 3,
    "routing-errors": 3,
}


def test_the_rules_are_those_of_the_contract_in_its_order() -> None:
    assert [(rule.category, rule.number) for rule in TEXT_RULES] == [
        (row, n) for row, count in ROWS.items() for n in range(1, count + 1)
    ]


@pytest.mark.parametrize("rule", TEXT_RULES, ids=lambda rule: f"{rule.category}-{rule.number}")
def test_each_rule_reads_its_own_example(rule: TextRule) -> None:
    verdict = classify(rule.example, int(rule.example[:3]), None)
    assert verdict.category == rule.category
    assert verdict.regex_name == f"{rule.category.replace('-', '')}{rule.number:02}"
    assert classify(rule.example.upper(), int(rule.example[:3]), None) == verdict


@pytest.mark.parametrize(
    ("reply", "code", "enhanced", "verdict"),
    [
        (
            "550 5.1.1 User unknown",
            550,
            "5.1.1",
            Verdict("hard", "bad-mailbox", "5.1.1", "badmailbox03", "emaildoesntexist"),
        ),
        ("550 no such user", 550, None, Verdict("hard", "bad-mailbox", "5.0.0", "badmailbox01", "emaildoesntexist")),
        (
            "450 4.1.1 user unknown",
            450,
            None,
            Verdict("soft", "bad-mailbox", "4.1.1", "badmailbox03", "emaildoesntexist"),
        ),
        ("553 5.1.3 nonsense", 553, None, Verdict("hard", "bad-mailbox", "5.1.3", "badmailbox90", "invalidemail")),
        ("550 5.2.1 gone", 550, None, Verdict("hard", "inactive-mailbox", "5.2.1", "inactivemailbox90", "inactive")),
        ("552 5.2.2 over", 552, None, Verdict("soft", "quota-issues", "5.2.2", "quotaissues90", "overquota")),
        (
            "550 mailbox unavailable",
            550,
            None,
            Verdict("hard", "bad-mailbox", "5.0.0", "badmailbox04", "emaildoesntexist"),
        ),
        ("450 mailbox unavailable", 450, None, Verdict("soft", "other", "4.0.0", "other00", "remoteconfigerror")),
        ("550 5.1.10 nope", 550, None, Verdict("hard", "bad-domain", "5.1.10", "baddomain90", "domaindoesntexist")),
        ("550 5.1.8 hm", 550, None, Verdict("soft", "invalid-sender", "5.1.8", "invalidsender90", "localconfigerror")),
        (
            "550 5.5.2 hm",
            550,
            None,
            Verdict("soft", "protocol-errors", "5.5.2", "protocolerrors90", "remoteconfigerror"),
        ),
        ("550 5.6.7 hm", 550, None, Verdict("soft", "content-related", "5.6.7", "contentrelated90", "blockedcontent")),
        ("550 5.7.9 hm", 550, None, Verdict("soft", "policy-related", "5.7.9", "policyrelated90", "blockedcontent")),
        ("554 relay denied", 554, None, Verdict("soft", "relaying-issues", "5.0.0", "relayingissues01", "relayerror")),
        ("550 5.1.12 hm", 550, None, Verdict("soft", "other", "5.1.12", "other00", "remoteconfigerror")),
        ("451 hm", 451, None, Verdict("soft", "other", "4.0.0", "other00", "remoteconfigerror")),
        ("", 0, None, Verdict("soft", "unclassified", "5.0.0", "unclassified00", "remoteconfigerror")),
        (
            "The address you wrote to was not found",
            0,
            "5.1.1",
            Verdict("hard", "bad-mailbox", "5.1.1", "badmailbox03", "emaildoesntexist"),
        ),
        ("550 x", 550, "nonsense", Verdict("soft", "other", "5.0.0", "other00", "remoteconfigerror")),
    ],
)
def test_verdicts(reply: str, code: int, enhanced: str | None, verdict: Verdict) -> None:
    assert classify(reply, code, enhanced) == verdict


CODES = {
    "x.1.1": "bad-mailbox", "x.1.3": "bad-mailbox", "x.1.2": "bad-domain", "x.1.10": "bad-domain", "x.1.7": "invalid-sender",
    "x.1.8": "invalid-sender", "x.2.1": "inactive-mailbox", "x.2.2": "quota-issues", "x.3.4": "content-related",
    "x.3.5": "bad-configuration", "x.4.1": "no-answer-from-host", "x.4.2": "bad-connection", "x.4.3": "routing-errors",
    "x.4.4": "routing-errors", "x.4.6": "routing-errors", "x.4.7": "message-expired", "x.5.0": "protocol-errors",
    "x.6.3": "content-related", "x.7.0": "policy-related", "x.9.9": "other",
}  # fmt: skip


@pytest.mark.parametrize("first", ["4", "5"])
@pytest.mark.parametrize(("code", "category"), CODES.items())
def test_every_code_has_its_category(first: str, code: str, category: str) -> None:
    enhanced = code.replace("x", first)
    verdict = classify("words", int(first) * 100 + 50, enhanced)
    assert (verdict.category, verdict.code) == (category, enhanced)
    assert verdict.regex_name.endswith("00" if category == "other" else "90")
    assert (verdict.bounce_type == "hard") == (
        first == "5" and category in {"bad-mailbox", "inactive-mailbox", "bad-domain"}
    )


@pytest.mark.parametrize(
    ("kind", "bounce_type", "category"),
    [
        (LocalFailure.NO_DOMAIN, "hard", "bad-domain"),
        (LocalFailure.NULL_MX, "hard", "bad-domain"),
        (LocalFailure.NO_DNS_ANSWER, "soft", "routing-errors"),
        (LocalFailure.NO_CONNECTION, "soft", "no-answer-from-host"),
        (LocalFailure.CONNECTION_LOST, "soft", "bad-connection"),
        ("5.6.7", "soft", "content-related"),
    ],
)
def test_failures_on_our_side_go_by_code(kind: str, bounce_type: str, category: str) -> None:
    verdict = local_failure(kind)
    assert (verdict.bounce_type, verdict.category, verdict.code) == (bounce_type, category, str(kind))
    assert verdict.regex_name.endswith("90")


def test_a_spent_lifetime_goes_by_the_last_reply_if_a_rule_reads_it() -> None:
    full = expired("452 4.2.2 mailbox full", 452, "4.2.2")
    assert (full.bounce_type, full.category, full.code) == ("soft", "quota-issues", "4.2.2")
    spent = Verdict("soft", "message-expired", "4.4.7", "messageexpired90", "remoteconfigerror")
    assert expired("451 try later", 451, "4.3.0") == spent
    assert expired("", 0, None) == spent
    assert expired("connection refused", 0, "4.4.1") == spent  # our own words are not looked at


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("5.1.1", "bad destination mailbox address"),
        ("4.4.7", "delivery time expired"),
        ("5.6.3", "message content error"),
        ("5.7.1", "delivery not authorized"),
        ("5.7.2", "undefined status"),
        ("5.1.10", "undefined status"),
        ("5.0.0", "undefined status"),
        ("", "undefined status"),
    ],
)
def test_codes_have_a_meaning(code: str, words: str) -> None:
    assert meaning(code) == words


@pytest.mark.parametrize("piece", ["user ", "unknown ", "invalid user", "disabled", "a", "message "])
@pytest.mark.timeout(20)
def test_hard_replies_take_bounded_time(piece: str) -> None:
    assert classify(piece * 1_000_000, 550, None).code == "5.0.0"


SAID = [
    # What servers and reports really say: one line, several, with the type of a diagnostic, for people.
    ("550-5.1.1 The email account that you tried to reach\r\n550-5.1.1 does not exist. Please check\r\n550 5.1.1 it", 550, "hard", "bad-mailbox", "5.1.1"),
    ("smtp; 550-5.1.1 The email account that you tried to reach\n    550-5.1.1 does not exist.", 0,
     "hard", "bad-mailbox", "5.1.1"),
    ("smtp;550 5.1.1 <jo@example.org>: Recipient address rejected: User unknown in virtual mailbox table", 0,
     "hard", "bad-mailbox", "5.1.1"),
    ("550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient jo@example.org not found by SMTP address lookup", 550,
     "hard", "bad-mailbox", "5.1.10"),
    ("552-5.2.2 The email account that you tried to reach is over quota and inactive.\n552 5.2.2 Please direct", 552,
     "soft", "quota-issues", "5.2.2"),
    ("X-Postfix; unable to look up host mx.gone.example: Host or domain name not found. Name service error", 0,
     "hard", "bad-domain", "5.0.0"),
    ("<jo@example.org>: host mx.example.org[192.0.2.1] said: 554 5.7.1 <jo@example.org>: Relay\n    access denied", 0, "soft", "relaying-issues", "5.7.1"),
    ("SMTP error from remote mail server after RCPT TO:<jo@example.org>: 452 4.2.2 Out\nof room", 0, "soft", "quota-issues", "4.2.2"),
    ("Remote host said: 450 no room just now", 0, "soft", "other", "4.0.0"),
    ("The following message could not be delivered.\n\njo@example.org\n    Unknown\n    user", 0,
     "hard", "bad-mailbox", "5.0.0"),
    ("Your mail could not be delivered (#5.2.1)", 0, "hard", "inactive-mailbox", "5.2.1"),
    ("421 4.7.0 [192.0.2.7] Our system has detected an unusual rate of unsolicited\n421-4.7.0 mail", 421,
     "soft", "spam-related", "4.7.0"),
    ("550 5.7.1 Service unavailable, Client host [192.0.2.7] blocked using zen. (S3140)", 550,
     "soft", "spam-related", "5.7.1"),
    ("550-5.7.26 Your email has been blocked because the sender is unauthenticated.", 550,
     "soft", "spam-related", "5.7.26"),
    ("Host 5.1.1.4 did not answer", 0, "soft", "other", "5.0.0"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "code", "bounce_type", "category", "status"), SAID)
def test_what_servers_and_reports_say(said: str, code: int, bounce_type: str, category: str, status: str) -> None:
    verdict = classify(said, code, None)
    assert (verdict.bounce_type, verdict.category, verdict.code) == (bounce_type, category, status)


@pytest.mark.parametrize("piece", ["\r\n550-5.1.1 ", "\n \n", "a; ", ": 550 ", "(#5", "550-", " " * 50 + "\t\n"])
@pytest.mark.timeout(20)
def test_long_reports_take_bounded_time(piece: str) -> None:
    assert classify(piece * 1_000_000, 0, None).code


def test_every_category_has_a_rule_and_there_are_eighteen() -> None:
    assert len(_CLASSIC) == 18
    assert {rule.category for rule in TEXT_RULES} | {*_CODES.values(), "other", "unclassified"} == set(_CLASSIC)
