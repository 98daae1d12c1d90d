"""`make chaos`: a campaign to a recording SMTP server while parts of the product are killed, stopped and paused.

    make chaos ARGS="--recipients 100000 --kills 200"
    make chaos ARGS="--pauses 100"
    make chaos ARGS="--recipients 2000 --kills 10 --seed 7 --logs /tmp/chaos"
    make chaos ARGS="--reports 10000"

With `--reports` it is failure reports and webhooks about them instead of a campaign, and intake and outbox that are
killed, each so many times (`bench.chaos_reports`).

The same seed makes the same plan: who is killed when a share of the campaign has arrived. The last line tells lost,
doubled, flagged and identity violations; the exit status is 0 only when everything holds:

    lost                 nobody: each target was delivered, or the ledger's final state tells why not
    doubled              at most as many mails too many as SMTP transactions were open at the kills, each flagged
    identity             at each look, ten a second: targets = copies by state + targets not yet reached
    content              each mail says what the version of its copy says, under the same Message-ID
    pauses               once a pause has answered, no more mails arrive than connections are open
"""

import argparse
import secrets
import shutil
import signal
import sys
from functools import partial
from pathlib import Path
from random import Random
from types import FrameType

from bench import chaos_reports
from bench.chaos_blows import plan
from bench.chaos_pauses import MARKS
from bench.chaos_run import Attack, Outcome, attack
from bench.chaos_stage import Stage, claims
from bench.stand import Stand

REPORT_KILLS = 10
SECONDS_PER_BLOW = 1.5
SECONDS_PER_PAUSE = 1.0
LATENCY_MS = (1.0, 100.0)


def main() -> int:
    """Do what was asked for; return the exit status."""
    given = _arguments()
    if given.reports:
        return _reports(given)
    kills = given.kills if given.kills is not None else 0 if given.pauses else 20
    latency_ms = given.latency_ms if given.latency_ms is not None else _latency_ms(given, kills)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    print(f"seed {given.seed}, {given.recipients:,} recipients, {kills} kills, {given.pauses} pauses", flush=True)
    print(f"each group of SMTP replies comes after {latency_ms:.0f} ms", flush=True)
    sink: list[object] = ["--latency-ms", latency_ms, "--defer", given.defer]
    for mark in MARKS:
        sink += ["--mark", mark]
    try:
        with Stage(
            sink, deliveries=given.deliveries, connections=given.connections, **claims(given.recipients)
        ) as stage:
            try:
                blows = plan(Random(given.seed), kills, stage.deliveries)
                wanted = Attack(
                    given.recipients, blows, given.pauses, given.singles, latency_ms / 1000, seed=given.seed
                )
                outcome = attack(stage, wanted, lambda text: print(text, flush=True))
            finally:
                _keep_logs(stage.stand, given.logs)
            return _tell(outcome, stage)
    except KeyboardInterrupt:
        print("interrupted; everything that was started has ended", file=sys.stderr)
        return 130


def _reports(given: argparse.Namespace) -> int:
    """Do it with reports instead of a campaign; return the exit status."""
    wanted = chaos_reports.Attack(given.reports, given.kills if given.kills is not None else REPORT_KILLS)
    print(f"{wanted.reports:,} reports and webhooks, {wanted.kills} kills of intake and of outbox", flush=True)
    with Stand() as stand:
        try:
            verdict = stand.run(partial(chaos_reports.attack, wanted, stand, partial(print, flush=True)))
        finally:
            _keep_logs(stand, given.logs)
    print(verdict.line(), flush=True)
    return 0 if verdict.ok else 1


def _tell(outcome: Outcome, stage: Stage) -> int:
    print(outcome.report())
    if stage.crashed:
        print(f"parts that ended by themselves and were started again: {stage.crashed}")
    print(outcome.line(), flush=True)
    return 0 if outcome.ok else 1


def _latency_ms(given: argparse.Namespace, kills: int) -> float:
    """Return the delay that makes the campaign last as long as the plan needs."""
    seconds = max(10.0, kills * SECONDS_PER_BLOW, given.pauses * SECONDS_PER_PAUSE)
    sessions: int = given.connections * given.deliveries
    recipients: int = given.recipients
    least, most = LATENCY_MS
    wanted: float = sessions * seconds / recipients * 1000
    return min(max(wanted, least), most)


def _keep_logs(stand: Stand, directory: Path | None) -> None:
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        for log in stand.directory.glob("*.log"):
            shutil.copy(log, directory)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="chaos", description="A campaign under attack; nobody may be lost.")
    parser.add_argument("--recipients", type=int, default=2000, help="targets of the campaign (2000)")
    parser.add_argument("--reports", type=int, help="failure reports with webhooks, instead of a campaign")
    parser.add_argument(
        "--kills",
        type=int,
        help="kill -9, and a fifth as many stops by SIGTERM (20; 0 with --pauses; 10 with --reports)",
    )
    parser.add_argument("--pauses", type=int, default=0, help="cycles of pause and going on (0)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="makes the same plan again")
    parser.add_argument("--deliveries", type=int, default=2, choices=(1, 2), help="delivery processes (2)")
    parser.add_argument("--connections", type=int, default=10, help="SMTP sessions of each (10)")
    parser.add_argument("--latency-ms", type=float, help="of each group of replies; otherwise what the plan needs")
    parser.add_argument("--defer", type=float, default=0.05, help="share of recipients answered 451 once (0.05)")
    parser.add_argument("--singles", type=float, default=20.0, help="mails a second through the API meanwhile (20)")
    parser.add_argument("--logs", type=Path, metavar="DIRECTORY", help="keep the logs of all parts")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
