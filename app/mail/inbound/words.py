"""Reports in a server's own words. The forms are data, in `forms.toml`, each with a report it was made for.

A form says what it is known by and where the words of the failing server begin. Every distance in a pattern is
bounded and the text they look at is short, so reading stays linear. Imports the values of this package.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from app.mail.inbound.delivery_status import MAX_ADDRESS, MAX_DIAGNOSTIC, in_one_line
from app.mail.inbound.values import Action, DeliveryReport, RecipientReport

MAX_LOOKED = 12_000
"""Characters of what a report says to people that are looked at."""
MAX_SUBJECT = 300
"""Characters of its subject."""
MAX_REPLY = 900
"""Characters of the part that holds the reply."""
_FLAGS = re.IGNORECASE | re.MULTILINE


@dataclass(frozen=True, slots=True)
class Form:
    """One kind of report in words."""

    name: str
    known_by: re.Pattern[str]
    begins: re.Pattern[str]
    delayed: bool
    sample: str
    category: str
    """What the sample is; empty when it makes no bounce."""


@dataclass(frozen=True, slots=True)
class Translation:
    """One row of `translations.toml`."""

    pattern: re.Pattern[str]
    words: str
    sample: str


def _translations() -> tuple[Translation, ...]:
    data = tomllib.loads((Path(__file__).parent / "translations.toml").read_text("utf-8"))
    return tuple(
        Translation(re.compile(row["pattern"], _FLAGS), row["words"], row["sample"]) for row in data["translation"]
    )


def _load() -> tuple[tuple[Form, ...], dict[str, re.Pattern[str]]]:
    data = tomllib.loads((Path(__file__).parent / "forms.toml").read_text("utf-8"))
    forms = [
        Form(
            form["name"],
            re.compile(form["known_by"], _FLAGS),
            re.compile(form.get("begins", form["known_by"]), _FLAGS),
            form.get("delayed", False),
            form["sample"],
            form.get("category", ""),
        )
        for form in data["form"]
    ]
    return tuple(forms), {name: re.compile("|".join(words), _FLAGS) for name, words in data["any"].items()}


FORMS, _ANY = _load()
TRANSLATIONS = _translations()
_PREFIX = re.compile(r"^[ \t]{0,20}(?:<<<|<--|>(?!>>))[ \t]{0,9}", re.MULTILINE)
_COMMAND = re.compile(r"^[ \t]{0,20}(?:>>>|-->|-{4,}|={4,}|--- ?\w)", re.MULTILINE)
_REPLY = re.compile(
    r"(?:^|[\s:;'\"(\[>=])((?:4[2-5]|5[0-7])\d[ -](?:#?[45]\.\d{1,3}\.\d{1,3}[\s:-])?(?=[^\n]{0,60}[^\W\d]{2}))",
    re.MULTILINE,
)
_STATUS = re.compile(r"(?:^|[\s:;'\"(\[#<])([45]\.\d{1,3}\.\d{1,3})(?![\d.])", re.MULTILINE)
_PARAGRAPH = re.compile(r"\n[ \t]*\n")
_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}")


def known(subject: str, text: str) -> DeliveryReport | None:
    """Read a report of one of the forms; None when it is of none."""
    text = text[:MAX_LOOKED]
    whole = f"{subject[:MAX_SUBJECT]}\n\n{text}"
    for form in FORMS:
        if form.known_by.search(whole):
            begins = form.begins.search(text)
            rest = text[begins.end() :] if begins else text
            return _report(form.name, rest, subject=subject, whole=text, delayed=form.delayed)
    return None


def guessed(subject: str, text: str) -> DeliveryReport | None:
    """Read a report of no known form, if it says at all that mail was not delivered."""
    text, subject = text[:MAX_LOOKED], subject[:MAX_SUBJECT]
    rest = _before_original(text)
    told = _ANY["failed"].search(subject) or _ANY["failed"].search(rest) or _REPLY.search(rest) or translated(rest)
    late = _is_late(subject) or _ANY["late"].search(rest)
    return _report("words", rest, subject=subject, whole=rest) if told or late else None


def reply_in(text: str) -> str:
    """Return the words of the failing server in what a report says to people, in one line.

    A reply with its code, else a sentence with an enhanced code, else all of it up to the copy of our mail.
    """
    rest = _PREFIX.sub("", _before_original(text[:MAX_LOOKED]))
    found = _REPLY.search(rest) or _STATUS.search(rest)
    if found is None:
        return in_one_line(rest)
    return in_one_line(_up_to_end(rest[found.start(1) :]))


def translated(text: str) -> str:
    """Return what a text in another language says, in the words of the contract's table; empty if nothing is known."""
    return next((row.words for row in TRANSLATIONS if row.pattern.search(text[:MAX_DIAGNOSTIC])), "")


def _report(form: str, text: str, *, subject: str, whole: str, delayed: bool = False) -> DeliveryReport:
    address = _ADDRESS.search(text[:MAX_LOOKED])
    final = address[0][:MAX_ADDRESS] if address else ""
    reply = reply_in(text)
    late = delayed or bool(_ANY["late"].search(whole)) or (_is_late(subject) and not reply.startswith("5"))
    action = Action.DELAYED if late else Action.FAILED
    return DeliveryReport(form, (RecipientReport(action, diagnostic=reply, final_recipient=final),))


def _is_late(subject: str) -> bool:
    return bool(_ANY["late_subject"].search(subject[:MAX_SUBJECT]))


def _before_original(text: str) -> str:
    found = _ANY["original"].search(text)
    if found is None or not text[: found.start()].strip():
        return text
    return text[: found.start()]


def _up_to_end(text: str) -> str:
    text = text[:MAX_REPLY]
    for end in (_PARAGRAPH, _COMMAND):
        found = end.search(text)
        if found is not None and found.start():
            text = text[: found.start()]
    return text
