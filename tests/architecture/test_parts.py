"""What a part loads until it is ready: nothing it has no use for, because it stays in its memory as long as it lives."""

import asyncio
import contextlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli import parts
from app.kit.ports import free_port
from app.settings import Settings, as_environment, environment

READY_SECONDS = 60.0
STOP_SECONDS = 20.0
LOADED = re.compile(r"^import time:[^|]+\|[^|]+\| *(\w+)", re.MULTILINE)
NOBODY = {"alembic", "prompt_toolkit", "pygments", "rich", "structlog", "typer"}
"""Of commands for people, and of what makes their output pretty."""
WEB = {"fastapi", "jinja2", "starlette", "uvicorn"}
BROKER = {"celery", "kombu", "redis"}
OUT = {"aiohttp", "aiosmtplib", "dns"}
"""Calls, sessions and questions to others."""
PARTS = {
    "api": ("api.started", {"aiohttp", "aiosmtplib"}),
    "delivery": (" ready.", WEB | {"aiohttp"}),
    "worker": (" ready.", WEB | {"aiohttp", "aiosmtplib"}),
    "scheduler": ("this scheduler acts", WEB | OUT),
    "outbox": ("outbox process has started", WEB | BROKER | {"aiosmtplib", "dns"}),
    "intake": ("intake.started", WEB | BROKER | OUT),
    "submission": ("submission.started", WEB | OUT),
    "sandbox": ("sandbox.started", WEB | BROKER | OUT),
}
"""By part: the line it writes when it is ready, and the packages it does without."""


@contextlib.contextmanager
def running(part: str, settings: Settings, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a part that writes what it loads into its log."""
    given = settings.model_dump(include={"public_url", "bounce_domain", "database_url", "broker_url", "data_dir"})
    ports = {f"{listener}.port": free_port() for listener in ("api", "intake", "smtp", "sandbox")}
    variables = as_environment(given | ports | {"secret_keys": ",".join(settings.secret_keys), "dyno.port": 0})
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-X", "importtime", "-m", "app", part],
            env=environment() | variables,
            stdout=out,
            stderr=out,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.mark.parametrize("part", PARTS)
async def test_a_part_loads_what_it_uses(part: str, settings: Settings, broker_url: str, tmp_path: Path) -> None:
    ready, forbidden = PARTS[part]
    log = tmp_path / "log"
    given = settings.model_copy(update={"broker_url": broker_url, "data_dir": tmp_path})
    with running(part, given, log) as process:
        deadline = time.monotonic() + READY_SECONDS
        while ready not in log.read_text():
            assert process.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < deadline, log.read_text()[-2000:]
            await asyncio.sleep(0.05)
    loaded = set(LOADED.findall(log.read_text()))
    assert "app" in loaded
    assert loaded.isdisjoint(forbidden | NOBODY), sorted(loaded & (forbidden | NOBODY))


def test_every_part_is_looked_at() -> None:
    assert {*PARTS, "migrate"} == set(parts.PARTS)
