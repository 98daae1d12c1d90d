"""What a campaign says, and what differs from copy to copy.

Imports the standard library only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Links:
    """Where links lead, and what signs them."""

    public_url: str
    """Base of all links, without a slash at its end."""
    bounce_domain: str
    """Domain of the address one may unsubscribe at."""
    key: bytes
    """Secret of the tokens of `app.mail.tracking`, 16 to 64 octets."""

    def at(self, host: str) -> "Links":
        """Return links that lead to another host, by the same scheme and port; empty: these."""
        if not host:
            return self
        url = urlsplit(self.public_url)
        port = f":{url.port}" if url.port is not None else ""
        return replace(self, public_url=url._replace(netloc=host + port).geturl())


@dataclass(frozen=True, slots=True)
class CampaignContent:
    """The content of one version of a run."""

    subject: str
    """May be personalised, as preheader, HTML and text."""
    from_email: str
    html: str | None
    """None: the mail is text only, without pixel and tracked links."""
    text: str | None = None
    """None or blank: derived from the HTML."""
    preheader: str = ""
    """A hidden line at the top of the HTML; empty: none."""
    from_name: str = ""
    reply_to: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    """The same on all copies, e.g. Feedback-ID and X-Dynosend-Campaign-Id."""
    track_opens: bool = True
    track_clicks: bool = True
    unsubscribe: bool = True
    """Whether the mail is bulk: List-Unsubscribe, List-Unsubscribe-Post and Precedence."""
    known: frozenset[str] = frozenset()
    """Tags of the audience's fields, upper case: what `{TAG}` stands for besides the table of the contract."""
    constants: Mapping[str, str] = field(default_factory=dict)
    """Values that are the same in the whole run, by upper-case name; they win over all others."""
    targets: tuple[str, ...] | None = None
    """Where tracked links lead by number, as stored: others are left alone. None: they are numbered now."""


@dataclass(slots=True, eq=False)
class CopyFacts:
    """What is special about one copy. Not changed after it was made."""

    message_id: int
    accepted_at: datetime
    """Aware; its second is part of the tokens, and the date of sending."""
    recipient: str
    """The address alone."""
    email_id: str
    """Message-ID without angle brackets; `X-Dynosend-Message-Id` too."""
    return_token: str
    """Of `verp.encode`: the token in the return path, and X-Trireme-Message."""
    contact_uid: str = ""
    """Empty: no X-Dynosend-Contact-Id."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Fields of the contact by upper-case tag."""
