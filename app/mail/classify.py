"""What a failed delivery means: type, category, code and the classic rule.

The rules over the other server's words are data, in `classify.toml`, each with a reply it was made for. Imports the
standard library only.

Source: docs/contract/dyn-email.md, sections 15 and 17.
"""

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

MAX_TEXT = 2000
"""Characters of a reply that are looked at, once its lines are joined."""
MAX_RAW = 8000
"""Characters of which those are made; a report may indent and repeat."""
PERMANENT = 5
"""First digit of permanent replies and codes."""


class LocalFailure(StrEnum):
    """Failures on our side, which have no reply; the value is their code."""

    NO_DOMAIN = "5.1.2"
    """The domain does not exist."""
    NULL_MX = "5.1.10"
    """The domain says it takes no mail (RFC 7505)."""
    NO_DNS_ANSWER = "4.4.3"
    """DNS did not answer."""
    NO_CONNECTION = "4.4.1"
    """No connection, or no reply in time."""
    CONNECTION_LOST = "4.4.2"
    """The connection broke, or TLS failed."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The facts of one bounce."""

    bounce_type: Literal["hard", "soft"]
    category: str
    """One of the words of section 15.1, such as `bad-mailbox`."""
    code: str
    """Enhanced status code, such as `5.1.1`."""
    regex_name: str
    """Category without dashes and the number of what matched, such as `badmailbox01`."""
    rule: str
    """The classic rule, such as `emaildoesntexist`."""


@dataclass(frozen=True, slots=True)
class TextRule:
    """One pattern of `classify.toml`."""

    category: str
    number: int
    pattern: re.Pattern[str]
    permanent: bool
    """Whether the rule holds for permanent replies only."""
    example: str


def _load() -> tuple[dict[str, str], dict[str, str], dict[str, str], tuple[TextRule, ...]]:
    data = tomllib.loads((Path(__file__).parent / "classify.toml").read_text("utf-8"))
    rules = [
        TextRule(
            category=rule["category"],
            number=rule["number"],
            pattern=re.compile(rule["pattern"], re.IGNORECASE | re.DOTALL),
            permanent=rule.get("permanent", False),
            example=rule["example"],
        )
        for rule in data["text"]
    ]
    return data["codes"], data["classic"], data["meanings"], tuple(rules)


_CODES, _CLASSIC, _MEANINGS, TEXT_RULES = _load()
_CODE_BEHIND_REPLY = re.compile(r"[245]\d\d[ -]#?([245]\.\d{1,3}\.\d{1,3})(?!\d)")
_DIAGNOSTIC_TYPE = re.compile(r"\s{0,9}(?:smtp|lmtp|dns|x400|unix|x-[a-z0-9-]{1,20});\s{0,9}", re.IGNORECASE)
_CODES_OF_LINE = re.compile(r"[245]\d\d[ -](?:[245]\.\d{1,3}\.\d{1,3} )?")
"""What each line of a reply begins with."""
_TOLD_REPLY = re.compile(r"(?:^|[:;(]\s?)([45])\d\d[ -](?:#?([45]\.\d{1,3}\.\d{1,3})(?![\d.]))?")
_TOLD_CODE = re.compile(r"(?:^|[\s(#\[<:])([45]\.\d{1,3}\.\d{1,3})(?![\d.])")
_CODE = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\Z")


def classify(reply: str, code: int, enhanced: str | None) -> Verdict:
    """Judge a failure by what the other server said.

    Args:
        reply: Its words, with or without the reply code in front, in any number of lines; from a failure report, its
            diagnostic text with or without the type in front (RFC 3464, 2.3.6), or what it says to people.
        code: The reply code, 0 if there was none, or none is known apart from the words.
        enhanced: The enhanced status code, if known apart from the reply.

    Returns:
        Code `5.0.0` or `4.0.0` when neither reply nor argument has one; without any code the failure is permanent.
    """
    reply = _in_one_line(reply)
    if not code and not enhanced:
        code, enhanced = _told(reply)
    status = _status(reply, code, enhanced)
    matched = _by_text(reply, code, status)
    if matched is not None:
        return _verdict(matched.category, matched.number, code, status)
    if not reply.strip() and not code and not enhanced:
        return _verdict("unclassified", 0, code, status)
    return _by_code(code, status)


