"""Figures in Prometheus form."""

import subprocess
import sys
from pathlib import Path

from app.settings import environment
from app.telemetry import counters


def sample(name: str) -> float:
    for line in counters.render().decode().splitlines():
        if line.startswith(f"{name} "):
            return float(line.rpartition(" ")[2])
    return 0.0


def test_each_figure_is_there() -> None:
    before = sample('trireme_messages_total{kind="send",status="delivered"}')
    counters.count_messages("send", "delivered", 3)
    counters.count_bounces("hard", "bad-mailbox")
    counters.count_nudge_failed()
    counters.count_request("dyn-email", 200, 0.004)
    counters.observe_delivery(0.3)
    counters.observe_batch(20)

    assert sample('trireme_messages_total{kind="send",status="delivered"}') == before + 3
    assert sample('trireme_bounces_total{category="bad-mailbox",type="hard"}') >= 1
    assert sample("trireme_nudges_failed_total") >= 1
    assert sample('trireme_http_requests_total{family="dyn-email",status="200"}') >= 1
    assert sample('trireme_delivery_seconds_bucket{le="0.5"}') >= 1
    assert sample("trireme_http_request_seconds_count") >= 1
    assert sample("trireme_batch_rows_sum") >= 20


def test_the_depth_of_the_queue_is_that_of_this_scrape() -> None:
    text = counters.render({"queued": 5, "deferred": 1}).decode()
    assert 'trireme_queue_depth{state="queued"} 5.0' in text
    assert 'trireme_queue_depth{state="deferred"} 1.0' in text
    assert "trireme_queue_depth" not in counters.render().decode()


def test_processes_are_added_up(tmp_path: Path) -> None:
    variables = {**environment(), "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}

    def run(code: str) -> str:
        program = f"from app.telemetry import counters\n{code}"
        return subprocess.run(
            [sys.executable, "-c", program], env=variables, check=True, capture_output=True, text=True
        ).stdout

    for _ in range(2):
        run("counters.count_messages('send', 'delivered', 2); counters.observe_delivery(1)")
    text = run("print(counters.render({'queued': 1}).decode())")
    assert 'trireme_messages_total{kind="send",status="delivered"} 4.0' in text
    assert "trireme_delivery_seconds_count 2.0" in text
    assert 'trireme_queue_depth{state="queued"} 1.0' in text
