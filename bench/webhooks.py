"""`webhooks`: from a recorded bounce to a signed POST at the customer's server.

The accounts, servers and bounces of `postbacks`; each account has a webhook instead of a postback.
"""

import json
import signal
import time
from functools import partial

from app.core.webhooks.signing import new_secret
from app.kit.secrets import Vault
from bench.machine import cpu_seconds
from bench.options import Options
from bench.postbacks import ENDPOINTS, EVENTS, Customers, lay_down
from bench.processes import Process, wait_until
from bench.sheet import Sheet
from bench.stand import Stand

WEBHOOKS = """
WITH off AS (UPDATE accounts SET bounce_url_active = false WHERE id = ANY ($1::bigint[]))
INSERT INTO webhooks (account_id, url, event_types, secret)
SELECT id, url, '{email.bounced}', $3::bytea FROM unnest($1::bigint[], $2::text[]) AS given (id, url)
"""
LEFT = """
SELECT (SELECT count(*) FROM domain_events WHERE NOT routed)
    + (SELECT count(*) FROM webhook_deliveries WHERE status = 'waiting')
"""


def run(options: Options) -> Sheet:
    """Measure."""
    sheet = Sheet(f"webhooks: {ENDPOINTS} endpoints on the loopback, one outbox process")
    with Stand() as stand:
        customers = Customers(stand)
        sealed = Vault([str(stand.values["secret_keys"])]).seal(new_secret())
        for _ in range(options.runs):
            stand.query("TRUNCATE webhooks, webhook_deliveries, bounces, domain_events")
            rate, work = _speed(customers, sealed)
            sheet.add("all at once: composed, signed, posted, answered and recorded", "webhooks/s", rate)
            sheet.add("the outbox process's time on a core, for each", "ms", work * 1000)
        sheet.note(f"PostgreSQL {stand.postgres_version()}, fsync on")
    return sheet


def _speed(customers: Customers, sealed: bytes) -> tuple[float, float]:
    """Return webhooks a second, from the first call's arrival to the last record, and CPU seconds for each."""
    stand = customers.stand
    with Process("bench.answering", "--ports", ENDPOINTS) as server:
        urls = [f"http://127.0.0.1:{port}/hook" for port in json.loads(server.line())]
        stand.query(WEBHOOKS, customers.ids, urls, sealed)
        with customers.outbox() as outbox:
            stand.run(partial(lay_down, customers.ids, 1, EVENTS))
            wait_until("the last webhook", lambda: not stand.value(LEFT), 120, every=0.2)
            ended, work = time.time(), cpu_seconds([outbox.pid])
        server.send(signal.SIGTERM)
        arrived = server.result()["arrived"]
        assert len(arrived) >= EVENTS
    return EVENTS / (ended - min(at for _, at in arrived)), work / EVENTS
