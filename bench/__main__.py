"""Runs the benchmarks and prints what they found: `python -m bench --only accept --json out.json`."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from bench import (
    accept,
    campaign,
    composing,
    contacts,
    counts,
    delivery,
    finding,
    imports,
    latency,
    limiting,
    memory,
    metrics,
    opens,
    postbacks,
    reports,
    shaping,
    snapshot,
    submission,
    webhooks,
)
from bench.machine import Surroundings, facts
from bench.options import Options
from bench.sheet import Sheet

BENCHMARKS: dict[str, Callable[[Options], Sheet]] = {
    "accept": accept.run,
    "delivery": delivery.run,
    "latency": latency.run,
    "counts": counts.run,
    "metrics": metrics.run,
    "composing": composing.run,
    "contacts": contacts.run,
    "campaign": campaign.run,
    "snapshot": snapshot.run,
    "opens": opens.run,
    "memory": memory.run,
    "postbacks": postbacks.run,
    "webhooks": webhooks.run,
    "shaping": shaping.run,
    "limiting": limiting.run,
    "finding": finding.run,
    "imports": imports.run,
    "submission": submission.run,
    "reports": reports.run,
}
NOT_BY_DEFAULT = {"contacts", "imports", "memory", "metrics", "reports", "shaping"}
"""Long, and asked for by name."""


def main() -> int:
    """Measure what was asked for; return the exit status."""
    given = _arguments()
    options = Options(given.runs, given.seconds, given.copies, given.sends, given.rows, given.recipients, given.targets)
    machine = facts()
    for name, value in machine.items():
        print(f"{name:>12}: {value}")
    found: dict[str, Sheet] = {}
    for name in given.only or [name for name in BENCHMARKS if name not in NOT_BY_DEFAULT]:
        surroundings = Surroundings()
        print(f"\n... {name}", file=sys.stderr, flush=True)
        sheet = found[name] = BENCHMARKS[name](options)
        sheet.note(surroundings.sentence())
        print(f"\n{sheet.text()}", flush=True)
    machine["load after"] = "{:.2f} {:.2f} {:.2f}".format(*os.getloadavg())
    print("\nmedian [least greatest] of the runs")
    if given.json:
        content = {"machine": machine, "runs": given.runs, "benchmarks": {n: s.as_json() for n, s in found.items()}}
        given.json.write_text(json.dumps(content, indent=2) + "\n")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="Measures; asserts nothing. See docs/performance.md.")
    parser.add_argument("--only", action="append", choices=BENCHMARKS, help="this one; may be given again")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every value of every run")
    parser.add_argument("--runs", type=int, default=3, help="repetitions (3)")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of one measurement under load (4)")
    parser.add_argument("--copies", type=int, default=20_000, help="mails queued for one measurement (20000)")
    parser.add_argument("--sends", type=int, default=200, help="single mails for one measurement of latency (200)")
    parser.add_argument("--rows", type=int, default=1_000_000, help="copies in the ledger for counts (1000000)")
    parser.add_argument("--recipients", type=int, default=50_000, help="of one measured campaign (50000)")
    parser.add_argument(
        "--targets", type=int, default=1_000_000, help="of campaigns in snapshot and memory, rows of imports (1000000)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
