"""What a run cost per backbone, and the seconds that stored features saved, as an estimate."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

import pytest
from rich.console import Console

from results.figures.gallery import gallery
from results.ledger.records import Cost
from results.ledger.store import RunFolder
from results.report.page import page
from results.report.sheets_run import cost_by_backbone
from results.report.terminal import draw
from results.report.write import write_report
from results.scores.cost_types import CostRow
from results.scores.summary import summarise
from search_spaces.backbones import PAPER_NAMES
from tests.results.helpers import Trial, make_run

PHOTOS = 3 * (24 + 12) + 16
"""What a plain script pushes for one trial of three epochs on the small split."""

BOTH = (Trial("VGG16", 0), Trial("VGG16", 1, epochs=2), Trial("Xception", 0))


WORK = 4e8
"""Multiply-adds of the layers before the unfreeze point, for one photo."""


def measured(folder: RunFolder, **seconds: float) -> RunFolder:
    """Give backbones a measured frozen pass: seconds for one photo, by backbone."""
    for record in folder.records():
        if record.anatomy is None:
            continue
        anatomy = dataclasses.replace(record.anatomy, multiply_adds_frozen=WORK)
        cost = record.cost
        if record.backbone in seconds and record.is_baseline:
            photos = cost.photos_prefix
            cost = dataclasses.replace(
                cost,
                seconds_prefix=photos * seconds[record.backbone],
                multiply_adds_prefix=photos * WORK,
            )
        folder.write_record(dataclasses.replace(record, anatomy=anatomy, cost=cost))
    return folder


def rows(folder: RunFolder) -> dict[str, CostRow]:
    costs = summarise(folder).costs
    return {one.backbone: one for one in (*costs.backbones, costs.total)}


def test_where_no_frozen_pass_was_timed_nothing_is_said_of_seconds_saved(tmp_path: Path) -> None:
    found = rows(measured(make_run(tmp_path, BOTH)))
    assert {one.seconds_saved for one in found.values()} == {None}


def test_a_backbone_that_was_not_timed_counts_as_nothing_saved_in_the_total(
    tmp_path: Path,
) -> None:
    found = rows(measured(make_run(tmp_path, BOTH), VGG16=0.1))
    saved = found["VGG16"].seconds_saved
    assert saved is not None
    assert found["Xception"].seconds_saved is None
    assert found[""].seconds_saved == pytest.approx(saved - 2.0)
    assert [found[name].trials_untimed for name in ("VGG16", "Xception", "")] == [0, 1, 1]


def test_trials_of_a_version_that_counted_no_multiply_adds_say_nothing(tmp_path: Path) -> None:
    folder = measured(make_run(tmp_path, BOTH[:1]), VGG16=0.1)
    record = folder.read_record("VGG16/baseline")
    assert record is not None
    assert record.anatomy is not None
    old = dataclasses.replace(record.anatomy, multiply_adds_frozen=0.0)
    folder.write_record(dataclasses.replace(record, anatomy=old))
    assert rows(folder)["VGG16"].seconds_saved is None


@pytest.mark.parametrize("share", [0.25, 4.0])
def test_nothing_is_extrapolated_to_layers_that_no_pass_went_through_exactly(
    tmp_path: Path, share: float
) -> None:
    folder = measured(make_run(tmp_path, BOTH[:2]), VGG16=0.1)
    record = folder.read_record("VGG16/t01")
    assert record is not None
    assert record.anatomy is not None
    other = dataclasses.replace(record.anatomy, multiply_adds_frozen=WORK * share)
    folder.write_record(dataclasses.replace(record, anatomy=other))
    found = rows(folder)["VGG16"]
    assert found.seconds_saved == pytest.approx(PHOTOS * 0.1 - 2 * 2.0)
    assert (found.trials, found.trials_untimed) == (2, 1)
    assert "exactly the layers of 1 trial: not measured" in " ".join(drawn(folder).split())


def test_a_pass_over_few_layers_says_nothing_of_all(tmp_path: Path) -> None:
    folder = measured(make_run(tmp_path, BOTH[:1]), VGG16=0.1)
    record = folder.read_record("VGG16/baseline")
    assert record is not None
    short = dataclasses.replace(record.cost, multiply_adds_prefix=record.cost.photos_prefix * 1e6)
    folder.write_record(dataclasses.replace(record, cost=short))
    assert rows(folder)["VGG16"].seconds_saved is None


def test_saved_is_what_frozen_layers_would_have_taken_less_what_features_took(
    tmp_path: Path,
) -> None:
    folder = measured(make_run(tmp_path, BOTH), VGG16=0.1, Xception=0.2)
    found = rows(folder)
    assert found["VGG16"].seconds_saved == pytest.approx((2 * PHOTOS - 36) * 0.1 - 2 * 2.0)
    assert found["Xception"].seconds_saved == pytest.approx(PHOTOS * 0.2 - 2.0)
    assert found[""].seconds_saved == pytest.approx((2 * PHOTOS - 36) * 0.1 + PHOTOS * 0.2 - 6.0)


def test_a_store_that_cost_more_than_it_gave_shows_a_loss(tmp_path: Path) -> None:
    folder = measured(make_run(tmp_path, BOTH[:1]), VGG16=0.001)
    assert rows(folder)["VGG16"].seconds_saved == pytest.approx(PHOTOS * 0.001 - 2.0)
    assert "-1.9 s" in drawn(folder)
    assert "-1.9 s" in cost_section(folder)


def test_waiting_for_another_trial_is_not_a_frozen_pass(tmp_path: Path) -> None:
    folder = measured(make_run(tmp_path, BOTH[:1]), VGG16=0.1)
    record = folder.read_record("VGG16/baseline")
    assert record is not None
    waited = Cost(
        *(5.0, 3.0, 9.0),
        seconds_waiting=4.5,
        seconds_tracing=1.25,
        photos_prefix=record.cost.photos_prefix,
        seconds_prefix=record.cost.seconds_prefix,
        multiply_adds_prefix=record.cost.multiply_adds_prefix,
    )
    folder.write_record(dataclasses.replace(record, cost=waited))
    found = rows(folder)["VGG16"]
    assert found.seconds_saved == pytest.approx(PHOTOS * 0.1 - 0.5)
    assert (found.seconds_features, found.seconds_waiting) == (0.5, 4.5)
    assert (found.seconds_training, found.seconds_other, found.seconds_tracing) == (3.0, 1.0, 1.25)


def test_trials_that_failed_or_read_photos_saved_nothing(tmp_path: Path) -> None:
    trials = (Trial("VGG16", 0, "failed"), Trial("VGG16", 1, stored=("photos",)))
    found = rows(measured(make_run(tmp_path, trials), VGG16=0.1))["VGG16"]
    assert (found.trials, found.seconds_saved) == (2, 0.0)
    assert rows(make_run(tmp_path / "b", trials))["VGG16"].seconds_saved == 0.0


def test_a_trial_that_recomputed_frozen_layers_saved_nothing(tmp_path: Path) -> None:
    folder = measured(make_run(tmp_path, BOTH[:1]), VGG16=0.1)
    record = folder.read_record("VGG16/baseline")
    assert record is not None
    assert record.anatomy is not None
    again = dataclasses.replace(record.anatomy, recomputed=3)
    folder.write_record(dataclasses.replace(record, anatomy=again))
    assert rows(folder)["VGG16"].seconds_saved == 0.0


def test_a_backbone_without_a_finished_trial_has_a_row_of_zeros(tmp_path: Path) -> None:
    found = rows(make_run(tmp_path, BOTH[:1], unfinished=["Xception/baseline"]))
    assert dataclasses.astuple(found["Xception"]) == ("Xception", *[0] * 12)


def test_the_total_is_the_sum_of_its_backbones(tmp_path: Path) -> None:
    folder = measured(make_run(tmp_path, BOTH), VGG16=0.1, Xception=0.2)
    costs = summarise(folder).costs
    first, second = map(_numbers, costs.backbones)
    summed = [sum(pair) for pair in zip(first, second, strict=True)]
    assert _numbers(costs.total) == pytest.approx(summed)


def test_the_same_numbers_are_in_the_terminal_the_page_the_sheets_and_the_summary(
    tmp_path: Path,
) -> None:
    folder = measured(make_run(tmp_path, BOTH), VGG16=10.0, Xception=0.2)
    summary = summarise(folder)
    write_report(folder, summary)
    saved = summary.costs.backbones[0].seconds_saved
    assert saved == pytest.approx(2116.0)
    shown = "35 min 16 s"
    assert shown in drawn(folder)
    assert shown in folder.report_html.read_text()
    with (folder.report / "tables" / "cost_by_backbone.csv").open(newline="") as file:
        assert next(float(row["seconds_saved"]) for row in csv.DictReader(file)) == saved
    written = json.loads(folder.summary_json.read_text())["costs"]
    assert written["backbones"][0]["seconds_saved"] == saved


def test_what_is_not_known_is_a_dash_with_its_reason(tmp_path: Path) -> None:
    folder = make_run(tmp_path, BOTH)
    for told in (drawn(folder), cost_section(folder)):
        assert "exactly the layers of 3 trials: not measured" in " ".join(told.split())
        assert "estimate" in told


def test_the_ledger_keeps_every_name_and_number_whole_at_80_columns(tmp_path: Path) -> None:
    folder = make_run(tmp_path, [Trial(name, 0) for name in PAPER_NAMES])
    spent = Cost(5000.0, 9000.0, 19000.0, 234_567, 1_345_678, 45 * 10**8, 0.0, 5500.0)
    for record in folder.records():
        folder.write_record(dataclasses.replace(record, cost=spent))
    text = drawn(folder, width=80)
    for whole in (*PAPER_NAMES, "1,345,678", "27.0 GB", "15 h 00 min", "9 h 10 min", "spent on"):
        assert whole in text


def drawn(folder: RunFolder, width: int = 100) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        console.print(draw(cost_by_backbone(summarise(folder))))
    return captured.get()


def cost_section(folder: RunFolder) -> str:
    return (
        page(summarise(folder), gallery(summarise(folder)), {})
        .partition('<section id="cost">')[2]
        .partition("</section>")[0]
    )


def _numbers(row: CostRow) -> tuple[float, ...]:
    return dataclasses.astuple(row)[1:]
