"""Every wire vector of the Dyn families, over a real connection, as far as its requests are routed.

A vector is whole when all its requests are, and what its effects are seen at; effects in words are checked in effects.py.
What waits for endpoints that do not exist yet is found by computation, and what is known to run is told by the last test.
"""

import pytest

from tests.contract.documents import VECTORS, Vector
from tests.contract.effects import EFFECTS, EFFECTS_SO_FAR
from tests.contract.runner import play
from tests.contract.stage import Stage

WHOLE = [vector for vector in VECTORS if vector.is_whole]
PARTIAL = [vector for vector in VECTORS if vector.is_partial]
EMAIL_WHOLE = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 15, 22)
KNOWN_WHOLE = {*(f"dyn-email-{number:02}" for number in EMAIL_WHOLE), "dyn-metrics-10", "dyn-metrics-11"}
KNOWN_PARTIAL = {"dyn-email-11", "dyn-email-13", "dyn-email-23", "dyn-metrics-05"}
EMAIL_VECTORS, METRICS_VECTORS = 24, 13


@pytest.mark.parametrize("vector", WHOLE, ids=lambda vector: vector.id)
async def test_a_vector_holds(vector: Vector, stage: Stage) -> None:
    if vector.reads:
        await play(await stage.shared("reads"), vector.steps)
        return
    async with stage.fresh(vector.settings) as scene:
        await play(scene, vector.steps)
        if vector.effects:
            await EFFECTS[vector.id](scene)


@pytest.mark.parametrize("vector", PARTIAL, ids=lambda vector: vector.id)
async def test_the_routed_steps_of_a_vector_hold(vector: Vector, stage: Stage) -> None:
    async with stage.fresh(vector.settings) as scene:
        await play(scene, [step for step in vector.steps if step.is_routed])
        if vector.id in EFFECTS_SO_FAR:
            await EFFECTS_SO_FAR[vector.id](scene)


def test_no_vector_is_dropped_in_silence() -> None:
    whole, partial = ({vector.id for vector in kind} for kind in (WHOLE, PARTIAL))
    assert whole >= KNOWN_WHOLE
    assert whole | partial >= KNOWN_PARTIAL
    assert len(VECTORS) == EMAIL_VECTORS + METRICS_VECTORS
    for vector in VECTORS:
        assert bool(vector.waits_for) is (vector.id not in whole), vector.id
        # What is for nothing in the contract has to be an error that is asked for, not a typing mistake.
        strays = [step for step in vector.steps if step.endpoint is None]
        assert all(step.content["expect"]["status"] in {404, 405} for step in strays), vector.id
