"""What would run: photos counted, and bytes and seconds estimated from measured rates."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import pytest
from rich.console import Console

from results.ledger.rates import Rates
from results.ledger.records import Status
from search_spaces.backbones import PAPER_NAMES
from search_spaces.settings import Settings
from sweep.schedule.course import Course
from sweep.schedule.tally import tallied
from sweep.terminal.plan import BackbonePlan, Estimate, plan, plan_table, total
from tests.sweep.helpers import machine, record, settings

COUNTS = {"train": 240, "validation": 80, "test": 80}
HERE = machine(Path("/cache"))


def test_repeats_of_trials_that_once_were_the_best_are_done_and_count_for_nothing() -> None:
    chosen = settings("--backbones", "vgg16", "--trials", "5", "--confirm", "2")
    base = chosen.baseline("VGG16")
    scores = {0: 0.5, 1: 0.8, 2: 0.7, 3: 0.6, 4: 0.85, 5: 0.9}
    search = [
        record(
            "VGG16", number, [score], config=dataclasses.replace(base, learning_rate=1e-5 + number)
        )
        for number, score in scores.items()
    ]
    former = [record("VGG16", number, repeat=at) for number in (0, 1, 2) for at in (1, 2)]
    [found] = plan(chosen, COUNTS, (*search, *former))
    # Of t04 and t05, the best two now, both repeats are due.
    assert (found.trials, found.finished, found.repeats) == (6 + 6 + 4, 6 + 6, 6 + 4)
    assert found.photos_trained == 4 * chosen.epochs * 240
    [going_on] = plan(chosen, COUNTS, (*search[:-1], *former))
    assert going_on.trials - going_on.finished == 1 + 4
    tally = tallied({"VGG16": going_on.course}, (*search, *former))["VGG16"]
    settled = going_on.settled(tally)
    assert (settled.trials, settled.repeats) == (found.trials, found.repeats)


RATES = Rates(seconds_pass=0.08, seconds_skipped=0.06, seconds_step=0.02, bytes_stored=1000.0)


def estimated(chosen: Settings, finished: int = 0) -> Estimate:
    done = tuple(record("VGG16", number) for number in range(finished))
    [found] = plan(chosen, COUNTS, done, {"VGG16": RATES})
    assert found.estimate is not None
    return found.estimate


def shown(plans: tuple[BackbonePlan, ...], chosen: Settings, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, record=True)
    console.print(plan_table(plans, chosen, HERE))
    return console.export_text()


@pytest.mark.parametrize(
    ("words", "finished", "expected"),
    [
        # trials, finished, passes, photos_prefix, photos_trained, photos_plain
        ("--trials 3", 0, (4, 0, 2, 800, 4 * 3 * 240, 4 * (3 * 320 + 80))),
        ("--trials 3 --space wide", 0, (4, 0, 2, 2 * (400 + 3 * 240), 2880, 4160)),
        ("--trials 3 --search optimizer", 0, (4, 0, 1, 400, 2880, 4160)),
        ("--trials 3", 3, (4, 3, 2, 800, 720, 1040)),
        ("--trials 3", 4, (4, 4, 0, 0, 0, 0)),
        ("--baseline-only --epochs 10", 0, (1, 0, 1, 400, 2400, 3280)),
        ("--baseline-only", 1, (1, 1, 0, 0, 0, 0)),
    ],
)
def test_what_is_left_is_counted(
    words: str, finished: int, expected: tuple[int, int, int, int, int, int]
) -> None:
    done = tuple(record("VGG16", number) for number in range(finished))
    chosen = settings("--backbones", "vgg16", *words.split())
    course = Course.of(chosen, "VGG16")
    assert plan(chosen, COUNTS, done) == (BackbonePlan("VGG16", *expected, course=course),)


def test_a_failed_trial_is_done_and_another_backbones_is_not() -> None:
    chosen = settings("--backbones", "vgg16,xception", "--trials", "1")
    done = (record("VGG16", 0, [], status=Status.FAILED), record("VGG16", 1))
    found = {one.name: (one.finished, one.photos_trained) for one in plan(chosen, COUNTS, done)}
    assert found == {"VGG16": (2, 0), "Xception": (0, 2 * 3 * 240)}


@pytest.mark.parametrize(
    ("words", "gpus", "title"),
    [
        ("--trials 2", 0.0, "2 at a time on 1 CPU each; searched: learning_rate, optimizer"),
        ("--trials 2", 0.5, "2 at a time on 1 CPU and 0.5 GPU each"),
        ("--baseline-only", 0.0, "searched: nothing, the paper's baselines"),
    ],
)
def test_a_plan_is_a_table_with_a_row_per_backbone(words: str, gpus: float, title: str) -> None:
    chosen = settings(*words.split())
    console = Console(file=io.StringIO(), width=200, record=True)
    found = plan(chosen, COUNTS)
    console.print(plan_table(found, chosen, machine(Path("/cache"), gpus_per_trial=gpus)))
    text = console.export_text()
    assert title in " ".join(text.split())
    lines = text.splitlines()
    for one in found:
        [row] = [line for line in lines if line.strip().startswith(f"{one.name} ")]
        assert f"{one.photos_trained:,}" in row
    assert f"{total(found).photos_plain:,} through whole networks" in " ".join(text.split())


def test_backbones_that_were_not_measured_have_no_estimate_and_the_table_says_why() -> None:
    chosen = settings("--backbones", "vgg16,xception")
    nothing = plan(chosen, COUNTS)
    assert [one.estimate for one in nothing] == [None, None]
    assert "not known yet; measured by the first run here" in shown(nothing, chosen)
    some = plan(chosen, COUNTS, (), {"VGG16": RATES})
    assert [one.estimate is None for one in (*some, total(some))] == [False, True, True]


def test_what_a_plain_script_takes_is_unknown_where_its_layers_were_not_timed() -> None:
    chosen = settings("--backbones", "vgg16,xception", "--trials", "3")
    untimed = dataclasses.replace(RATES, seconds_skipped=None)
    plans = plan(chosen, COUNTS, (), {"VGG16": untimed, "Xception": RATES})
    [first, second, both] = [one.estimate for one in (*plans, total(plans))]
    assert first is not None
    assert second is not None
    assert both is not None
    assert (first.seconds_plain, first.seconds_saved) == (None, None)
    assert second.seconds_saved is not None
    assert (both.seconds_plain, both.seconds_saved) == (None, None)
    assert both.seconds_trained == first.seconds_trained + second.seconds_trained
    assert "- for a plain script: no run timed exactly the layers" in shown(plans, chosen)


def test_a_finished_sweep_takes_nothing() -> None:
    chosen = settings("--backbones", "vgg16", "--trials", "3")
    assert estimated(chosen, finished=4) == Estimate(0, 0, 0, 0)


def test_seconds_are_those_of_frozen_passes_of_training_and_of_a_plain_script() -> None:
    chosen = settings("--backbones", "vgg16", "--trials", "3")  # two scalings, three epochs
    found = estimated(chosen, finished=1)
    trained = 3 * 3 * 240 * 0.02
    assert found.seconds_prefix == pytest.approx(2 * 400 * 0.08)
    assert found.seconds_trained == pytest.approx(trained)
    assert found.seconds_plain == pytest.approx(3 * (3 * 320 + 80) * 0.06 + trained)
    assert found.seconds_saved == pytest.approx(3 * (3 * 320 + 80) * 0.06 - 2 * 400 * 0.08)


def test_a_store_that_costs_more_than_it_gives_shows_a_loss() -> None:
    chosen = settings("--backbones", "vgg16", "--trials", "1", "--epochs", "1")
    slow = Rates(seconds_pass=0.1, seconds_skipped=0.02, seconds_step=0.02, bytes_stored=1.0)
    plans = plan(chosen, COUNTS, (), {"VGG16": slow})
    assert plans[0].estimate is not None
    assert plans[0].estimate.seconds_saved == pytest.approx(2 * 400 * 0.02 - 2 * 400 * 0.1)
    assert "-1 min 04 s" in shown(plans, chosen)


def test_bytes_are_those_of_every_scaling() -> None:
    assert estimated(settings("--backbones", "vgg16", "--trials", "3")).bytes_stored == 800_000
    alone = settings("--backbones", "vgg16", "--baseline-only")
    assert estimated(alone).bytes_stored == 400_000


def test_the_total_is_the_sum() -> None:
    chosen = settings("--backbones", "vgg16,xception", "--trials", "3")
    known = dict.fromkeys(("VGG16", "Xception"), RATES)
    both = total(plan(chosen, COUNTS, (record("VGG16", 0),), known))
    assert (both.trials, both.finished, both.photos_prefix) == (8, 1, 1600)
    assert both.estimate is not None
    assert both.estimate.seconds_prefix == pytest.approx(2 * 2 * 400 * 0.08)


def test_a_small_box_is_planned_as_often_as_it_has_points() -> None:
    chosen = settings("--backbones", "vgg16", "--trials", "9", "--search", "optimizer")
    assert plan(chosen, COUNTS)[0].trials == len(chosen.planned) == 4


def test_a_store_that_is_too_small_is_told() -> None:
    chosen = settings("--backbones", "vgg16", "--trials", "3")
    for row_bytes, told in ((500, False), (5 * 10**6, True)):
        known = {"VGG16": dataclasses.replace(RATES, bytes_stored=row_bytes)}
        text = shown(plan(chosen, COUNTS, (), known), chosen)
        assert ("--max-cache holds 1.0 GB" in text) is told


@pytest.mark.parametrize("width", [80, 100])
def test_a_plan_of_the_papers_size_fits_its_width_and_cuts_nothing(width: int) -> None:
    chosen = settings("--trials", "20", "--epochs", "10")
    counts = {"train": 15000, "validation": 5000, "test": 5000}
    known = {name: dataclasses.replace(RATES, bytes_stored=5e5) for name in PAPER_NAMES}
    plans = plan(chosen, counts, (), known)
    text = shown(plans, chosen, width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    both = total(plans)
    assert f"{both.photos_plain:,}" in text
    assert all(f"{name} " in text for name in PAPER_NAMES)
    if width >= 100:
        body = text.split("total")[0].splitlines()
        assert len([line for line in body if "750,000" in line or "3,150,000" in line]) == 6


def test_repeats_are_planned_at_most_and_counted_when_the_search_is_over() -> None:
    chosen = settings("--backbones", "vgg16", "--trials", "3", "--confirm", "2")
    [start] = plan(chosen, COUNTS)
    assert (start.trials, start.repeats) == (4 + 6, 6)
    assert start.photos_trained == 10 * 3 * COUNTS["train"]
    other = dataclasses.replace(chosen.baseline("VGG16"), learning_rate=1e-3)
    searched = [record("VGG16", 0), record("VGG16", 1, config=other)]
    searched += [record("VGG16", number, [], status=Status.FAILED) for number in (2, 3)]
    courses = {"VGG16": start.course}
    assert start.settled(tallied(courses, searched[:3])["VGG16"]) == start
    assert start.settled(tallied(courses, searched)["VGG16"]).trials == 4 + 4
    [again] = plan(chosen, COUNTS, tuple(searched))
    assert (again.trials, again.finished, again.repeats) == (8, 4, 4)
    cut = record("VGG16", 1, repeat=1, status=Status.OUT_OF_TIME)
    assert plan(chosen, COUNTS, (*searched, cut)) == (again,)


def test_the_plan_says_how_many_trials_confirm() -> None:
    chosen = settings("--backbones", "vgg16,xception", "--trials", "3", "--confirm", "2")
    text = " ".join(shown(plan(chosen, COUNTS), chosen).split())
    assert "up to 12 train baselines and best two again, on 2 fresh seeds each" in text
    plain = settings("--backbones", "vgg16", "--trials", "3")
    assert "fresh seeds" not in shown(plan(plain, COUNTS), plain)
