"""What a delivery report means for the copy it came back for. Imports `app.mail.classify`.

Where the words of the failing server (Diagnostic-Code) and Status differ, the words win: Status is made up by the
server that reports, and is often the least it could say (`5.0.0`). So a code that stands in the words counts; without
one the code in Status, unless that is a mere x.0.0 of another class than the reply code in the words.
"""

import re

from app.mail.classify import Verdict, classify
from app.mail.inbound.delivery_status import xtext
from app.mail.inbound.values import Action, DeliveryReport, Failure, RecipientReport
from app.mail.inbound.words import translated

_REPLY = re.compile(r"(?:^|[:;('\"]\s{0,3}|\bsaid:? )([45])\d\d(?:[ -]|$)")


def failure_of(report: DeliveryReport, recipient: str | None = None) -> Failure | None:
    """Judge a report by the rules of `app.mail.classify`.

    Args:
        report: What came.
        recipient: Whom the copy went to, if known: what the report says of this address decides. When it speaks of
            others only, any failure counts: our recipient's mail may have been passed on.

    Returns:
        None when nothing failed.
    """
    wanted = (recipient or "").strip().lower()
    about = [one for one in report.recipients if wanted and wanted in _names(one)]
    for one in about or report.recipients:
        if one.action is Action.FAILED:
            return Failure(_verdict(one.diagnostic, one.status), one.diagnostic)
    return None


def _names(report: RecipientReport) -> set[str]:
    given = {report.final_recipient.lower(), report.original_recipient.lower()}
    return given | {xtext(report.original_recipient).lower()}


def _verdict(words: str, status: str) -> Verdict:
    verdict = _by_table(words, status)
    if verdict.category not in {"other", "unclassified"}:
        return verdict
    plain = translated(words)
    return classify(plain, 0, verdict.code) if plain else verdict


def _by_table(words: str, status: str) -> Verdict:
    told = classify(words, 0, None)
    if status[:1] not in {"4", "5"} or (words and not told.code.endswith(".0.0")):
        return told
    reply = _REPLY.search(words)
    if reply is not None and status.endswith(".0.0") and status[0] != reply[1]:
        return told
    return classify(words, 0, status)
