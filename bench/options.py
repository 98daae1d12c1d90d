"""What was asked for on the command line."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """How long and how often.

    Attributes:
        runs: Repetitions; medians are shown.
        seconds: Length of one measurement under load.
        copies: Mails laid into the queue for one measurement of delivery.
        sends: Single mails for one measurement of latency.
        rows: Copies in the ledger for counts.
        recipients: Of one measured campaign.
        targets: Of the large campaigns: snapshot and memory.
    """

    runs: int
    seconds: float
    copies: int
    sends: int
    rows: int
    recipients: int = 50_000
    targets: int = 1_000_000
