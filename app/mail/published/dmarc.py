"""Whether a domain has a DMARC policy. Imports `records` and the tag lists of `dkim_key`.

Source: RFC 7489, 6.3 (tags) and 6.6.3 (discovery); as RFC 9989, 4.10 has it, the domains above are asked in turn.
"""

from collections.abc import Sequence

from app.mail.published.dkim_key import tags_of
from app.mail.published.records import Records

MAX_LABELS = 8
"""Labels of a domain from which the walk begins."""
_POLICIES = frozenset({"none", "quarantine", "reject"})
_LEAST_LABELS = 2


def is_policy(record: str) -> bool:
    """Tell whether a TXT record is a DMARC policy: `v=DMARC1` first, and a `p=` that says something."""
    tags = tags_of(record)
    if not tags or next(iter(tags)) != "v" or tags["v"] != "DMARC1":
        return False
    return tags.get("p", "").lower() in _POLICIES


async def policies(records: Records, domain: str) -> Sequence[str]:
    """Return the policy that holds for a domain, its own or that of one above it; empty when there is none.

    A domain with two policies has none (RFC 7489, 6.6.3).

    Raises:
        NoAnswer: DNS does not say.
    """
    labels = domain.split(".")[-MAX_LABELS:]
    while len(labels) >= _LEAST_LABELS:
        found = [text for text in await records.texts(f"_dmarc.{'.'.join(labels)}") if is_policy(text)]
        if found:
            return found if len(found) == 1 else []
        labels = labels[1:]
    return []
