"""The header lines of a mail, from the parameters of `send`.

No value can end its line or begin another header: CR and LF become a blank, names are tokens. May import
`app.mail` and the parameters of this family.

Source: docs/contract/dyn-email.md, sections 7 and 12; RFC 4021.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from app.api.dyn.literals import read_map
from app.api.dyn.params import Params
from app.core.messages import Lane
from app.mail.addresses import InvalidAddress, Mailbox, parse_mailbox
from app.mail.headers import clean

MAX_X_HEADERS = 1000
"""Most X-headers of one mail; more are refused."""
MAX_REMEMBERED = 500
"""Characters of an X-header's value that are stored and shown."""

Header = tuple[str, str]
"""Name and value."""

_TEXTS: Sequence[Header] = (
    ("inreplyto", "In-Reply-To"),
    ("references", "References"),
    ("comments", "Comments"),
    ("keywords", "Keywords"),
    ("replyby", "Reply-By"),
    ("resent-date", "Resent-Date"),
    ("resent-from", "Resent-From"),
    ("resent-sender", "Resent-Sender"),
    ("resent-replyto", "Resent-Reply-To"),
    ("resent-messageid", "Resent-Message-ID"),
    ("list-unsubscribe", "List-Unsubscribe"),
)
_WORDS: Sequence[tuple[str, str, Mapping[str, str]]] = (
    ("importance", "Importance", {word: word for word in ("high", "normal", "low")}),
    ("priority", "Priority", {word: word for word in ("normal", "urgent", "non-urgent")}),
    (
        "sensitivity",
        "Sensitivity",
        {"personal": "personal", "private": "private", "company confidential": "Company-Confidential"},
    ),
)
_RARE = frozenset({parameter for parameter, *_ in (*_TEXTS, *_WORDS)})
_LANES: Mapping[str, Lane] = {"urgent": Lane.URGENT, "non-urgent": Lane.NON_URGENT}
_TOKEN = re.compile(r"[Xx]-[!#$%&'*+.^_`|~0-9A-Za-z-]{1,198}\Z")  # 200 in all: the longest name that is written
_MESSAGE_ID = re.compile(r"[!-;=?-~]{1,900}\Z")
_OURS = frozenset({"x-trireme-message"})
"""Written by us alone: complaints are traced by it."""


def mailbox_of(text: str | None) -> Mailbox | None:
    """Return the mailbox a single-address parameter holds; None when it is absent or not valid."""
    try:
        return parse_mailbox(text) if text else None
    except InvalidAddress:
        return None


def header_lines(
    params: Params, *, sender: Mailbox, to: Sequence[str], cc: Sequence[str], x_headers: Sequence[Header]
) -> tuple[Header, ...]:
    """Return the header lines in order, Unicode, each on one line; without Date, and Message-ID only if one was given.

    Args:
        params: Of the request.
        sender: The mailbox in `from`.
        to: Text of each valid mailbox in `to`.
        cc: The same of `cc`.
        x_headers: Of `read_x_headers`.
    """
    from_text = clean(sender.header_text())
    reply_to = mailbox_of(params.entry("replyto")) if params.is_present("replyto") else None
    lines = [("From", from_text), ("Reply-To", clean(reply_to.header_text()) if reply_to else from_text)]
    agent = mailbox_of(params.entry("sender")) if params.is_present("sender") else None
    if agent:
        lines.append(("Sender", clean(agent.header_text())))
    if to:
        lines.append(("To", clean(", ".join(to))))
    if cc:
        lines.append(("Cc", clean(", ".join(cc))))
    lines.append(("Subject", clean(params.text("subject") or "")))
    message_id = _message_id(params.text("messageid"))
    if message_id:
        lines.append(("Message-ID", message_id))
    if not _RARE.isdisjoint(params.names()):
        lines.extend(_documented(params))
    lines.extend(x_headers)
    return tuple(lines)


def read_x_headers(params: Params) -> list[Header]:
    """Return the X-headers of the mail: the `x-...` parameters with their names as sent, then members of `xheaders`.

    A member whose name does not begin with `X-` gets it in front, so that it can be no other header. Of two with the
    same name (ignoring case) the first stands. Names that can be none are left out.
    """
    found: list[Header] = []
    seen = set(_OURS)
    for name, value in _x_candidates(params):
        key = name.lower()
        if key in seen or not _TOKEN.match(name):
            continue
        text = clean(value)
        if text:
            seen.add(key)
            found.append((name, text))
    return found


def remembered(slots: Sequence[str], x_headers: Sequence[Header]) -> dict[str, str] | None:
    """Return the values of the configured X-headers in the configured spelling, as they are stored; None: no value.

    Args:
        slots: The account's four names, "" where none is set.
        x_headers: Of `read_x_headers`.
    """
    if not x_headers or not any(slots):
        return None
    values = {name.lower(): value for name, value in x_headers}
    stored = {}
    for slot in slots:
        value = values.get(slot.lower(), "").replace("<", "").replace(">", "")[:MAX_REMEMBERED]
        if value:
            stored[slot] = value
    return stored or None


def lane_of(params: Params) -> Lane:
    """Return when the mail is served: `priority` of `urgent` first, of `non-urgent` last."""
    priority = params.text("priority")
    return _LANES.get(priority.strip().lower(), Lane.NORMAL) if priority else Lane.NORMAL


def _documented(params: Params) -> Iterator[Header]:
    for parameter, name in _TEXTS:
        value = params.text(parameter)
        if value and (text := clean(value)):
            yield name, text
    for parameter, name, words in _WORDS:
        value = params.text(parameter)
        if value and (word := words.get(value.strip().lower())):
            yield name, word


def _x_candidates(params: Params) -> Iterator[Header]:
    yield from params.x_fields()
    for text in params.values("xheaders"):
        for name, value in read_map(text).items():
            yield (name if name[:2] in {"x-", "X-"} else f"X-{name}"), value


def _message_id(text: str | None) -> str | None:
    """Return a Message-ID in its brackets, None for what can not be one: blanks, control characters, non-ASCII."""
    if not text:
        return None
    bare = text.strip().removeprefix("<").removesuffix(">")
    return f"<{bare}>" if _MESSAGE_ID.match(bare) else None
