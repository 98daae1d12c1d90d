"""Which links are tracked, and where a click leads.

A target may hold slots: it is kept as a template and rendered with the contact's values at the click, so the numbers
of one link stand together however many targets it has. A link whose scheme comes from a slot is left alone: nobody
knows yet whether it is one.

Source: docs/contract/dyn-email.md, section 13; RFC 3986, appendix A.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from html import unescape
from urllib.parse import quote

from app.mail.campaign.markup import Tag
from app.mail.personalise import Control, Expression, SyntaxProblem, Token, TooLarge, Values, build, parse

MAX_URL = 8_192
"""Longer URLs are left alone, in characters."""
OWN = ("/t/", "/u/", "/w/", "/p/", "/c/")
"""Paths below `public_url` that are never tracked."""

_UNRESERVED = r"A-Za-z0-9._~!$&'()*+,;=\-"
_HOST = rf"(?:\[[0-9A-Fa-fvV:.]++\]|(?:[{_UNRESERVED}]|%[0-9A-Fa-f]{{2}})++)"
_URL = re.compile(
    rf"https?://(?:(?:[{_UNRESERVED}:]|%[0-9A-Fa-f]{{2}})*+@)?{_HOST}(?::[0-9]*+)?"
    rf"(?:/(?:[{_UNRESERVED}:@/]|%[0-9A-Fa-f]{{2}})*+)?"
    rf"(?:\?(?:[{_UNRESERVED}:@/?]|%[0-9A-Fa-f]{{2}})*+)?"
    rf"(?:\#(?:[{_UNRESERVED}:@/?]|%[0-9A-Fa-f]{{2}})*+)?\Z",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def is_url(text: str) -> bool:
    """Say whether `text` is a well-formed http or https URL of RFC 3986."""
    return len(text) <= MAX_URL and _URL.match(text) is not None


def target_of(source: str, tag: Tag, tokens: Sequence[Token], constants: Mapping[str, str]) -> str | None:
    """Return the target of a tag's link, None when it is not to be tracked.

    Args:
        source: The HTML.
        tag: An opening tag.
        tokens: The constructs that begin in the value of its href.
        constants: Values that are known; the others stay in the target as constructs.
    """
    span = tag.span("href")
    if tag.closes or tag.name not in {"a", "area"} or span is None or tag.span("data-no-track") is not None:
        return None
    target, shape = _target(source, span, tokens, constants)
    if not is_url(shape) or not _is_whole(span, tokens):
        return None
    return target


def link_target(target: str, values: Values, known: Collection[str] = ()) -> str | None:
    """Return the URL a click leads to; None when the values make it something else than a URL.

    Args:
        target: Of `CompiledCampaign.targets`.
        values: Of the contact who clicked.
        known: As when the campaign was compiled.
    """
    if "{" not in target:
        return target
    try:
        url = parse(target, known).render(values, escape=False)
    except (SyntaxProblem, TooLarge):
        return None
    # What a URL may not hold is encoded as a browser would; what is encoded already stays.
    url = quote(_STRAY_PERCENT.sub("%25", url), safe="%:/?#[]@!$&'()*+,;=~", errors="replace")
    return url if is_url(url) else None


def is_own(target: str, public_url: str) -> bool:
    """Say whether a target is one of our own links."""
    return target.startswith(tuple(public_url + path for path in OWN))


def _target(
    source: str, span: tuple[int, int], tokens: Sequence[Token], constants: Mapping[str, str]
) -> tuple[str, str]:
    """Return the target, and the same with a letter in the place of each construct."""
    if not tokens:
        plain = unescape(source[span[0] : span[1]]).strip(" \t\n\r\f")
        return plain, plain
    target: list[str] = []
    shape: list[str] = []
    position = span[0]
    for token in tokens:
        text = unescape(source[position : token.start])
        if isinstance(token.what, Expression) and token.what.name in constants:
            text += token.what.value(constants)
            target.append(text)
            shape.append(text)
        else:
            target += (text, source[token.start : token.end])
            # Where the scheme is not written out yet, this is no URL.
            shape += (text, "x" if _SCHEME.match("".join(shape).lstrip() + text.lstrip()) else " ")
        position = token.end
    rest = unescape(source[position : span[1]])
    return "".join((*target, rest)).strip(" \t\n\r\f"), "".join((*shape, rest)).strip(" \t\n\r\f")


def _is_whole(span: tuple[int, int], tokens: Sequence[Token]) -> bool:
    """Say whether no construct and no `if` reaches beyond the value."""
    if not tokens:
        return True
    if any(token.end > span[1] for token in tokens):
        return False
    try:
        build([token.what for token in tokens if isinstance(token.what, Control)])
    except ValueError:
        return False
    return True
