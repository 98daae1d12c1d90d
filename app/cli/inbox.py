"""What the sandbox inbox has received, read through the API of a running `trireme up`. Standard library alone."""

import http.client
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from app.cli.state import DataDirectory

MESSAGES = "/api/trireme/v1/sandbox/messages"
TIMEOUT_SECONDS = 10


class NoAnswer(Exception):
    """The API did not give what was asked for; the text says why."""


def show_list(data_dir: Path, limit: int) -> int:
    """Print a line for each message, newest first."""
    try:
        page = json.loads(_call(data_dir, "GET", f"{MESSAGES}?limit={limit}"))
    except NoAnswer as error:
        return _fail(error)
    for message in page["data"]:
        envelope = message["envelope"]
        recipients = ", ".join(envelope["recipients"])
        print(f"{message['id']}  {message['created_at']}  {message['from']} -> {recipients}  {message['subject']}")
    if not page["data"]:
        print("The inbox is empty.")
    elif page["has_more"]:
        print(f"... and more; --limit shows up to 200, and {MESSAGES} all.")
    return 0


def show_one(data_dir: Path, message_id: str, *, raw: bool) -> int:
    """Print one message, or its bytes as received."""
    path = f"{MESSAGES}/{quote(message_id, safe='')}"
    try:
        body = _call(data_dir, "GET", f"{path}/raw" if raw else path)
    except NoAnswer as error:
        return _fail(error)
    if raw:
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
        return 0
    _print_message(json.loads(body))
    return 0


def clear(data_dir: Path) -> int:
    """Throw away every message."""
    try:
        _call(data_dir, "DELETE", MESSAGES)
    except NoAnswer as error:
        return _fail(error)
    print("The inbox is empty.")
    return 0


def _print_message(message: dict[str, Any]) -> None:
    print(f"Envelope: {message['envelope']['from']} -> {', '.join(message['envelope']['recipients'])}")
    print(f"Received: {message['created_at']}, {message['size']} bytes\n")
    for header in message["headers"]:
        print(f"{header['name']}: {header['value']}")
    for part in message["parts"]:
        named = f" {part['filename']}" if part["filename"] else ""
        print(f"\n--- {part['content_type']}{named}, {part['size']} bytes")
        if part["text"] is not None:
            print(part["text"])


def _fail(error: NoAnswer) -> int:
    print(error, file=sys.stderr)
    return 1


def _call(data_dir: Path, method: str, path: str) -> bytes:
    """Return the body of an answer.

    Raises:
        NoAnswer: Nothing runs on the data directory, or the API refuses.
    """
    directory = DataDirectory(data_dir)
    runtime = directory.runtime()
    if not runtime:
        raise NoAnswer(f"Nothing runs on {directory.path}. Start it with 'trireme up', or name its --data-dir.")
    connection = http.client.HTTPConnection(urlsplit(runtime["http"]).netloc, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(method, path, headers={"Authorization": f"Bearer {runtime['api_key']}"})
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer(f"{runtime['http']} does not answer: {error}. Is 'trireme up' running?") from error
    finally:
        connection.close()
    if answer.status >= http.client.BAD_REQUEST:
        raise NoAnswer(f"{method} {path}: {answer.status} {_detail(body)}")
    return body


def _detail(body: bytes) -> str:
    try:
        problem = json.loads(body)
    except ValueError:
        return ""
    return str(problem.get("detail") or problem.get("title") or "") if isinstance(problem, dict) else ""
