"""`shaping`: that one destination's trouble is not the others', and that a limit holds over several processes.

A campaign over 50 domains, each with an MX host of its own that DNS leads to, all limited by the operator's rules; in
turns with all hosts well, and with one that answers 421 and one that takes a second for each mail. The limit of each
host, not the machine, is what keeps the pace.
"""

import os
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from bench import shaping_limit
from bench.machine import cpu_seconds, facts
from bench.options import Options
from bench.processes import wait_until
from bench.record import Reader, Taken
from bench.shaping_sink import domain
from bench.shaping_stage import RATE, RETRY_SECONDS, audience, begin, end, scene
from bench.sheet import Sheet
from bench.stand import Stand

HOSTS = 50
REFUSING, SLOW = 7, 8
SLOW_SECONDS = 1.0
WELL = [domain(host) for host in range(1, HOSTS + 1) if host not in {REFUSING, SLOW}]
EACH = 400
"""Recipients of each domain, where all have the same number."""
FEW, MANY = 200, 5000
"""Recipients of each well domain and of each sick one, where the sick ones have half of the campaign."""
GIVE_UP_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class _Bench:
    """What the campaigns share.

    Attributes:
        each: Recipients of a well domain.
    """

    sheet: Sheet
    stand: Stand
    name: str
    account_id: int
    audience_id: int
    each: int


@dataclass(frozen=True, slots=True)
class _Sending:
    """How a campaign went.

    Attributes:
        rates: Messages a second by well domain: until its last mail, from the first one of the campaign.
        together: The same of all well domains.
    """

    rates: dict[str, float]
    together: float


def run(options: Options) -> Sheet:
    """Measure."""
    sheet = Sheet(f"shaping: {HOSTS} destinations of {RATE} mails/s each; one limit held by several processes")
    with Stand() as stand:
        even = _bench(sheet, stand, f"{EACH} mails each", EACH, EACH)
        half = _bench(sheet, stand, "half of all to the two", FEW, MANY)
        for _ in range(options.runs):
            _pair(even, "421 to the greeting", "--refuse-greeting")
            _pair(even, "421 to each command", "--refuse-commands")
            _pair(half, "421 to each command", "--refuse-commands")
        shaping_limit.measure(sheet, stand)
    sheet.note("two delivery processes; the rate of a domain: from the campaign's first mail to the domain's last")
    sheet.note(f"sick: one answers 421, one replies after {SLOW_SECONDS:g} s; mail comes back after {RETRY_SECONDS} s")
    sheet.note(f"half of all to the two: {MANY} recipients of each of them, {FEW} of each of the others")
    sheet.note("the limit: four domains with one MX host, measured once")
    return sheet


def _bench(sheet: Sheet, stand: Stand, name: str, well: int, sick: int) -> _Bench:
    recipients = {domain(host): sick if host in {REFUSING, SLOW} else well for host in range(1, HOSTS + 1)}
    return _Bench(sheet, stand, name, *audience(stand, recipients), well)


def _pair(bench: _Bench, trouble: str, argument: str) -> None:
    """Measure one campaign with all well, then one with two that are not."""
    well = _campaign(bench, "all well", [])
    sick_hosts = [argument, REFUSING, "--slow", SLOW, "--slow-ms", SLOW_SECONDS * 1000]
    sick = _campaign(bench, trouble, sick_hosts)
    ratios = sorted(sick.rates[name] / well.rates[name] for name in WELL)
    name = f"{bench.name}, {trouble}: the 48 keep"
    bench.sheet.add(f"{name}, together", "", sick.together / well.together)
    bench.sheet.add(f"{name}, median", "", statistics.median(ratios))
    bench.sheet.add(f"{name}, worst of them", "", ratios[0])


def _campaign(bench: _Bench, name: str, sick: Sequence[object]) -> _Sending:
    sheet, stand, case = bench.sheet, bench.stand, f"{bench.name}, {name}"
    with scene(stand, ["--hosts", HOSTS, *sick], processes=2) as stage:
        campaign_id, run_id = stand.run(partial(begin, bench.account_id, bench.audience_id))
        began, used = time.monotonic(), _cpu()
        taken = _until_well_have_all(stage.reader, bench.each)
        share = (_cpu() - used) / (time.monotonic() - began) / int(facts()["cores"])
        stand.run(partial(end, bench.account_id, campaign_id))
    counts = Counter(mail.recipient for mail in taken)
    assert max(counts.values()) == 1, "a mail was sent twice"
    lost = stand.value("SELECT count(*) FROM messages WHERE run_id = $1 AND state IN ('bounced', 'failed')", run_id)
    assert not lost, f"{lost:.0f} mails were given up"
    found = _sending(taken)
    sheet.add(f"{case}: one of the 48, median", "mails/s", statistics.median(found.rates.values()))
    sheet.add(f"{case}: one of the 48, least", "mails/s", min(found.rates.values()))
    sheet.add(f"{case}: the 48 together", "mails/s", found.together)
    if sick:
        slow = [mail for mail in taken if _domain(mail) == domain(SLOW)]
        sheet.add(f"{case}: the slow one", "mails/s", len(slow) / (taken[-1].at - taken[0].at))
    sheet.add(f"{case}: share of the cores used", "", share)
    return found


def _until_well_have_all(reader: Reader, each: int) -> list[Taken]:
    taken: list[Taken] = []
    missing = len(WELL) * each
    wanted = set(WELL)

    def have_all() -> bool:
        nonlocal missing
        new = reader.new()
        taken.extend(new)
        missing -= sum(_domain(mail) in wanted for mail in new)
        return missing <= 0

    wait_until("the last mail of the well ones", have_all, GIVE_UP_SECONDS, every=0.2)
    return taken


def _sending(taken: Sequence[Taken]) -> _Sending:
    by_domain: defaultdict[str, list[float]] = defaultdict(list)
    for mail in taken:
        by_domain[_domain(mail)].append(mail.at)
    first = taken[0].at
    rates = {name: len(by_domain[name]) / (by_domain[name][-1] - first) for name in WELL}
    last = max(by_domain[name][-1] for name in WELL)
    return _Sending(rates, sum(len(by_domain[name]) for name in WELL) / (last - first))


def _domain(mail: Taken) -> str:
    return mail.recipient.rpartition("@")[2]


def _cpu() -> float:
    return cpu_seconds([os.getpid()])