def local_failure(kind: LocalFailure | str) -> Verdict:
    """Judge a failure on our side, by its code alone: an enum member, or any enhanced status code."""
    return _by_code(0, str(kind))


def expired(last_reply: str, code: int, enhanced: str | None) -> Verdict:
    """Judge a copy whose queue lifetime is spent, by the last temporary reply.

    Args:
        last_reply: The last reply, empty if there never was one.
        code: Its reply code; 0 says that the words are our own, and they are not looked at.
        enhanced: Its enhanced status code.
    """
    reply = _in_one_line(last_reply)
    status = _status(reply, code, enhanced)
    matched = _by_text(reply, code, status) if code else None
    if matched is None:
        return _verdict("message-expired", 90, 0, "4.4.7")
    return _verdict(matched.category, matched.number, code, status)


def meaning(code: str) -> str:
    """Return what an enhanced status code means, in the words of section 17."""
    subject, _, detail = code.partition(".")[2].partition(".")
    return _MEANINGS.get(f"x.{subject}.{detail}") or _MEANINGS.get(f"x.{subject}.x") or _MEANINGS["other"]


def _in_one_line(text: str) -> str:
    """Return what was said without line breaks, the codes that are repeated after them, and a diagnostic type."""
    text = text[:MAX_RAW]
    kind = _DIAGNOSTIC_TYPE.match(text)
    first, *others = [" ".join(line.split()) for line in text[kind.end() if kind else 0 :].splitlines()] or [""]
    return " ".join([first, *(_without_codes(line) for line in others)])[:MAX_TEXT]


def _without_codes(line: str) -> str:
    codes = _CODES_OF_LINE.match(line)
    return line[codes.end() :] if codes else line


def _told(text: str) -> tuple[int, str | None]:
    """Return the codes a report tells in its words; the first digit stands for the whole reply code."""
    reply = _TOLD_REPLY.search(text)
    enhanced = _TOLD_CODE.search(text)
    if reply is not None:
        return int(reply[1]) * 100, reply[2]
    return 0, enhanced[1] if enhanced is not None else None


def _status(reply: str, code: int, enhanced: str | None) -> str:
    if enhanced and _CODE.match(enhanced):
        return enhanced
    found = _CODE_BEHIND_REPLY.match(reply)
    if found:
        return found[1]
    return "4.0.0" if code // 100 == PERMANENT - 1 else "5.0.0"


def _by_text(reply: str, code: int, status: str) -> TextRule | None:
    permanent = _is_permanent(code, status)
    for rule in TEXT_RULES:
        if (permanent or not rule.permanent) and rule.pattern.search(reply):
            return rule
    return None


def _by_code(code: int, status: str) -> Verdict:
    subject, _, detail = status.partition(".")[2].partition(".")
    category = _CODES.get(f"x.{subject}.{detail}") or _CODES.get(f"x.{subject}.x")
    return _verdict(category, 90, code, status) if category else _verdict("other", 0, code, status)


def _is_permanent(code: int, status: str) -> bool:
    return code // 100 == PERMANENT or status.startswith(f"{PERMANENT}.")


def _verdict(category: str, number: int, code: int, status: str) -> Verdict:
    hard = _is_permanent(code, status) and category in {"bad-mailbox", "inactive-mailbox", "bad-domain"}
    bad_syntax = category == "bad-mailbox" and status.endswith(".1.3")
    return Verdict(
        bounce_type="hard" if hard else "soft",
        category=category,
        code=status,
        regex_name=f"{category.replace('-', '')}{number:02}",
        rule="invalidemail" if bad_syntax else _CLASSIC[category],
    )
