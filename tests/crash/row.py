"""One line of the report: what was done how often, with which seed, and what went wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Row:
    """Attributes:
    what: was tried.
    unit: of `count`, such as kills.
    seed: everything random follows from it.
    faults: how often each thing went wrong; one that never did stands there with 0.
    examples: the first few, in words.
    notes: what holds for all of it, by name.
    sums: other counts, by name.
    longest: seconds, by name.
    """

    what: str
    unit: str
    seed: int
    count: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    sums: Counter[str] = field(default_factory=Counter)
    longest: dict[str, float] = field(default_factory=dict)

    def must_not(self, *faults: str) -> Row:
        """Name what may not happen, so that a report says that it did not."""
        self.faults.update(dict.fromkeys(faults, 0))
        return self

    def fault(self, kind: str, example: str, times: int = 1) -> None:
        self.faults[kind] += times
        if len(self.examples) < 5:
            self.examples.append(f"{kind}: {example}"[:2000])

    @property
    def holds(self) -> bool:
        return not self.faults.total()

    def merge(self, other: Row) -> None:
        """Add what another process found with another seed."""
        self.count += other.count
        for kind, times in other.faults.items():
            self.faults[kind] += times
        for name, times in other.sums.items():
            self.sums[name] += times
        for name, seconds in other.longest.items():
            self.longest[name] = max(seconds, self.longest.get(name, 0.0))
        self.examples = [*self.examples, *other.examples][:5]
