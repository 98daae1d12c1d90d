"""The part of a report that programs read (RFC 3464, RFC 6533). Imports values and fields of this package."""

import re

from app.mail.inbound.decoding import text_of, transferred
from app.mail.inbound.fields import Fields, fields_of
from app.mail.inbound.parts import Part
from app.mail.inbound.values import Action, RecipientReport

KINDS = frozenset({"message/delivery-status", "message/global-delivery-status"})
"""What the part is by rights."""
LOOSE_KINDS = frozenset({"text/plain", "application/octet-stream", "text/x-delivery-status", "message/report"})
"""What it is called by some."""
MAX_BLOCKS = 1_000
"""Blocks of a report that are read: one for the message, one for each recipient."""
MAX_LINES = 20_000
"""Lines of a report that are read."""
MAX_DIAGNOSTIC = 2_000
"""Characters of a server's words that are kept."""
MAX_ADDRESS = 400
"""Characters of an address that are kept."""

_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_TYPE = re.compile(r"\s*[A-Za-z0-9-]{1,30}\s*;\s*")
_CODES = re.compile(r"([45]\d\d)[ -](?:#?([45]\.\d{1,3}\.\d{1,3})(?: |$))?")
_UNICODE = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")
_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_ENCODED = re.compile(rb"[A-Za-z0-9+/=\s]+\Z")
_BY_DIGIT = {"2": Action.DELIVERED, "4": Action.DELAYED, "5": Action.FAILED}


def recipients_of(part: Part) -> tuple[RecipientReport, ...]:
    """Return what a part says of each recipient, nothing if it is no such part."""
    body = part.body()
    found = _recipients(text_of(body, part.parameters.get("charset", "")))
    if part.kind not in KINDS:
        return tuple(one for one in found if one.final_recipient)  # prose may have a line that begins with "Action:"
    if not found and "content-transfer-encoding" not in part.fields and _ENCODED.match(body):
        found = _recipients(text_of(transferred(body, "base64")))  # encoded, and it was not said
    return found


def xtext(text: str) -> str:
    """Undo the encoding of RFC 3461, section 4: `+2B` is a plus sign."""
    return _XTEXT.sub(lambda match: chr(int(match[1], 16)), text)


def without_type(text: str) -> str:
    """Return the words of a Diagnostic-Code without their type, in one line."""
    kind = _TYPE.match(text)
    return in_one_line(text[kind.end() :] if kind else text)


def in_one_line(text: str) -> str:
    """Return words without line breaks, and without the codes that each line of a reply begins with but the first."""
    line = " ".join(text[: 2 * MAX_DIAGNOSTIC].split())
    codes = _CODES.match(line)
    if codes is not None:
        code, enhanced = codes.groups()
        again = rf" {code}[ -]#?{re.escape(enhanced)} " if enhanced else rf" {code}-"
        line = re.sub(again, " ", line)
    return line[:MAX_DIAGNOSTIC]


def _recipients(text: str) -> tuple[RecipientReport, ...]:
    reports: list[RecipientReport] = []
    for block in _blocks(text):
        if len(reports) >= MAX_BLOCKS:
            break
        report = _recipient(block)
        if report is not None:
            reports.append(report)
    return tuple(reports)


def _blocks(text: str) -> list[Fields]:
    """Divide at blank lines, and where a recipient begins though no blank line says so."""
    blocks: list[list[str]] = [[]]
    recipients = set[str]()
    for line in text.split("\n", MAX_LINES)[:MAX_LINES]:
        name = line.partition(":")[0].strip().lower()
        again = name in {"final-recipient", "original-recipient"} and name in recipients
        if not line.strip() or again:
            if len(blocks) > MAX_BLOCKS:
                break
            blocks.append([])
            recipients.clear()
        if name in {"final-recipient", "original-recipient"}:
            recipients.add(name)
        blocks[-1].append(line)
    return [fields_of(block) for block in blocks if block]


def _recipient(block: Fields) -> RecipientReport | None:
    final, original = _address(block.get("final-recipient")), _address(block.get("original-recipient"))
    status = _STATUS.search(block.get("status"))
    action = _action(block.get("action"), status)
    if action is None or not (final or original or "action" in block):
        return None
    return RecipientReport(
        action=action,
        status=".".join(status.groups()) if status else "",
        diagnostic=without_type(block.get("diagnostic-code")),
        final_recipient=final,
        original_recipient=original,
    )


def _action(value: str, status: re.Match[str] | None) -> Action | None:
    """Return what was done: a report that does not say goes by its code."""
    word = value.strip().lower()
    for action in Action:
        if word.startswith(action.value):
            return action
    if word.startswith(("fail", "undeliver")):
        return Action.FAILED
    return _BY_DIGIT[status[1]] if status else None


def _address(value: str) -> str:
    kind = _TYPE.match(value)
    text = value[kind.end() if kind else 0 :].strip()[:MAX_ADDRESS]
    if kind and kind[0].strip().lower().startswith("utf-8"):
        text = _UNICODE.sub(_code_point, text)
    return text.removeprefix("<").partition(">")[0].strip()


def _code_point(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return match[0] if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF or code == 0 else chr(code)  # noqa: PLR2004
