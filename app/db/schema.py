"""Which revision this version's code expects, read from the migrations' files without loading alembic."""

import re
from functools import cache
from pathlib import Path

MIGRATIONS = Path(__file__).parents[2] / "migrations"
"""Where the migrations are, in a checkout and in an installed package alike."""

_REVISION = re.compile(r"^revision(?::\s*\S+)?\s*=\s*['\"]([^'\"]+)['\"]", re.MULTILINE)
_BEFORE = re.compile(r"^down_revision(?::\s*[^=]+)?\s*=\s*['\"]([^'\"]+)['\"]", re.MULTILINE)


@cache
def expected_revisions() -> frozenset[str]:
    """Return the newest revisions, of which there is one unless two branches wait for a merge."""
    texts = [path.read_text(encoding="utf-8") for path in (MIGRATIONS / "versions").glob("*.py")]
    before = {name for text in texts for name in _BEFORE.findall(text)}
    return frozenset(name for text in texts for name in _REVISION.findall(text)) - before
