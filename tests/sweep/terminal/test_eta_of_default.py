"""What the live table tells of the demonstration's end, replayed from the seconds of a real one.

`default_sweep.csv` is `run_sweep.py --backbones all`, without a network and with an empty cache, on
two cores (AVX-512): six backbones, 90 trials, 36 of them repeats. A line per trial in the order of
their ends: when it ended after the start, how long it took in all and for its features, the seconds
of its epochs, and what its network had to do.
"""

from __future__ import annotations

import csv
import heapq
import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from results.ledger.anatomy import Anatomy, Work
from results.ledger.records import Cost, EpochRecord, Status, TrialRecord
from search_spaces.backbones import HEAD, Scaling
from search_spaces.settings import Settings
from sweep.schedule.assignment import Assignment
from sweep.terminal.eta import Running
from sweep.terminal.live import LiveTable
from sweep.terminal.plan import plan
from tests.sweep.helpers import settings
from tests.sweep.terminal.test_eta_of_sweeps import Clock

TABLE = Path(__file__).with_name("default_sweep.csv")
SETTINGS = settings(
    *("--backbones", "all", "--trials", "8", "--epochs", "3", "--batch-size", "10"),
    *("--confirm", "2", "--space", "quick"),
)
COUNTS = {"train": 300, "validation": 100, "test": 100}


def trials() -> list[tuple[float, TrialRecord]]:
    """When each trial ended, and its record."""
    with TABLE.open(newline="") as file:
        lines = list(csv.DictReader(file))
    work: dict[str, dict[str, Work]] = {}
    for line in lines:
        known = Work(int(line["multiply_adds"]), int(line["parameters"]))
        work.setdefault(line["backbone"], {})[line["unfreeze"]] = known
    return [
        (float(line["ended"]), record(line, work[line["backbone"]], SETTINGS)) for line in lines
    ]


def record(line: dict[str, str], work: dict[str, Work], chosen: Settings) -> TrialRecord:
    number, score, loss = int(line["number"]), float(line["score"]), float(line["loss"])
    epochs = tuple(
        EpochRecord(at, loss, score, loss, score, 1e-3, float(seconds))
        for at, seconds in enumerate(line["epochs"].split(), start=1)
    )
    baseline = chosen.baseline(line["backbone"])
    config = replace(
        baseline,
        unfreeze=line["unfreeze"],
        scaling=Scaling(line["scaling"]),
        learning_rate=baseline.learning_rate * (1 + number),  # no configuration twice
    )
    own = work[line["unfreeze"]]
    return TrialRecord(
        number,
        Status(line["status"]),
        config,
        epochs,
        best_epoch=1,
        validation_accuracy=score,
        validation_loss=loss,
        repeat=int(line["repeat"]),
        cost=Cost(
            seconds_features=float(line["features"]),
            seconds_total=float(line["seconds"]),
            seconds_prefix=float(line["prefix"]),
            photos_prefix=int(line["photos"]),
            multiply_adds_prefix=float(line["multiply_adds_prefix"]),
            photos_trained=len(epochs) * COUNTS["train"],
        ),
        anatomy=Anatomy(
            *(0, 0, 0, own.parameters, work[HEAD].parameters, "", (), 0),
            multiply_adds_trained=own.multiply_adds,
            by_point=work,
        ),
    )


def replayed() -> LiveTable:
    """The sweep as the live table followed it."""
    clock = Clock()
    events: list[tuple[float, int, Running | TrialRecord]] = []
    for at, (ended, one) in enumerate(trials()):
        assignment = Assignment(one.number, one.config, {}, repeat=one.repeat)
        now = ended - one.cost.seconds_total
        events.append((now, 3 * at, Running(assignment)))
        # What is before the first epoch and after the last one: the network, the answers.
        trained = sum(epoch.seconds for epoch in one.epochs)
        now = max(now + one.cost.seconds_features, ended - 1.1 * trained)
        for epoch in one.epochs:
            now += epoch.seconds
            events.append((now, 3 * at + 1, Running(assignment, epoch)))
        events.append((ended, 3 * at + 2, one))
    heapq.heapify(events)
    table = LiveTable(Console(file=io.StringIO()), plan(SETTINGS, COUNTS), at_once=2, clock=clock)
    while events:
        clock.now, _, event = heapq.heappop(events)
        if isinstance(event, Running):
            table.running(event)
        else:
            table.finished(event)
    return table


@pytest.mark.parametrize("share", [0.2, 0.3, 0.4, 0.5, 0.6, 0.7])
def test_the_demonstrations_end_is_told_within_a_quarter(share: float) -> None:
    told = replayed().forecast(share)
    assert told is not None
    assert abs(told.error) < 0.25
