"""How tasks are run: one after the other, each for a bounded time."""

from app.settings import Settings
from tests.workers.test_tasks import run

CODE = """
import asyncio
from workers import runtime
runtime.LONGEST_SECONDS = 0.05
try:
    runtime.run(lambda engine: asyncio.sleep(60))
except TimeoutError:
    print("cancelled")
async def answer(engine):
    return 42
print(runtime.run(answer))
runtime.close()
"""


async def test_a_task_that_takes_too_long_is_cancelled_and_the_next_one_is_done(settings: Settings) -> None:
    assert run(settings, CODE) == "cancelled\n42\n"
