"""kill -9 of intake and outbox among reports from a server that tries again, and webhooks about them.

The same function as `make chaos ARGS="--reports 10000"`. Real processes and PostgreSQL.
"""

from functools import partial
from pathlib import Path

import pytest

from bench.chaos_reports import Attack, attack
from bench.stand import Stand

pytestmark = [pytest.mark.serial, pytest.mark.timeout(300)]

REPORTS = 2_000
KILLS = 3
"""Of each of the two."""


def test_kills_lose_and_double_nothing(installation: Path) -> None:
    with Stand(installation) as stand:
        verdict = stand.run(partial(attack, Attack(REPORTS, KILLS), stand, print))
    assert verdict.ok, verdict.line()
    assert verdict.most <= KILLS + 1
