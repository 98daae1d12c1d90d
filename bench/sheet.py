"""Figures by name, each with a value per run; as a table for people and as JSON."""

import math
import statistics
from dataclasses import dataclass, field

NAME_WIDTH = 64


@dataclass
class Figure:
    """One figure with its values, one per run."""

    unit: str
    values: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The median of the runs."""
        return statistics.median(self.values)

    def shown(self) -> str:
        """Return median, least and greatest as text."""
        if len(self.values) == 1:
            return _number(self.median)
        return f"{_number(self.median)} [{_number(min(self.values))} {_number(max(self.values))}]"


class Sheet:
    """The figures of one benchmark, in the order in which they came up."""

    def __init__(self, title: str) -> None:
        """Begin an empty one."""
        self.title = title
        self.figures: dict[str, Figure] = {}
        self.notes: list[str] = []

    def add(self, name: str, unit: str, value: float) -> None:
        """Add the value of one run."""
        self.figures.setdefault(name, Figure(unit)).values.append(value)

    def note(self, text: str) -> None:
        """Say something about how it was measured."""
        if text not in self.notes:
            self.notes.append(text)

    def text(self) -> str:
        """Return the table."""
        lines = [self.title, "-" * len(self.title)]
        for name, figure in self.figures.items():
            lines.append(f"{name:<{NAME_WIDTH}}{figure.shown():>32}  {figure.unit}")
        lines += [f"  {note}" for note in self.notes]
        return "\n".join(lines)

    def as_json(self) -> dict[str, object]:
        """Return everything."""
        figures = {
            name: {
                "unit": figure.unit,
                "median": figure.median,
                "min": min(figure.values),
                "max": max(figure.values),
                "values": figure.values,
            }
            for name, figure in self.figures.items()
        }
        return {"title": self.title, "figures": figures, "notes": self.notes}


def percentile(values: list[float], share: float) -> float:
    """Return the value below which that share of the sorted values lies (nearest rank)."""
    return values[max(math.ceil(share * len(values)) - 1, 0)]


def _number(value: float) -> str:
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 1 else f"{value:.3f}"
