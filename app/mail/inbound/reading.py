"""One message to one report. Imports the rest of this package."""

from dataclasses import replace

from app.mail.inbound import words
from app.mail.inbound.automatic import AUTO_SUBMITTED, mark_of
from app.mail.inbound.decoding import decoded
from app.mail.inbound.delivery_status import KINDS, LOOSE_KINDS, recipients_of
from app.mail.inbound.feedback import RETURNED, feedback_of
from app.mail.inbound.fields import Fields, parameters
from app.mail.inbound.parts import Part, parts_of
from app.mail.inbound.values import (
    Action,
    AutomaticReply,
    DeliveryReport,
    Nothing,
    RecipientReport,
    Report,
)

MAX_CONTENT = 256 * 1024
"""Characters of a message that are kept to be shown."""
MAX_TRIED = 5
"""Parts of one kind that are read in search of what a message says."""
DAEMONS = frozenset(
    {"mailer-daemon", "mailerdaemon", "mail-daemon", "maildaemon", "postmaster", "mdaemon", "mailer_daemon"}
)
"""Local parts of senders that stand for the null sender."""


def read(raw: bytes, *, sender: str | None = None) -> Report:
    """Read a message.

    Args:
        raw: As it came, headers first.
        sender: The envelope sender, empty for the null sender; None when unknown, then Return-Path and From stand in.
            Reports in a server's own words are believed from the null sender and from mailer daemons only.

    Returns:
        What it says; never raises.
    """
    fields, parts = parts_of(raw)
    feedback = feedback_of(parts)
    if feedback is not None:
        return feedback
    daemon = _from_daemon(fields, sender)
    told = _told(fields, parts, daemon=daemon)
    if told is not None:
        return told
    if any(part.kind == "message/disposition-notification" for part in parts):
        return AutomaticReply("receipt")
    return _in_words(fields, _for_people(parts), daemon=daemon)


def content(raw: bytes) -> str:
    """Return a message as text to be kept and shown, cut at `MAX_CONTENT` characters, without NULs."""
    return decoded(raw[:MAX_CONTENT]).replace("\0", "")


def _from_daemon(fields: Fields, sender: str | None) -> bool:
    """Tell whether a message came from the null sender or from a mailer daemon."""
    if sender is None:
        sender = fields.get("return-path") or fields.get("from") or "unknown"
    return _local_part(sender) in DAEMONS | {""}


def _local_part(address: str) -> str:
    """Return the local part in lower case, also of `Mail <a@b>`, `a@b (Mail)` and `MAILER-DAEMON (Mail)`."""
    return address.rpartition("<")[2].partition("(")[0].partition("@")[0].strip(' \t">').lower()


def _told(fields: Fields, parts: list[Part], *, daemon: bool) -> DeliveryReport | None:
    """Return what the part for programs says. What is called otherwise is looked at only where a report is likely."""
    likely = daemon or parameters(fields.get("content-type"))[0] == "multipart/report"
    for kinds in (KINDS, LOOSE_KINDS if likely else frozenset[str]()):
        for part in [part for part in parts if part.kind in kinds][:MAX_TRIED]:
            recipients = recipients_of(part)
            if recipients:
                return DeliveryReport("rfc3464", _with_words(recipients, parts))
    return None


def _with_words(reports: tuple[RecipientReport, ...], parts: list[Part]) -> tuple[RecipientReport, ...]:
    """Fill in the server's words from what is said to people, where the part for programs tells next to nothing."""
    if not any(map(_tells_little, reports)):
        return reports
    said = words.reply_in(_for_people(parts))
    return tuple(replace(one, diagnostic=said) if _tells_little(one) else one for one in reports)


def _tells_little(report: RecipientReport) -> bool:
    generic = not report.status or report.status.endswith(".0.0")
    return report.action is Action.FAILED and not report.diagnostic and generic


def _in_words(fields: Fields, text: str, *, daemon: bool) -> Report:
    subject = fields.words("subject")
    told = words.known(subject, text) if daemon else None
    if told is not None:
        return told
    mark = mark_of(fields)
    if mark == AUTO_SUBMITTED and daemon and _is_no_reply(fields):
        return words.guessed(subject, text) or AutomaticReply(mark)
    if mark is not None:
        return AutomaticReply(mark)
    if not daemon:
        return Nothing("personal")
    return words.guessed(subject, text) or Nothing("unread" if text.strip() else "empty")


def _is_no_reply(fields: Fields) -> bool:
    """Tell servers, which mark their reports as automatic too, from programs that answer for a person."""
    return _local_part(fields.get("from")) in DAEMONS - {"postmaster"} or "x-failed-recipients" in fields


def _for_people(parts: list[Part]) -> str:
    """Return the first text, plain before HTML, before our own mail comes back."""
    kinds = [part.kind for part in parts]
    returned = next((place for place, kind in enumerate(kinds) if kind in RETURNED), len(parts))
    for kind in ("text/plain", "text/html"):
        for part in [part for part in parts[:returned] if part.kind == kind][:MAX_TRIED]:
            text = part.text()
            if text.strip():
                return text
    return ""
