"""One campaign under attack on a stage that runs: kills, pauses, single mails all the while, and the verdict.

Used by the command (`bench.chaos`) and by the tests; whoever calls it owns the stage.
"""

import itertools
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from random import Random

from app.core.errors import CoreError
from bench.chaos_blows import LAST, Blow, Hands
from bench.chaos_campaign import END_SECONDS, Campaign
from bench.chaos_pauses import Pauses
from bench.chaos_stage import Stage
from bench.chaos_trickle import Trickle
from bench.chaos_verdict import EXAMPLES, Expected, Verdict, join
from bench.chaos_watch import Watch

_numbers = itertools.count(1)
PAUSE_SECONDS = 4.0
"""How long a cycle of pause and going on may take."""


@dataclass(frozen=True, slots=True)
class Attack:
    """What a campaign has to bear.

    Attributes:
        recipients: Its targets.
        blows: In the order in which they fall.
        pauses: Cycles of pause and going on.
        singles_per_second: Mails through the API meanwhile.
        latency: Seconds the SMTP server takes to answer.
        seed: Of what is random beside the blows.
    """

    recipients: int
    blows: Sequence[Blow] = ()
    pauses: int = 0
    singles_per_second: float = 20.0
    latency: float = 0.0
    seed: int = 0


@dataclass
class Outcome:
    """What came out; `ok` only when everything holds."""

    campaign: Verdict
    singles: Verdict
    state: str
    seconds: float
    hands: Hands
    watch: Watch
    pauses: Pauses
    accepted_singles: int
    faults: list[str]

    def sum(self, name: str) -> int:
        """Return a number of both verdicts together."""
        return int(getattr(self.campaign, name)) + int(getattr(self.singles, name))

    @property
    def ok(self) -> bool:
        """Whether everything that must hold held."""
        none = ("lost", "strangers", "other_content", "left")
        return (
            not self.faults
            and not any(self.sum(name) for name in none)
            and self.state == "done"
            and self.sum("doubled") == self.sum("flagged")
            and self.sum("extra") <= self.hands.open_at_kills
            and not self.watch.violations
            and self.watch.looks > 0
            and self.pauses.cycles == len(self.pauses.wanted)
            and self.pauses.too_many == 0
        )

    def line(self) -> str:
        """Return the last line."""
        found = {name: self.sum(name) for name in ("lost", "doubled", "flagged")}
        found |= {"identity_violations": len(self.watch.violations), "open_at_kills": self.hands.open_at_kills}
        found |= {name: self.sum(name) for name in ("extra", "flags", "strangers", "other_content", "left")}
        found |= {"looks": self.watch.looks, "pauses": self.pauses.cycles, "after_pause": self.pauses.too_many}
        return " ".join(f"{name}={value}" for name, value in found.items())

    def report(self) -> str:
        """Return everything worth knowing besides."""
        lines = [f"{self.seconds:.1f} s, the run is {self.state}; ended by us: {dict(self.hands.ended)}"]
        lines.append(f"single mails accepted meanwhile: {self.accepted_singles}")
        watch, pauses = self.watch, self.pauses.found
        lines.append(f"looks at the ledger: {watch.looks}, and {watch.missed} while PostgreSQL was away")
        lines += [f"identity violated: {look}" for look in watch.violations[:EXAMPLES]]
        if pauses:
            slowest = max(one.seconds for one in pauses) * 1000
            most = max(one.after for one in pauses)
            lines.append(f"pauses: {len(pauses)}, slowest {slowest:.0f} ms, most mails after one: {most}")
            lines += [f"too many after a pause: {one}" for one in pauses if one.after > one.live][:EXAMPLES]
        return "\n".join(lines + self.faults)


def attack(stage: Stage, plan: Attack, say: Callable[[str], None] = lambda _: None) -> Outcome:
    """Carry an attack out and return what came of it, also when something did not end in time."""
    began = time.monotonic()
    campaign = Campaign(stage, plan.recipients)
    campaign.start()
    say(f"campaign of {plan.recipients:,} started after {time.monotonic() - began:.1f} s")
    hands = Hands(stage, Random(plan.seed))
    settings, faults = stage.stand.settings, []
    with ExitStack() as beside:
        watch = beside.enter_context(Watch(settings, campaign.run_id))
        trickle = Trickle(stage.api_port, stage.stand.key, plan.singles_per_second, f"single{next(_numbers)}-")
        beside.enter_context(trickle)
        ids = (campaign.account_id, campaign.id)
        pauses = Pauses(settings, ids, stage.reader(), campaign.progress(), Random(plan.seed))
        pauses.plan(plan.pauses, plan.latency)
        beside.enter_context(pauses)
        try:
            hands.carry_out(plan.blows, campaign.progress())
            say(f"{len(plan.blows)} blows after {time.monotonic() - began:.1f} s: {dict(hands.ended)}")
            longest = END_SECONDS + PAUSE_SECONDS * plan.pauses
            stage.wait_for("the last pause", lambda: pauses.is_over, longest)
            pauses.finish()
            hands.await_share(LAST, campaign.progress())
            trickle.finish()
            say(f"almost everybody has it after {time.monotonic() - began:.1f} s")
            campaign.await_end()
            say(f"the end after {time.monotonic() - began:.1f} s")
            watch.finish()
        except (TimeoutError, CoreError) as error:
            faults.append(f"{type(error).__name__}: {error}; last seen: {watch.last}")
        else:
            faults += stage.audit()
    found = campaign.verdict(), _singles(stage, trickle)
    return Outcome(
        campaign=found[0],
        singles=found[1],
        state=campaign.state(),
        seconds=time.monotonic() - began,
        hands=hands,
        watch=watch,
        pauses=pauses,
        accepted_singles=len(trickle.accepted),
        faults=faults + found[0].faults + found[1].faults,
    )


def _singles(stage: Stage, trickle: Trickle) -> Verdict:
    expected = Expected(frozenset(trickle.accepted), frozenset(trickle.unsure), prefix=trickle.prefix)
    return stage.stand.run(partial(join, expected, stage.reader().new(), None))
