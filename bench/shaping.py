"""`shaping`: that one destination's trouble is not the others', and that a limit holds over several processes.

A campaign over 50 domains, each with an MX host of its own that DNS leads to, all limited by the operator's rules;
in turns with all hosts well, and with one that answers 421 and one that takes a second for each mail. Then one MX site
that four domains share, its limit held by four processes: with Valkey, without it, and with it again.
"""

import os
import statistics
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from bench.machine import cpu_seconds, facts
from bench.options import Options
from bench.processes import wait_until
from bench.record import Reader, Taken
from bench.shaping_sink import domain, shared_domains
from bench.shaping_stage import RETRY_SECONDS, Scene, audience, begin, end, scene
from bench.sheet import Sheet
from bench.stand import Stand

HOSTS = 50
EACH = 400
"""Recipients of each domain."""
RATE = 20
"""Messages per second of a destination, by all processes together."""
REFUSING, SLOW = 7, 8
SLOW_SECONDS = 1.0
CONNECTIONS = 5
WELL = [domain(host) for host in range(1, HOSTS + 1) if host not in {REFUSING, SLOW}]
RULES = f"""
[default]
connections = {CONNECTIONS}
rate = "{RATE}/s"
"""
PROCESSES = 4
"""That hold one limit together."""
HOLD_SECONDS = 60.0
SETTLE_SECONDS = 5.0
"""After the first mail, and after Valkey has gone or come, before the mean is taken."""
BACK_SECONDS = 20.0
WINDOW_SECONDS = 10.0
GIVE_UP_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class _Bench:
    sheet: Sheet
    stand: Stand
    account_id: int
    audience_id: int


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
    sheet = Sheet(f"shaping: {HOSTS} destinations of {RATE} mails/s each; one limit held by {PROCESSES} processes")
    with Stand() as stand:
        domains = [domain(host) for host in range(1, HOSTS + 1)]
        bench = _Bench(sheet, stand, *audience(stand, domains, EACH))
        for _ in range(options.runs):
            _pair(bench, "421 to the greeting", "--refuse-greeting")
            _pair(bench, "421 to each command", "--refuse-commands")
        _limit(sheet, stand)
    sheet.note(f"two delivery processes, {EACH} recipients of each domain, mixed; rates until a domain's last mail")
    sheet.note(f"sick: one answers 421, one replies after {SLOW_SECONDS:g} s; both come back {RETRY_SECONDS} s later")
    sheet.note(f"the limit: four domains with one MX host, {PROCESSES} processes, measured once; counts at the host")
    return sheet


# ------------------------------------------------------------------ the others keep their rate


def _pair(bench: _Bench, trouble: str, argument: str) -> None:
    """Measure one campaign with all well, then one with two that are not."""
    well = _campaign(bench, "all well", [])
    sick_hosts = [argument, REFUSING, "--slow", SLOW, "--slow-ms", SLOW_SECONDS * 1000]
    sick = _campaign(bench, trouble, sick_hosts)
    ratios = sorted(sick.rates[name] / well.rates[name] for name in WELL)
    name = f"{trouble}: of their rate the 48 keep"
    bench.sheet.add(f"{name}, together", "", sick.together / well.together)
    bench.sheet.add(f"{name}, median", "", statistics.median(ratios))
    bench.sheet.add(f"{name}, worst of them", "", ratios[0])


def _campaign(bench: _Bench, name: str, sick: Sequence[object]) -> _Sending:
    sheet, stand = bench.sheet, bench.stand
    with scene(stand, ["--hosts", HOSTS, *sick], RULES, processes=2) as stage:
        campaign_id, run_id = stand.run(partial(begin, bench.account_id, bench.audience_id))
        began, used = time.monotonic(), _cpu()
        taken = _until_well_have_all(stage.reader)
        share = (_cpu() - used) / (time.monotonic() - began) / int(facts()["cores"])
        stand.run(partial(end, bench.account_id, campaign_id))
    counts = Counter(mail.recipient for mail in taken)
    assert max(counts.values()) == 1, "a mail was sent twice"
    lost = stand.value("SELECT count(*) FROM messages WHERE run_id = $1 AND state IN ('bounced', 'failed')", run_id)
    assert not lost, f"{lost:.0f} mails were given up"
    found = _sending(taken)
    sheet.add(f"{name}: rate of one of the 48, median", "mails/s", statistics.median(found.rates.values()))
    sheet.add(f"{name}: rate of one of the 48, least", "mails/s", min(found.rates.values()))
    sheet.add(f"{name}: rate of the 48 together", "mails/s", found.together)
    if sick:
        slow = [mail for mail in taken if _domain(mail) == domain(SLOW)]
        sheet.add(f"{name}: rate of the slow one", "mails/s", len(slow) / (taken[-1].at - taken[0].at))
    sheet.add(f"{name}: CPU of everything, share of the cores", "", share)
    return found


