"""Every wire vector of the families we serve, over a real connection, as far as its requests are routed.

A vector is whole when all its requests are, and what its effects are seen at; effects in words are checked in effects.py.
What waits for endpoints that do not exist yet is found by computation, and what is known to run is told by the last test.
"""

import pytest

from tests.contract.documents import VECTORS, Vector
from tests.contract.effects import EFFECTS
from tests.contract.runner import play
from tests.contract.stage import Stage

WHOLE = [vector for vector in VECTORS if vector.is_whole]
PARTIAL = [vector for vector in VECTORS if vector.is_partial]
EMAIL_VECTORS, METRICS_VECTORS, DYNOSEND_VECTORS, DYNO_VECTORS = 24, 13, 16, 14
DYNOSEND_KNOWN = range(1, DYNOSEND_VECTORS + 1)
KNOWN_WHOLE = {
    *(f"dyn-email-{number:02}" for number in range(1, EMAIL_VECTORS + 1)),
    *(f"dyn-metrics-{number:02}" for number in range(1, METRICS_VECTORS + 1)),
    *(f"dynosend-{number:02}" for number in DYNOSEND_KNOWN),
    *(f"dyno-{number:02}" for number in range(1, DYNO_VECTORS + 1)),
}


@pytest.mark.parametrize("vector", WHOLE, ids=lambda vector: vector.id)
async def test_a_vector_holds(vector: Vector, stage: Stage) -> None:
    if vector.reads:
        await play(await stage.shared("reads"), vector.steps)
        return
    settings = {**vector.settings, **({"dyno.port": stage.port} if vector.is_at_dyno else {})}
    async with stage.fresh(settings) as scene:
        await play(scene, vector.steps)
        if vector.effects:
            await EFFECTS[vector.id](scene)


@pytest.mark.parametrize("vector", PARTIAL, ids=lambda vector: vector.id)
async def test_the_routed_steps_of_a_vector_hold(vector: Vector, stage: Stage) -> None:
    async with stage.fresh(vector.settings) as scene:
        await play(scene, [step for step in vector.steps if step.is_routed])
        if vector.id in EFFECTS:
            await EFFECTS[vector.id](scene)


def test_no_vector_is_dropped_in_silence() -> None:
    whole = {vector.id for vector in WHOLE}
    assert whole >= KNOWN_WHOLE
    assert len(VECTORS) == EMAIL_VECTORS + METRICS_VECTORS + DYNOSEND_VECTORS + DYNO_VECTORS
    for vector in VECTORS:
        assert bool(vector.waits_for) is (vector.id not in whole), vector.id
        # What is for nothing in the contract has to be an error that is asked for, not a typing mistake.
        strays = [step for step in vector.steps if step.endpoint is None]
        assert all(step.content["expect"]["status"] in {404, 405} for step in strays), vector.id
