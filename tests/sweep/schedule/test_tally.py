"""What finished trials have come to, as sums: as if all were gone through, and none is again."""

from __future__ import annotations

import dataclasses
import io
import random
from typing import Any

import pytest
from rich.console import Console

from results.ledger.records import Cost, Status, TrialRecord
from results.ledger.repeats import candidates
from search_spaces.config import TrialId
from sweep.schedule.course import Course
from sweep.schedule.reserve import Reserve
from sweep.schedule.tally import Tally
from sweep.terminal.live import LiveTable
from sweep.terminal.plan import plan
from tests.sweep.helpers import record, settings

CHOSEN = settings("--backbones", "vgg16", "--trials", "400", "--confirm", "2", "--epochs", "10")
BASELINE = CHOSEN.baseline("VGG16")


def finished(number: int, chance: random.Random, *, rates: int) -> TrialRecord:
    """A trial at one of so many learning rates, the baseline's among them."""
    status = chance.choice([Status.COMPLETED] * 4 + [Status.STOPPED_EARLY, Status.FAILED])
    accuracies = [chance.randrange(100) / 100 for _ in range(chance.choice([3, 10]))]
    rate = BASELINE.learning_rate * (1 + chance.randrange(rates))
    made = record(
        "VGG16",
        number,
        [] if status == Status.FAILED else accuracies,
        repeat=chance.choice([0, 0, 0, 1]),
        status=status,
        config=BASELINE if number == 0 else dataclasses.replace(BASELINE, learning_rate=rate),
    )
    return dataclasses.replace(made, cost=Cost(seconds_total=chance.uniform(1, 9)))


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_of_equal_scores_the_best_is_the_same_whichever_ends_first(order: tuple[int, int]) -> None:
    tally = Tally(Course.of(CHOSEN, "VGG16"))
    for number in order:
        tally.add(record("VGG16", number, [0.9]))
    assert tally.best is not None
    assert tally.best.number == 1


@pytest.mark.parametrize("seed", range(20))
def test_after_every_trial_the_contenders_have_the_candidates_of_all(seed: int) -> None:
    chance = random.Random(seed)
    tally, known = Tally(Course.of(CHOSEN, "VGG16")), list[TrialRecord]()
    for number in chance.sample(range(60), 60):
        known.append(finished(number, chance, rates=6))
        tally.add(known[-1])
        assert candidates(tally.contenders) == candidates(known)
        search = [one for one in known if not one.repeat]
        scored = [one.score for one in search if one.score is not None]
        assert (tally.best.score if tally.best else None) == max(scored, default=None)
        assert (tally.finished, tally.searched) == (len(known), len(search))
    assert tally.longest == 10
    whole = [one.cost.seconds_trained for one in search if len(one.epochs) == 10]
    assert tally.in_full.value == pytest.approx(sum(whole) / len(whole))


class Read(TrialRecord):
    """A record that counts how often anything of it is read."""

    times = 0

    def __getattribute__(self, name: str) -> Any:
        Read.times += 1
        return super().__getattribute__(name)

    @staticmethod
    def counting(made: TrialRecord) -> Read:
        read = object.__new__(Read)
        read.__dict__.update(vars(made))
        return read


def reads_of_a_further_trial(earlier: int) -> int:
    """How often records are read for one more trial after so many, drawing included."""
    chance = random.Random(1)
    reserve = Reserve(CHOSEN, {"VGG16": Course.of(CHOSEN, "VGG16")}, 1e9, 2)
    counts = {"train": 240, "validation": 80, "test": 80}
    table = LiveTable(Console(file=io.StringIO()), plan(CHOSEN, counts))
    for number in range(earlier):
        made = Read.counting(dataclasses.replace(finished(number, chance, rates=10**6), repeat=0))
        reserve.ended(made)
        table.finished(made)
    Read.times = 0
    made = Read.counting(
        dataclasses.replace(finished(earlier, random.Random(2), rates=9), repeat=0)
    )
    reserve.ended(made)
    table.finished(made)
    table.table()
    reserve.spares(TrialId("VGG16", earlier + 1))
    return Read.times


def test_a_further_trial_costs_as_much_after_three_hundred_as_after_thirty() -> None:
    assert reads_of_a_further_trial(300) <= reads_of_a_further_trial(30) + 50
