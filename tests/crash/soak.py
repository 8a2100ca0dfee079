"""A long sweep holds no more memory, descriptors or temporary files at its end than near its start.

Here the driver is looked at; a training process with real Keras is in
`tests/sweep/process/test_trainer.py`.
"""

from __future__ import annotations

import gc
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from results.ledger.runs import Split
from results.ledger.store import RunFolder
from sweep.schedule.assignment import Assignment
from tests.crash.driver import inside, replaced
from tests.crash.place import place
from tests.crash.row import Row
from tests.crash.runner import Local

MOST_GROWTH = 0.05
"""Of memory, from a fifth of the trials to the last."""
_BACKBONES = ("vgg16", "xception")


@dataclass(frozen=True)
class Holding:
    """What a process holds.

    Attributes:
        resident: bytes of memory.
        descriptors: that are open.
        temporary: files and folders in its temporary folder.
    """

    resident: int
    descriptors: int
    temporary: int

    @classmethod
    def of(cls, pid: int, temporary: Path) -> Holding:
        """What a process holds now."""
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return cls(
            pages * os.sysconf("SC_PAGE_SIZE"),
            sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()),
            sum(1 for _ in temporary.rglob("*")),
        )


@dataclass(frozen=True)
class _Looked(Local):
    """Trials before each of which the driver's holding is noted."""

    temporary: Path = Path()
    seen: list[Holding] = field(default_factory=list)

    def train(self, assignment: Assignment, folder: RunFolder, split: Split) -> None:
        gc.collect()
        self.seen.append(Holding.of(os.getpid(), self.temporary))
        super().train(assignment, folder, split)


def soak(seed: int, trials: int) -> Row:
    """One sweep of at least so many trials."""
    row = Row("a long sweep's driver, from a fifth of its trials on", "trials", seed)
    row.must_not("ends that were not clean", f"memory grown by more than {MOST_GROWTH:.0%}")
    row.must_not("descriptors left open", "temporary files left")
    each = -(-trials // len(_BACKBONES))
    words = ("--backbones", ",".join(_BACKBONES), "--trials", f"{each}", "--epochs", "2")
    with place(words) as where:
        looked = _Looked(where.journal, mirror=True, temporary=where.root / "tmp")
        looked.temporary.mkdir()
        with replaced((tempfile, "tempdir", str(looked.temporary))):
            ended = inside([*where.typed(where.run("long")), "--seed", f"{seed}"], looked)
    if ended != (0, ""):
        row.fault("ends that were not clean", f"{ended}")
    row.count = len(looked.seen)
    first, last = looked.seen[row.count // 5], looked.seen[-1]
    growth = last.resident / first.resident - 1
    row.notes["memory"] = f"{last.resident / 2**20:.0f} MB, {growth:+.1%}"
    if growth > MOST_GROWTH:
        row.fault(f"memory grown by more than {MOST_GROWTH:.0%}", row.notes["memory"])
    if last.descriptors > first.descriptors:
        row.fault("descriptors left open", f"{first.descriptors}, then {last.descriptors}")
    if last.temporary > first.temporary:
        row.fault("temporary files left", f"{first.temporary}, then {last.temporary}")
    return row
