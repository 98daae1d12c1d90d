"""Messages that a program wrote in answer to ours, and that say nothing of its delivery (RFC 3834).

The marks are data, in `automatic.toml`. Imports the fields of this package.
"""

import re
import tomllib
from pathlib import Path

from app.mail.inbound.fields import Fields
from app.mail.inbound.words import MAX_SUBJECT

AUTO_SUBMITTED = "auto-submitted"
"""The mark of RFC 3834."""


def _load() -> tuple[dict[str, re.Pattern[str]], tuple[tuple[str, re.Pattern[str]], ...]]:
    data = tomllib.loads((Path(__file__).parent / "automatic.toml").read_text("utf-8"))
    fields = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in data["fields"].items()}
    subjects = [(row["mark"], re.compile(row["pattern"], re.IGNORECASE)) for row in data["subject"]]
    return fields, tuple(subjects)


_FIELDS, SUBJECTS = _load()


def mark_of(fields: Fields) -> str | None:
    """Return what tells that a message is an automatic reply: a field's name, or a subject's mark; None if nothing."""
    for name, pattern in _FIELDS.items():
        if name in fields and pattern.search(fields.get(name)[:MAX_SUBJECT]):
            return name
    subject = fields.words("subject").strip()[:MAX_SUBJECT]
    for mark, pattern in SUBJECTS:
        if pattern.search(subject):
            return mark
    return None
