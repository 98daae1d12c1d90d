"""The classic rule of a bounce (docs/contract/dyn-email.md, 15.3)."""

import pytest

from app.mail.bounce_rules import BOUNCE_RULES, blocked_text, blocked_type, bounce_rule
from app.mail.classify import classify

CONTRACT = {
    "bad-mailbox": "emaildoesntexist",
    "bad-domain": "domaindoesntexist",
    "inactive-mailbox": "inactive",
    "quota-issues": "overquota",
    "spam-related": "blockedcontent",
    "content-related": "blockedcontent",
    "virus-related": "blockedcontent",
    "policy-related": "blockedcontent",
    "relaying-issues": "relayerror",
    "bad-configuration": "remoteconfigerror",
    "bad-connection": "remoteconfigerror",
    "no-answer-from-host": "remoteconfigerror",
    "routing-errors": "remoteconfigerror",
    "message-expired": "remoteconfigerror",
    "protocol-errors": "remoteconfigerror",
    "other": "remoteconfigerror",
    "unclassified": "remoteconfigerror",
    "invalid-sender": "localconfigerror",
}


def test_each_category_has_the_rule_of_the_contract() -> None:
    assert dict(BOUNCE_RULES) == CONTRACT


@pytest.mark.parametrize(
    ("category", "code", "rule"),
    [
        ("bad-mailbox", "5.1.1", "emaildoesntexist"),
        ("bad-mailbox", "5.1.3", "invalidemail"),
        ("bad-mailbox", "5.1.13", "emaildoesntexist"),
        ("spam-related", "5.1.3", "blockedcontent"),
        ("never-heard-of", "", "remoteconfigerror"),
    ],
)
def test_the_code_counts_for_bad_mailboxes_only(category: str, code: str, rule: str) -> None:
    assert bounce_rule(category, code) == rule


@pytest.mark.parametrize("reply", ["550 5.1.1 User unknown", "501 5.1.3 Bad address syntax", "552 5.2.2 full", "???"])
def test_it_is_the_rule_that_the_reply_was_judged_by(reply: str) -> None:
    verdict = classify(reply, 550, None)
    assert bounce_rule(verdict.category, verdict.code) == verdict.rule


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("hardbounce", "previouslyhardbounced"),
        ("complaint", "previouslycomplained"),
        ("softbounce", "suppressed"),
        ("manual", "suppressed"),
        ("unsubscribe", "suppressed"),
        ("deleted", "suppressed"),
    ],
)
def test_a_blocked_copy_counts_by_its_reason(reason: str, kind: str) -> None:
    assert blocked_type(reason) == kind
    assert blocked_text(reason) == f"recipient is suppressed: {reason}"
