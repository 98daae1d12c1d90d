"""The part of `shaping` about one MX site whose limit several processes hold: with Valkey, without, and with it again.

Four domains share the site. Counted is what its server has taken.
"""

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from functools import partial

from bench.processes import wait_until
from bench.shaping_sink import shared_domains
from bench.shaping_stage import RATE, Scene, audience, begin, end, scene
from bench.sheet import Sheet
from bench.stand import Stand

PROCESSES = 4
"""That hold one limit together."""
HOLD_SECONDS = 60.0
SETTLE_SECONDS = 5.0
"""After the first mail, and after Valkey has gone or come, before the mean is taken."""
BACK_SECONDS = 20.0
NEVER_SECONDS = 30.0
"""How long processes are watched that have never reached Valkey."""
READERS = 4400
"""More than a chunk for each process: what one has claimed, the others do not get."""
WINDOW_SECONDS = 10.0
GIVE_UP_SECONDS = 60.0
TAKE_PART = "SELECT count(DISTINCT incarnation) FROM delivery_leases"
"""Processes that hold copies: what one gives back, another may get, so not always all of them."""


def measure(sheet: Sheet, stand: Stand) -> None:
    """Measure; afterwards Valkey has stopped."""
    _comes_and_goes(sheet, stand)
    stand.valkey.stop()
    _never_there(sheet, stand)


def _readers(stand: Stand) -> tuple[int, int]:
    """Make an audience that lasts, and of which each process gets a chunk."""
    return audience(stand, dict.fromkeys(shared_domains(), READERS // len(shared_domains())))


def _comes_and_goes(sheet: Sheet, stand: Stand) -> None:
    account_id, audience_id = _readers(stand)
    with scene(stand, ["--hosts", 1], processes=PROCESSES) as stage:
        campaign_id, _ = stand.run(partial(begin, account_id, audience_id))
        first = _first(stage)
        gone = _sleep_until(first + SETTLE_SECONDS + HOLD_SECONDS)
        _several_take_part(stand)
        stand.valkey.stop()
        back = _sleep_until(gone + SETTLE_SECONDS + HOLD_SECONDS)
        _several_take_part(stand)
        stand.valkey.start()
        over = _sleep_until(back + BACK_SECONDS)
        at = [mail.at for mail in stage.reader.new()]
        stand.run(partial(end, account_id, campaign_id))
    _add(sheet, "with Valkey", _between(at, first, gone), (first + SETTLE_SECONDS, gone))
    _add(sheet, "Valkey stopped", _between(at, gone, back), (gone + SETTLE_SECONDS, back))
    _add(sheet, "Valkey back", _between(at, back, over), (back + SETTLE_SECONDS, over))
    for seconds in (WINDOW_SECONDS, HOLD_SECONDS):
        sheet.add(f"{_name('all of these')}: most in {seconds:g} s, a second", "mails/s", _most(at, seconds))


def _never_there(sheet: Sheet, stand: Stand) -> None:
    account_id, audience_id = _readers(stand)
    with scene(stand, ["--hosts", 1], processes=PROCESSES) as stage:
        campaign_id, _ = stand.run(partial(begin, account_id, audience_id))
        first = _first(stage)
        over = _sleep_until(first + SETTLE_SECONDS + NEVER_SECONDS)
        _several_take_part(stand)
        at = [mail.at for mail in stage.reader.new()]
        stand.run(partial(end, account_id, campaign_id))
    _add(sheet, "Valkey never there", _between(at, first, over), (first + SETTLE_SECONDS, over))


def _first(stage: Scene) -> float:
    wait_until("the first mail", lambda: stage.reader.count > 0, GIVE_UP_SECONDS)
    return stage.reader.instants[0]


def _several_take_part(stand: Stand) -> None:
    holding = stand.value(TAKE_PART)
    assert holding > 1, f"{holding:.0f} of {PROCESSES} processes have something to send"


def _between(at: Sequence[float], start: float, stop: float) -> Sequence[float]:
    return at[bisect_left(at, start) : bisect_left(at, stop)]


def _name(case: str) -> str:
    return f"{RATE}/s, {PROCESSES} processes, {case}"


def _add(sheet: Sheet, case: str, at: Sequence[float], settled: tuple[float, float]) -> None:
    """Add the figures of one part: the peaks of all of it, the mean and the gaps of what comes after it has settled."""
    start, stop = settled
    name, within = _name(case), _between(at, start, stop)
    mean = len(within) / (stop - start)
    sheet.add(f"{name}: mean of {stop - start:.0f} s", "mails/s", mean)
    sheet.add(f"{name}: ratio of it to the limit", "", mean / RATE)
    sheet.add(f"{name}: most in 1 s", "mails/s", _most(at, 1.0))
    sheet.add(f"{name}: most in {WINDOW_SECONDS:g} s, a second", "mails/s", _most(at, WINDOW_SECONDS))
    sheet.add(f"{name}: least in {WINDOW_SECONDS:g} s, a second", "mails/s", _least(within, start, stop))
    seconds = Counter(int(when - at[0]) for when in at)
    sheet.note(f"{case}, each second: {' '.join(str(seconds[second]) for second in range(int(at[-1] - at[0])))}")


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
