"""What the driver spends on a suggestion, by how many trials its backbone has behind it.

    python -m tests.benchmarks.suggestions

Milliseconds of the processor, so that other work does not count; nothing is trained, no run is
written. Measured on a busy machine: 4, 6 and 7 each. They were 16, 30 and 30 when Optuna copied and
compared all trials for each, and 30, 350 and 2,900 when the sampler still saw all trials.

The first suggestion after a resume takes up all records; a mirrored trial is one in `optuna.db`,
which the driver writes as well.
"""

from __future__ import annotations

import dataclasses
import logging
import random
import tempfile
import time
from pathlib import Path

from results.ledger.records import TrialRecord
from search_spaces import paper
from search_spaces.config import OPTIMIZERS
from sweep.schedule.pool import Pool
from sweep.schedule.studies import Studies
from tests.sweep.helpers import MemoryFolder, outcome, record, settings

_HISTORIES = (100, 1_000, 10_000)
_SUGGESTIONS = 10
_MIRRORED = 1_000


def main() -> None:
    logging.getLogger("optuna").setLevel(logging.WARNING)
    print("trials  first, ms  each, ms  mirrored, ms")
    for length in _HISTORIES:
        records = [_trial(number) for number in range(length)]
        first, each = _suggestions(records)
        print(f"{length:>6}  {first:>9.1f}  {each:>8.1f}  {_mirrored(records):>12.1f}", flush=True)


def _trial(number: int) -> TrialRecord:
    chance = random.Random(number)
    config = dataclasses.replace(
        paper.baseline("VGG16"),
        learning_rate=10 ** chance.uniform(-6, -2),
        optimizer=chance.choice(OPTIMIZERS),
    )
    return record("VGG16", number, [chance.random() for _ in range(10)], config=config)


def _suggestions(records: list[TrialRecord]) -> tuple[float, float]:
    """Processor milliseconds of the first suggestion, and of the median of those after it."""
    trials = len(records) + _SUGGESTIONS
    folder = MemoryFolder(records)
    pool = Pool(folder, settings("--backbones", "vgg16", trials=trials), lag=1)
    spent = []
    for _ in range(_SUGGESTIONS):
        started = time.process_time()
        assignment = pool.next()
        assert assignment is not None
        folder.write_record(outcome(assignment))
        pool.finish(assignment.trial_id)
        spent.append(1000 * (time.process_time() - started))
    return spent[0], sorted(spent[1:])[len(spent) // 2]


def _mirrored(records: list[TrialRecord]) -> float:
    """Processor milliseconds per trial that is added to a new `optuna.db`."""
    with tempfile.TemporaryDirectory() as folder:
        studies = Studies(Path(folder) / "optuna.db", settings().space, ["VGG16"])
        started = time.process_time()
        studies.add(records[:_MIRRORED])
        return 1000 * (time.process_time() - started) / min(_MIRRORED, len(records))


if __name__ == "__main__":
    main()
