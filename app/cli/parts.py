"""Each part alone, as containers run them: configured by the environment, in the foreground, until a signal.

`workers` stands above `app` and is loaded by name: this module knows what it is called and nothing more.
"""

import asyncio
import importlib
import os
import signal
import socket
import sys
import warnings
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from app.cli.configuration import NotConfigured, load
from app.settings import Settings


def run(part: str) -> int:
    """Run a part until it ends, and return its exit status."""
    try:
        settings = load()
    except NotConfigured as error:
        print(error, file=sys.stderr)
        return 1
    try:
        return PARTS[part](settings)
    except KeyboardInterrupt:
        return 130


def _api(settings: Settings) -> int:
    from app.cli.api import serve  # noqa: PLC0415

    return serve(settings)


def _migrate(settings: Settings) -> int:
    from app.cli.migrate import migrate  # noqa: PLC0415

    return migrate(settings)


def _delivery(settings: Settings) -> int:
    return _celery("delivery", "delivery", settings)


def _worker(settings: Settings) -> int:
    return _celery("worker", "default", settings)


def _celery(part: str, queue: str, settings: Settings) -> int:
    """Run a Celery worker in this very process: signals reach it, nothing lies between, and who wants more starts more.

    By its class, because Celery's command line loads a shell and its terminal, 10 MB that stay.
    """
    # It warns root of pickled tasks; ours are JSON with ids in it.
    warnings.filterwarnings("ignore", message="You're running the worker with superuser privileges")
    worker = importlib.import_module(f"workers.{part}").app.Worker(
        # Replicas of a container share the process id, processes of a machine the host name.
        hostname=f"{part}-{os.getpid()}@{socket.gethostname()}",
        queues=[queue],
        pool_cls="solo",
        loglevel=settings.logs.level,
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    worker.start()
    return worker.exitcode or 0


def _scheduler(_: Settings) -> int:
    importlib.import_module("workers.scheduler").main()
    return 0


def _outbox(_: Settings) -> int:
    importlib.import_module("workers.outbox").main()
    return 0


def _sandbox(settings: Settings) -> int:
    from app.delivery import sandbox  # noqa: PLC0415
    from app.telemetry import logs  # noqa: PLC0415

    logs.configure(settings.logs)
    return _until_signal(sandbox.main(settings))


def _intake(settings: Settings) -> int:
    from app.smtpd.intake import process  # noqa: PLC0415

    return _in_fast_loop(process.serve(settings), settings)


def _submission(settings: Settings) -> int:
    from app.smtpd.submission import process  # noqa: PLC0415

    return _in_fast_loop(process.serve(settings), settings)


def take_maildir(directory: Path, *, once: bool) -> int:
    """Take the mails of a folder instead of listening, and return the exit status.

    Args:
        directory: A maildir.
        once: Whether to end when nothing is new.
    """
    try:
        settings = load()
    except NotConfigured as error:
        print(error, file=sys.stderr)
        return 1
    from app.smtpd.intake import process  # noqa: PLC0415

    return _in_fast_loop(process.watch(settings, directory, once=once), settings)


def _in_fast_loop(main: Coroutine[Any, Any, None], settings: Settings) -> int:
    """Run a coroutine that ends on signals by itself; what it could not do is said in one line."""
    import uvloop  # noqa: PLC0415

    from app.telemetry import logs  # noqa: PLC0415

    logs.configure(settings.logs)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main)
    except OSError as error:
        print(f"The SMTP listener cannot go on: {error}", file=sys.stderr)
        return 1
    return 0


def _until_signal(main: Coroutine[Any, Any, object]) -> int:
    """Run a coroutine in a loop of its own; SIGINT and SIGTERM cancel it, which is no failure."""

    async def supervise() -> None:
        task = asyncio.ensure_future(main)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()

    asyncio.run(supervise())  # noqa: TID251 a part owns its loop
    return 0


PARTS: dict[str, Callable[[Settings], int]] = {
    "api": _api,
    "delivery": _delivery,
    "worker": _worker,
    "scheduler": _scheduler,
    "outbox": _outbox,
    "intake": _intake,
    "submission": _submission,
    "sandbox": _sandbox,
    "migrate": _migrate,
}
"""What can be run, by name."""
