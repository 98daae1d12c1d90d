"""One event loop and one engine per worker process, made on first use and closed with it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import uvloop
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import make_engine
from app.settings import settings

LONGEST_SECONDS = 60.0
"""Of one task; below the transport's visibility time-out, after which another worker is given it as well."""
T = TypeVar("T")


@dataclass(slots=True)
class _Process:
    runner: asyncio.Runner
    engine: AsyncEngine


_process: _Process | None = None


def run(job: Callable[[AsyncEngine], Awaitable[T]]) -> T:
    """Run a coroutine function with this process's engine, on this process's loop, and return its result.

    Raises:
        TimeoutError: It took longer than a minute, and was cancelled.
    """
    global _process  # noqa: PLW0603 a process has one, and Celery offers no better place to keep it
    if _process is None:
        _process = _Process(asyncio.Runner(loop_factory=uvloop.new_event_loop), make_engine(settings(), pool_size=2))
    return _process.runner.run(_call(job, _process.engine))


def close() -> None:
    """Close engine and loop, if there are any."""
    global _process
    if _process is not None:
        process, _process = _process, None
        process.runner.run(process.engine.dispose())
        process.runner.close()


async def _call(job: Callable[[AsyncEngine], Awaitable[T]], engine: AsyncEngine) -> T:
    async with asyncio.timeout(LONGEST_SECONDS):
        return await job(engine)
