"""Every wire vector of the families we serve, over a real connection.

Effects in words are checked in effects.py.
"""

from collections import Counter

import pytest

from tests.contract.documents import VECTORS, Vector
from tests.contract.effects import EFFECTS
from tests.contract.runner import play
from tests.contract.stage import Stage


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.id)
async def test_a_vector_holds(vector: Vector, stage: Stage) -> None:
    if vector.reads:
        await play(await stage.shared("reads"), vector.steps)
        return
    settings = {**vector.settings, **({"dyno.port": stage.port} if vector.is_at_dyno else {})}
    async with stage.fresh(settings) as scene:
        await play(scene, vector.steps)
        if vector.effects:
            await EFFECTS[vector.id](scene)


def test_no_vector_is_dropped_in_silence() -> None:
    families = Counter(vector.id.rpartition("-")[0] for vector in VECTORS)
    assert families == {"dyn-email": 24, "dyn-metrics": 13, "dynosend": 16, "dyno": 14}
    for vector in VECTORS:
        # What is for nothing in the contract has to be an error that is asked for, not a typing mistake.
        strays = [step for step in vector.steps if step.endpoint is None]
        assert all(step.content["expect"]["status"] in {404, 405} for step in strays), vector.id
