"""The lexical parts of an address header: quoted strings, comments, specials and plain runs (RFC 5322, 3.2).

One pass, linear in the text, no token ever lost: joining the raw tokens gives the text back. Imports the standard
library only.
"""

import re

PLAIN = "plain"
QUOTED = "quoted"
COMMENT = "comment"
SPECIAL = "special"

# Each alternative begins with another character, and possessive quantifiers keep it from backtracking.
_TOKEN = re.compile(
    r"""(?P<plain>[^"()<>,;:\[\]\\]++)
      | (?P<quoted>"(?:[^"\\]++|\\.)*+")
      | (?P<literal>\[[^\[\]]*+\])
      | (?P<open>\()
      | (?P<special>.)""",
    re.VERBOSE | re.DOTALL,
)
_IN_COMMENT = re.compile(r"[()]|\\.", re.DOTALL)
_PAIR = re.compile(r"\\(.)", re.DOTALL)


def scan(text: str) -> list[tuple[str, str]]:
    """Return the tokens of `text` as (kind, raw text).

    A domain literal is one plain token. A quote or comment that never ends swallows the rest as one special token,
    which no reader accepts.
    """
    found: list[tuple[str, str]] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        kind = match.lastgroup if match is not None else None
        if match is None or kind is None:  # the last alternative takes any character
            break
        end = match.end()
        if kind == "open":
            end = _comment_end(text, end)
            kind = COMMENT if end else SPECIAL
        elif kind == SPECIAL and match[0] == '"':
            end = 0
        end = end or len(text)
        found.append((PLAIN if kind == "literal" else kind, text[position:end]))
        position = end
    return found


def unquote(raw: str) -> str:
    """Return the content of a quoted string: without its quotes, escapes resolved."""
    return _PAIR.sub(r"\1", raw[1:-1])


def _comment_end(text: str, position: int) -> int:
    """Return the index behind the comment whose inside begins at `position`; 0 when it never ends."""
    depth = 1
    for match in _IN_COMMENT.finditer(text, position):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if depth == 0:
            return match.end()
    return 0
