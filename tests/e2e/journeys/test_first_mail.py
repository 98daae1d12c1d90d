"""The main job by the product's own commands: the printed curl, the Dyn client unmodified, the inbox."""

import base64
import datetime as dt
import re
import shlex
import shutil
import subprocess
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.mails import native, received
from tests.e2e.platform import Platform, trireme, wait_for
from tests.fixtures.reference_client import load_reference_client

pytestmark = [pytest.mark.serial, pytest.mark.timeout(180)]

HEART = "❤️"


def typed(running: Platform, command: list[str]) -> str:
    """What the command prints; on a machine without curl its URL and fields are sent by the test's own client."""
    if shutil.which(command[0]):
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert command[0] == "curl"
    assert {*command[2::2]} <= {"-d", "--data-urlencode"}
    fields = dict(field.split("=", 1) for field in command[3::2])
    return running.client.post(command[1], data=fields).text


def test_the_printed_curl_sends_a_mail(running: Platform) -> None:
    printed = re.search(r"^curl .*?[^\\]$", running.log.read_text(), re.MULTILINE | re.DOTALL)
    assert printed is not None
    command = shlex.split(printed[0].replace("\\\n", " "))
    command[command.index("to=you@example.com")] = "to=curl@example.com"
    assert typed(running, command) == '{"response":{"status":200,"message":"OK","data":"250 2.1.0 Ok"}}'
    message = received(running, "curl@example.com")
    assert (message["Subject"], message["To"]) == ("First mail", "curl@example.com")
    assert message.get_content().strip() == "It works."


def test_the_inbox_command_shows_headers_and_both_parts(running: Platform) -> None:
    running.send("inbox@example.com", subject="Grüße", bodytext="Text part.", bodyhtml="<p>HTML part.</p>")
    received(running, "inbox@example.com")
    listed = trireme("inbox", "--data-dir", str(running.data_dir))
    (line,) = [line for line in listed.splitlines() if "-> inbox@example.com" in line]
    shown = trireme("inbox", "--data-dir", str(running.data_dir), "show", line.split()[0])
    assert "Grüße" in shown
    assert "Text part." in shown
    assert "<p>HTML part.</p>" in shown


@pytest.mark.filterwarnings("ignore")  # the client's own: its release is of 2018
def test_the_reference_client_sends_to_three(running: Platform) -> None:
    client: Any = load_reference_client()
    at = urlsplit(running.runtime()["http"])
    client.session.MMSession(running.api_key, host=at.hostname, port=at.port, ssl=False)
    name = f"=?UTF-8?B?{base64.b64encode(HEART.encode()).decode()}?="
    recipients = [f"client{number}@example.com" for number in range(3)]
    mail = client.message.EMail(
        f"{name} <hello@localhost.test>",
        recipients,
        f"Sale {HEART}",
        body="Good day.",
        html=f"<p>Good day {HEART}</p>",
    )
    mail.send()

    messages = [received(running, recipient) for recipient in recipients]
    for message in messages:
        assert message["From"].addresses[0].display_name == HEART
        assert message["From"].addresses[0].addr_spec == "hello@localhost.test"
        assert message["To"] == ", ".join(recipients)
        assert message["Subject"] == f"Sale {HEART}"
        assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
        text, html = (part.get_content().strip() for part in message.iter_parts())
        assert (text, html) == ("Good day.", f"<p>Good day {HEART}</p>")
    assert len({message["Message-ID"] for message in messages}) == 1

    now = int(dt.datetime.now(dt.UTC).timestamp())
    query: dict[str, str | int] = {
        "start_time": now - 3600,
        "end_time": now + 60,
        "timeseries": "hour",
        "recipient": "ignored",
    }
    answer = running.client.get("/email/counts", params=query, headers={"Authorization": f"apikey={running.api_key}"})
    counted = sum(point["sent_count"] for series in answer.json()["data"].values() for point in series)
    assert counted == len(running.emails())
    mine = [one for one in running.emails() if one["email_address"] in recipients]
    assert len(mine) == 3
    assert all(one["delivered"] for one in mine)


def test_the_dyno_listener_speaks_dyno_alone(running: Platform) -> None:
    answer = running.client.get(f"{running.runtime()['dyno']}/rest/json/send")
    assert answer.status_code == 404
    assert answer.json()["error_message"] == "The specified api could not be found"


def test_the_figures_of_all_processes_are_seen(running: Platform) -> None:
    running.send("figures@example.com")
    received(running, "figures@example.com")

    def figures() -> str:
        found: str = native(running, "/system/metrics").text
        return found

    text = wait_for(lambda: (now := figures()) and 'status="delivered"' in now and now, "delivery's figures")
    for name in (
        'trireme_messages_total{kind="send",status="accepted"}',
        'trireme_messages_total{kind="send",status="delivered"}',
        "trireme_delivery_seconds_bucket",
        "trireme_queue_depth",
        "trireme_http_requests_total",
        "trireme_batch_rows",
    ):
        assert name in text, name
