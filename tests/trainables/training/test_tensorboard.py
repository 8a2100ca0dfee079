"""TensorBoard's files are a view: what it is told of a trial, and that no fault of it ends one."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from results.ledger.files import write_json
from results.ledger.serialise import to_json
from results.ledger.thumbnails import write_thumbnails
from results.scores.summary import summarise
from search_spaces import paper
from tests.crash.odd_names import NAMES
from tests.results.helpers import SMALL, Trial, make_run, make_split
from tests.sweep.helpers import record

pytestmark = pytest.mark.slow


def test_a_log_that_cannot_be_written_is_a_warning_and_the_trial_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from trainables.training.tensorboard import TrialLog

    (tmp_path / "tensorboard").write_text("a file in the way")
    done = record("VGG16", 1)
    with caplog.at_level(logging.WARNING):
        log = TrialLog(tmp_path / "tensorboard", "VGG16/t01", done.config)
        for epoch in done.epochs:
            log.epoch(epoch)
        log.finish(done)
    assert [entry.message[:28] for entry in caplog.records] == ["TensorBoard is not written: "]


def test_hostile_names_of_classes_and_files_are_drawn_as_they_are(tmp_path: Path) -> None:
    from trainables.finished.tensorboard_results import draw_results

    split = make_split(len(NAMES), dict.fromkeys(SMALL, 3 * len(NAMES)))
    files = tuple(f"{NAMES[at % len(NAMES)]}/{at}.png" for at in range(len(split.files)))
    trials = [Trial("VGG16", 0, skill=0.3), Trial("Xception", 0, skill=0.3)]
    run = make_run(tmp_path / "run", trials, classes=NAMES, split=replace(split, files=files))
    write_json(run.summary_json, to_json(summarise(run)))
    write_thumbnails(run, {at: np.zeros((64, 64, 3), np.uint8) for at in range(len(files))})
    draw_results(run)
    written = b"".join(path.read_bytes() for path in run.tensorboard.rglob("events.out.*"))
    assert all(name.encode() in written for name in NAMES)


@pytest.mark.parametrize(("trial", "listed"), [("VGG16/t01", True), ("VGG16/t01-s1", False)])
def test_the_hparams_tab_lists_the_searchs_trials_and_no_repeats(
    tmp_path: Path, trial: str, listed: bool
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from trainables.training.tensorboard import TrialLog

    TrialLog(tmp_path, trial, paper.baseline("VGG16"))
    told = EventAccumulator(str(tmp_path / trial)).Reload().summary_metadata
    plugins = {one.plugin_data.plugin_name for one in told.values()}
    assert "text" in plugins
    assert ("hparams" in plugins) == listed
