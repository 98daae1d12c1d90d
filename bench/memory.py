"""`memory`: what our processes take while a campaign of a million goes out, and whether that grows.

Everything runs as `trireme up` starts it, two delivery processes; PostgreSQL, Valkey and the SMTP server do not count.
"""

import time

from bench import mailing
from bench.chaos_campaign import Campaign
from bench.chaos_stage import PARTS, Stage
from bench.options import Options
from bench.pss import PssSampler
from bench.sheet import Sheet

GIVE_UP_SECONDS = 1800.0
SHOWN = 12
"""Points of the course that are shown."""


def run(options: Options) -> Sheet:
    """Measure."""
    sheet = Sheet(f"memory: PSS of all our processes during a campaign of {options.targets:,}, 20 KB")
    with Stage() as stage:
        names = [*PARTS, *stage.deliveries]
        campaign = Campaign(stage, options.targets, html=mailing.newsletter(20_480))
        with PssSampler(lambda: {name: stage.pids(name) for name in names}) as memory:
            began = time.monotonic()
            campaign.start()
            campaign.await_end(seconds=GIVE_UP_SECONDS)
        taken = stage.reader().new()
        assert len(taken) >= options.targets, f"{len(taken)} of {options.targets} arrived"
        sheet.add("mails/s", "", len(taken) / (taken[-1].at - taken[0].at))
    sheet.add("all, largest", "MB", memory.largest / 1e6)
    for name in names:
        sheet.add(f"{name}, largest", "MB", memory.largest_of(name) / 1e6)
    sheet.add("all, last quarter over second quarter", "", memory.growth())
    step = max(len(memory.samples) // SHOWN, 1)
    for at, found in memory.samples[::step]:
        sheet.note(f"after {at - began:4.0f} s: {sum(found.values()) / 1e6:.0f} MB")
    return sheet
