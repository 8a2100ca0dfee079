"""The result alone, as a default run prints it: a line per row, and nothing cut."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from results.ledger.store import RunFolder
from results.report.sheets_methods import best_note
from results.report.sheets_result import best_alone, verdicts
from results.report.terminal import told
from results.scores.summary import summarise
from search_spaces.backbones import PAPER_NAMES
from sweep.terminal.closing import closing
from tests.results.confirmed_runs import BETTER, LUCKY, SPLIT, a_run, trials
from tests.results.helpers import Trial, make_run


def demonstration(root: Path) -> RunFolder:
    """Six backbones with winners on fresh seeds, some of them better than their baseline."""
    equal = {**BETTER, 2: LUCKY[2]}
    made = [
        trial
        for at, name in enumerate(PAPER_NAMES)
        for trial in trials(name, BETTER if at % 2 else equal)
    ]
    return make_run(root / "run", made, split=SPLIT, confirm=3, demonstration=True)


def ending(folder: RunFolder, width: int) -> list[str]:
    """What is printed after training."""
    file = io.StringIO()
    console = Console(file=file, width=width, color_system=None)
    for part in told(summarise(folder), "short"):
        console.print(part)
    return file.getvalue().splitlines() + closing(folder, complete=True, exported=True)


@pytest.mark.parametrize("width", [80, 100])
def test_a_default_run_ends_in_at_most_sixty_lines_that_fit(tmp_path: Path, width: int) -> None:
    folder = demonstration(tmp_path)
    lines = ending(folder, width)
    tables = [line for line in lines if str(tmp_path) not in line]
    assert 30 < len(lines) <= 60
    assert max(map(cell_len, tables)) <= width
    text = " ".join(" ".join(lines).split())
    assert "…" not in text
    assert "3 of 6 backbones, confirmed on 3 fresh seeds" in text
    for name in PAPER_NAMES:
        assert text.count(f" {name}/t0") >= 2
    assert verdicts(summarise(folder)).note in text


def test_at_100_columns_every_row_is_one_line_with_all_of_its_words(tmp_path: Path) -> None:
    folder = demonstration(tmp_path)
    lines = ending(folder, 100)
    for sheet in (best_alone(summarise(folder)), verdicts(summarise(folder))):
        head = next(at for at, line in enumerate(lines) if sheet.title in line) + 3
        shown = lines[head : head + len(PAPER_NAMES)]
        assert [line.split("/")[0] for line in shown] == list(PAPER_NAMES)
        assert all(line.split()[0].endswith(("/t01", "/t02")) for line in shown)
    told = {line.rstrip().split("  ")[-1] for line in shown}
    assert told == {"better", "not shown to be better"}


def test_without_fresh_seeds_the_gain_stands_in_the_table_of_winners(tmp_path: Path) -> None:
    confirmed = summarise(a_run(tmp_path / "a", trials()))
    alone = summarise(make_run(tmp_path / "b", trials()[:3], split=SPLIT))
    assert verdicts(alone).rows == ()
    keys = [{column.key for column in best_alone(one).columns} for one in (confirmed, alone)]
    assert keys[1] - keys[0] == {"test_gain", "p"}


def test_a_verdict_stands_beside_both_means_and_a_missing_one_says_why(tmp_path: Path) -> None:
    [row] = verdicts(summarise(a_run(tmp_path / "a", trials()))).rows
    label, test, baseline, interval, _, verdict = row.values
    assert (str(label), verdict) == ("VGG16/t02", "better")
    assert (test, baseline) == pytest.approx((0.93, 0.79))
    assert interval.low < 0.14 < interval.high
    unfinished = a_run(tmp_path / "b", trials()[:-1])
    [row] = verdicts(summarise(unfinished)).rows
    assert str(row.values[-1]).startswith("not confirmed (")


def test_a_backbone_without_scores_gives_the_baselines_error_only_where_there_is_one(
    tmp_path: Path,
) -> None:
    made = [Trial("VGG16", 0, "failed"), Trial("Xception", 1, "failed")]
    run = make_run(tmp_path, made, unfinished=["Xception/baseline"])
    assert [best_note(backbone) for backbone in summarise(run).backbones] == [
        "no trial has scores; 1 failed: loss became nan",
        "no trial has scores; 1 failed",
    ]
