"""The simulation of many trials runs the real driver, at sizes whose figures mean nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def test_the_table_of_many_trials_is_written(tmp_path: Path) -> None:
    from tests.benchmarks.scale import main

    out = tmp_path / "SCALE.md"
    assert main(["--trials", "30", "--workers", "1,4", "--out", str(out)]) == 0
    lines = out.read_text().splitlines()
    assert sum(line.startswith("| 30 | ") for line in lines) == 2
    assert any(line.startswith("| resume with 23 trials") for line in lines)


@pytest.mark.parametrize("workers", [1, 3])
def test_a_simulated_sweep_trains_every_trial_once_and_accounts_for_its_seconds(
    tmp_path: Path, workers: int
) -> None:
    from tests.benchmarks.scale import asked
    from tests.benchmarks.simulation import commit_record, play, temporary

    folder, settings = temporary(tmp_path / "run"), asked(24)
    played = play(folder, settings, workers, commit_record)
    records = folder.records()
    assert {record.id for record in records} == set(settings.planned)
    assert played.busy == pytest.approx(sum(record.cost.seconds_total for record in records))
    assert 0 <= played.idle_while_trials_were_left < 1
    assert (workers == 1) == (played.idle < 0.05)
    assert len(played.driver) == len(records)
