"""What TensorBoard is told of a trial."""

from __future__ import annotations

from pathlib import Path

import pytest

from search_spaces import paper

pytestmark = pytest.mark.slow


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