def _until_well_have_all(reader: Reader) -> list[Taken]:
    taken: list[Taken] = []
    missing = len(WELL) * EACH
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
    return _Sending(rates, len(WELL) * EACH / (last - first))


# ------------------------------------------------------------------ a limit holds


def _limit(sheet: Sheet, stand: Stand) -> None:
    """Measure one site of four domains under four processes."""
    seconds = 2 * (HOLD_SECONDS + SETTLE_SECONDS) + BACK_SECONDS
    account_id, audience_id = audience(stand, shared_domains(), int(seconds * RATE * 1.2 / len(shared_domains())))
    with scene(stand, ["--hosts", 1], RULES, processes=PROCESSES) as stage:
        campaign_id, _ = stand.run(partial(begin, account_id, audience_id))
        wait_until("the first mail", lambda: stage.reader.count > 0, GIVE_UP_SECONDS)
        first = stage.reader.instants[0]
        gone = _sleep_until(first + SETTLE_SECONDS + HOLD_SECONDS)
        stand.valkey.stop()
        back = _sleep_until(gone + SETTLE_SECONDS + HOLD_SECONDS)
        stand.valkey.start()
        over = _sleep_until(back + BACK_SECONDS)
        at = [mail.at for mail in stage.reader.new()]
        _each_took_part(stage)
        stand.run(partial(end, account_id, campaign_id))
    parts = {"with Valkey": (first, gone), "Valkey stopped": (gone, back), "Valkey back": (back, over)}
    for name, (start, stop) in parts.items():
        _add_limit(
            sheet, f"{RATE}/s, {PROCESSES} processes, {name}", [when for when in at if start <= when < stop], stop
        )
    sheet.add(f"{RATE}/s, all of it: most in {WINDOW_SECONDS:g} s, a second", "mails/s", _most(at, WINDOW_SECONDS))
    sheet.add(f"{RATE}/s, all of it: most in 60 s, a second", "mails/s", _most(at, HOLD_SECONDS))


def _add_limit(sheet: Sheet, name: str, at: Sequence[float], stop: float) -> None:
    long = at[-1] - at[0] > HOLD_SECONDS
    since = stop - (HOLD_SECONDS if long else BACK_SECONDS - SETTLE_SECONDS)
    settled = at[bisect_left(at, since) :]
    mean = len(settled) / (stop - since)
    sheet.add(f"{name}: mean of {stop - since:.0f} s", "mails/s", mean)
    sheet.add(f"{name}: that mean to the limit", "", mean / RATE)
    sheet.add(f"{name}: most in 1 s", "mails/s", _most(at, 1.0))
    sheet.add(f"{name}: most in {WINDOW_SECONDS:g} s, a second", "mails/s", _most(at, WINDOW_SECONDS))
    sheet.add(f"{name}: least in {WINDOW_SECONDS:g} s, a second", "mails/s", _least(settled, since, stop))
    seconds = Counter(int(when - at[0]) for when in at)
    sheet.note(f"{name}, second by second: {' '.join(str(seconds[second]) for second in range(int(at[-1] - at[0])))}")


def _each_took_part(stage: Scene) -> None:
    assert all(worker.status is None for worker in stage.workers), "a delivery process has ended"


def _most(at: Sequence[float], seconds: float) -> float:
    """Return the most in any window of so many seconds, per second."""
    return max(bisect_left(at, when + seconds) - place for place, when in enumerate(at)) / seconds


def _least(at: Sequence[float], start: float, stop: float) -> float:
    """Return the fewest in any of the windows that begin at a tenth of a second, per second."""
    begins = [start + step / 10 for step in range(int((stop - start - WINDOW_SECONDS) * 10) + 1)]
    return min(bisect_left(at, when + WINDOW_SECONDS) - bisect_left(at, when) for when in begins) / WINDOW_SECONDS


def _sleep_until(when: float) -> float:
    """Wait for an instant and return it: the wait is what is measured."""
    time.sleep(max(when - time.monotonic(), 0.0))
    return time.monotonic()


def _domain(mail: Taken) -> str:
    return mail.recipient.rpartition("@")[2]


def _cpu() -> float:
    return cpu_seconds([os.getpid()])
