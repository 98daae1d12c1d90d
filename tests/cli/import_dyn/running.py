"""The command as a process, and what an installation holds afterwards."""

import asyncio
import json
from typing import Any

import httpx2
from sqlalchemy.ext.asyncio import AsyncEngine

from app.db.engine import driver_connection
from app.main import create_app
from app.settings import Settings, as_environment
from tests.cli.import_dyn.comparing import told
from tests.cli.test_commands import trireme

SENDERS = ("news@x.example", "shop@x.example")
TABLES = ("accounts", "api_keys", "senders", "suppressions", "recipient_marks", "messages", "bounces", "opens", "clicks",
          "engagements", "link_clicks", "complaints", "issues", "foreign_email_ids", "hourly_counts", "daily_counts")  # fmt: skip


def variables_of(settings: Settings) -> dict[str, str]:
    """Return the environment that the command needs."""
    return as_environment(
        {
            "database_url": settings.database_url,
            "secret_keys": ",".join(settings.secret_keys),
            "retention.detail_days": settings.retention.detail_days,
        }
    )


async def run(settings: Settings, *arguments: str) -> tuple[int, Any, str]:
    """Run the command; return its exit status, its summary and what it said."""
    words = ("import", "dyn", "--data-dir", str(settings.data_dir), "--json", "--since", "2016-01-01", *arguments)
    done = await asyncio.to_thread(trireme, *words, variables=variables_of(settings))
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


async def snapshot(engine: AsyncEngine) -> dict[str, Any]:
    """Return all rows of all tables that an import may touch."""
    async with driver_connection(engine) as connection:
        return {
            table: [row[0] for row in await connection.fetch(f"SELECT {table}::text FROM {table} ORDER BY 1")]  # noqa: S608 names above
            for table in TABLES
        }


async def asked(settings: Settings, key: str, *senders: str) -> dict[str, Any]:
    """Return what the classic API of an installation says to a key."""
    application = create_app(settings)
    transport = httpx2.ASGITransport(application)
    async with (
        application.running(),
        httpx2.AsyncClient(transport=transport, base_url="http://mail.example.com") as client,
    ):
        return await told(client, key, *senders)
