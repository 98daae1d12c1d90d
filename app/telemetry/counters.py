"""The process's figures in Prometheus form (docs/contract/native.md, 17).

With `PROMETHEUS_MULTIPROC_DIR` in the environment (the supervisor sets it to a directory that is empty at its start)
every process keeps its figures in files there and `render` adds them up, so that one scrape of the API shows what the
delivery processes did. Without it the figures are those of this process.
"""

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from app.settings import environment

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Media type of what `render` returns."""

_REGISTRY = CollectorRegistry(auto_describe=True)
_MESSAGES = Counter("trireme_messages", "Copies that reached a status.", ["kind", "status"], registry=_REGISTRY)
_BOUNCES = Counter("trireme_bounces", "Copies that bounced.", ["type", "category"], registry=_REGISTRY)
_REQUESTS = Counter("trireme_http_requests", "HTTP requests answered.", ["family", "status"], registry=_REGISTRY)
_NUDGES_FAILED = Counter("trireme_nudges_failed", "Nudges that did not reach the broker.", registry=_REGISTRY)
_POSTBACKS = Counter("trireme_postbacks", "Calls of customers' URLs.", ["result"], registry=_REGISTRY)
_WEBHOOKS = Counter("trireme_webhook_deliveries", "Tries to deliver an event.", ["result"], registry=_REGISTRY)
_INTAKE = Counter("trireme_intake", "Mails that came back to us.", ["outcome"], registry=_REGISTRY)
_UNCOUNTED = Counter(
    "trireme_rate_limit_uncounted", "Requests let through while Valkey could not count them.", registry=_REGISTRY
)
_DELIVERY_SECONDS = Histogram(
    "trireme_delivery_seconds",
    "Time from acceptance to delivery.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400),
    registry=_REGISTRY,
)
_REQUEST_SECONDS = Histogram(
    "trireme_http_request_seconds",
    "Time to answer an HTTP request.",
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
    registry=_REGISTRY,
)
_BATCH_ROWS = Histogram(
    "trireme_batch_rows",
    "Copies written by one commit of the accept batcher.",
    buckets=(1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 20000),
    registry=_REGISTRY,
)

_requests: dict[tuple[str, int], Counter] = {}


def count_request(family: str, status: int, seconds: float) -> None:
    """Count an answered request; on the hot path, so the labelled counters are kept."""
    counter = _requests.get((family, status))
    if counter is None:
        counter = _requests[family, status] = _REQUESTS.labels(family, str(status))
    counter.inc()
    _REQUEST_SECONDS.observe(seconds)


def count_messages(kind: str, status: str, count: int = 1) -> None:
    """Count copies of a kind that reached a status (docs/contract/native.md, 12)."""
    _MESSAGES.labels(kind, status).inc(count)


def count_bounces(type_: str, category: str, count: int = 1) -> None:
    """Count bounces: `hard` or `soft`, and the category of dyn-metrics.md."""
    _BOUNCES.labels(type_, category).inc(count)


def count_nudge_failed(count: int = 1) -> None:
    """Count nudges that could not be published."""
    _NUDGES_FAILED.inc(count)


def count_postbacks(result: str, count: int = 1) -> None:
    """Count calls of customers' URLs: `delivered`, `failed` (tried again later) or `given_up`."""
    _POSTBACKS.labels(result).inc(count)


def count_webhook_deliveries(result: str, count: int = 1) -> None:
    """Count tries to deliver an event: `delivered`, `failed` (tried again later) or `given_up`."""
    _WEBHOOKS.labels(result).inc(count)


def count_intake(outcome: str, count: int = 1) -> None:
    """Count mails that came back: what they led to, a word of `app.core.intake.Outcome`, or `put_off`."""
    _INTAKE.labels(outcome).inc(count)


def count_uncounted() -> None:
    """Count a request that was let through because Valkey was away."""
    _UNCOUNTED.inc()


def observe_delivery(seconds: float) -> None:
    """Note the time from a copy's acceptance to its delivery."""
    _DELIVERY_SECONDS.observe(seconds)


def observe_batch(rows: int) -> None:
    """Note how many copies one commit of the accept batcher wrote."""
    _BATCH_ROWS.observe(rows)


class _Depth(Collector):
    """The depth of the queue as it was read for this scrape."""

    def __init__(self, depth: Mapping[str, int]) -> None:
        self._depth = depth

    def collect(self) -> Iterable[Metric]:
        """Return the one gauge."""
        family = GaugeMetricFamily("trireme_queue_depth", "Copies in the delivery queue.", labels=["state"])
        for state, count in self._depth.items():
            family.add_metric([state], count)
        return [family]


class _Jobs(Collector):
    """The jobs as they were read for this scrape."""

    def __init__(self, jobs: Mapping[tuple[str, str], int]) -> None:
        self._jobs = jobs

    def collect(self) -> Iterable[Metric]:
        """Return the one gauge."""
        family = GaugeMetricFamily("trireme_jobs", "Imports, exports and bulk actions.", labels=["type", "status"])
        for labels, count in self._jobs.items():
            family.add_metric(list(labels), count)
        return [family]


def render(queue_depth: Mapping[str, int] | None = None, jobs: Mapping[tuple[str, str], int] | None = None) -> bytes:
    """Return all figures in the Prometheus text format.

    Args:
        queue_depth: Copies in the delivery queue by state, read from the database for this scrape; left out when None.
        jobs: Jobs by type and status, read likewise.
    """
    registry = _REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in environment():
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library has no types here
    body = generate_latest(registry)
    scrape = CollectorRegistry()
    if queue_depth is not None:
        scrape.register(_Depth(queue_depth))
    if jobs is not None:
        scrape.register(_Jobs(jobs))
    body += generate_latest(scrape)
    return body
