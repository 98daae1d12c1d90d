"""The URL of an event, its tokens replaced. Imports `app.mail`'s tables of bounces and nothing else of ours.

Source: docs/contract/dyn-email.md, 17.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from app.mail.bounce_rules import bounce_rule
from app.mail.classify import meaning

LONGEST_URL = 8192
"""Longer ones are not called by `app.outbound`."""
LONGEST_VALUES = (4000, 1000, 250)
"""Characters a value may have once it is encoded: the first of these with which the URL is not too long."""
BLOCKED_RULE, BLOCKED_CODE = "blockedcontent", "5.7.0"
"""What blocked mail is reported with (11.3)."""


@dataclass(frozen=True, slots=True)
class BounceFacts:
    """What a postback says of a bounce, in the words of the classic API.

    Attributes:
        rule: `@bouncerule`.
        bounce_type: `@bouncetype`, one of the five words of 11.3.
        code: Enhanced status code, `@bouncecode`.
        diagnostic: The other server's reply; `@diagnostic` without its `smtp;`.
    """

    rule: str
    bounce_type: str
    code: str
    diagnostic: str


def bounced(bounce_type: str, category: str, code: str, diagnostic: str) -> BounceFacts:
    """Return what is said of a bounce."""
    return BounceFacts(bounce_rule(category, code), bounce_type, code, diagnostic)


def blocked(reason: str) -> BounceFacts:
    """Return what is said of mail that was blocked, by the reason of the suppression."""
    word = "previouslyhardbounced" if reason == "hardbounce" else "suppressed"
    return BounceFacts(BLOCKED_RULE, word, BLOCKED_CODE, f"recipient is suppressed: {reason}")


def render(
    url: str,
    *,
    email: str,
    names: Sequence[str],
    x_headers: Mapping[str, str],
    facts: BounceFacts | None = None,
) -> str:
    """Return the URL with its tokens replaced, once each, and values not looked at again.

    Args:
        url: The customer's, with tokens.
        email: The recipient.
        names: The configured X-headers; "" is none.
        x_headers: Values of the copy by name. Names compare ignoring case; without a value a token becomes empty.
        facts: Of a bounce; without them its tokens stay as they are written.

    Returns:
        Values are cut when the URL would be longer than may be called.
    """
    values = {name.lower(): "" for name in names if name} | {name.lower(): text for name, text in x_headers.items()}
    values["email"] = email
    if facts is not None:
        values |= {
            "bouncerule": facts.rule,
            "bouncetype": facts.bounce_type,
            "bouncecode": facts.code,
            "diagnostic": f"smtp;{facts.diagnostic}",
            "status": f"{facts.code}({meaning(facts.code)})",
        }
    rendered = url
    for longest in LONGEST_VALUES:
        rendered = _replace(url, {name: _encode(str(value), longest) for name, value in values.items()})
        if len(rendered) <= LONGEST_URL:
            break
    return rendered


def _replace(url: str, values: Mapping[str, str]) -> str:
    # Longest first: where two names begin alike, the alternation takes what stands first in it.
    ordered = sorted(values, key=len, reverse=True)
    tokens = "|".join(f"(?i:{re.escape(name)})" if name.startswith("x-") else re.escape(name) for name in ordered)
    return re.sub(f"@({tokens})", lambda found: values[found[1].lower()], url)


def _encode(value: str, longest: int) -> str:
    """Percent-encode all but letters, digits and `-._~`, and cut between two characters."""
    encoded = quote(value[:longest], safe="", errors="replace")
    while len(encoded) > longest:
        value = value[: max(len(value[:longest]) * longest // len(encoded), 1) - 1]
        encoded = quote(value, safe="", errors="replace")
    return encoded
