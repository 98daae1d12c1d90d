"""The outbox process: routes domain events, moves automations on, calls customers' URLs. `python -m workers.outbox`.

One event loop, six loops on it. Several such processes may run; none holds anything that another would wait for.
"""

import asyncio
import contextlib
import logging
import signal

import uvloop
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import postbacks, webhooks
from app.db.engine import driver_connection, is_disconnect, make_engine
from app.outbound import Endpoints
from app.outbound.client import Client
from app.settings import Settings, settings
from app.telemetry import counters, logs
from workers.automation_calls import AutomationCalls
from workers.automation_runner import AutomationRunner
from workers.event_router import EventRouter, consumers_of
from workers.postback_calls import PostbackCalls
from workers.sender import Sender
from workers.webhook_calls import WebhookCalls

TIDY_SECONDS = 3600.0
FIRST_TIDY_SECONDS = 60.0
logger = logging.getLogger(__name__)


async def work(settings: Settings, stopping: asyncio.Event) -> None:
    """Do everything an outbox process does, until told to stop.

    Args:
        settings: Of the process.
        stopping: Once it is set nothing more is begun, and what is open ends.

    Raises:
        ExceptionGroup: A loop has failed: the process is to end, and to be started again.
    """
    engine = make_engine(settings, pool_size=10)
    try:
        async with Client(settings.outbound) as client:
            sender = Sender(engine, client, PostbackCalls(settings.postbacks), on_ended=counters.count_postbacks)
            hooks = Sender(engine, client, WebhookCalls(engine, settings), on_ended=counters.count_webhook_deliveries)
            asked = Sender(engine, client, AutomationCalls())
            runner = AutomationRunner(engine, settings, on_moved=asked.wake)

            def wake() -> None:
                sender.wake()
                hooks.wake()
                runner.wake()

            router = EventRouter(engine, on_routed=wake, consumers=consumers_of(settings))
            logger.info("outbox process has started")
            async with asyncio.TaskGroup() as loops:
                loops.create_task(router.run(stopping))
                loops.create_task(sender.run(stopping))
                loops.create_task(hooks.run(stopping))
                loops.create_task(runner.run(stopping))
                loops.create_task(asked.run(stopping))
                loops.create_task(_tidy(engine, sender.endpoints, stopping))
        logger.info("outbox process has stopped")
    finally:
        await engine.dispose()


async def _tidy(engine: AsyncEngine, endpoints: Endpoints, stopping: asyncio.Event) -> None:
    wait = FIRST_TIDY_SECONDS
    while not stopping.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), wait)
            return
        wait = TIDY_SECONDS
        try:
            async with driver_connection(engine) as connection:
                await postbacks.tidy(connection, endpoints)
                await webhooks.tidy(connection)
        except Exception as error:
            if not is_disconnect(error):
                logger.exception("old calls could not be tidied up")


async def _main(settings: Settings) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await work(settings, stopping)


def main() -> None:
    """Run the outbox until SIGTERM or SIGINT."""
    logs.configure(settings().logs)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_main(settings()))


if __name__ == "__main__":
    main()
