"""What went wrong is in the log with the id of the copy, as one JSON line."""

import io
import json

from app.settings import Logs, Settings
from app.telemetry import logs
from tests.delivery.conftest import Post, running
from tests.fixtures.smtp_server import SmtpServer


async def test_a_failed_attempt_is_a_line_with_the_email_id(
    to_server: Settings, server: SmtpServer, post: Post
) -> None:
    stream = io.StringIO()
    logs.configure(Logs(format="json", level="info"), stream=stream)
    server.on("rcpt", "550 5.1.1 User unknown", match="gone@")
    accepted = await post.accept("gone@example.org", "jo@example.org")
    async with running(to_server):
        await post.until("SELECT count(*) FROM messages WHERE finished_at IS NOT NULL", 2)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    (failed,) = [line for line in lines if line["event"].startswith("delivery.b")]
    assert failed["event"] == "delivery.bounced"
    assert failed["email_id"].endswith(f".{accepted.message_ids[0]:012x}@{to_server.node_name}")
    assert (failed["code"], failed["attempt"]) == (550, 1)
    assert not [line for line in lines if line["event"] == "delivery.delivered"]
