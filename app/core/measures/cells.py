"""Numbers by key, metric and bucket, as they come in. Imports this package's values."""

from app.core.measures.values import Metric


class Cells:
    """A sparse table of numbers."""

    def __init__(self) -> None:
        self._cells: dict[str | None, dict[Metric, dict[int, int]]] = {}

    def add(self, key: str | None, metric: Metric, bucket: int, number: int) -> None:
        """Add to a number; nothing for 0."""
        if number:
            row = self._cells.setdefault(key, {}).setdefault(metric, {})
            row[bucket] = row.get(bucket, 0) + number

    def include(self, other: "Cells") -> None:
        """Add all numbers of another table."""
        for key, metrics in other._cells.items():  # noqa: SLF001 its own kind
            for metric, row in metrics.items():
                for bucket, number in row.items():
                    self.add(key, metric, bucket, number)

    def column(self, key: str | None, metric: Metric, buckets: int) -> list[int]:
        """Return a number for each bucket, zero where nothing came in."""
        row = self._cells.get(key, {}).get(metric, {})
        return [row.get(bucket, 0) for bucket in range(buckets)]

    def largest(self, metric: Metric) -> list[tuple[str, int]]:
        """Return the keys that have something of a metric, with it: the largest first, then by key."""
        sums = [
            (key, sum(metrics[metric].values()))
            for key, metrics in self._cells.items()
            if key is not None and metric in metrics
        ]
        return sorted(sums, key=lambda one: (-one[1], one[0]))
