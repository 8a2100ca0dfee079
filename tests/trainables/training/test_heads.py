"""The head that a deep trial starts from: the kept one in the search, a new one on a fresh seed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from results.ledger.dropping import drop_weights
from results.ledger.store import RunFolder
from search_spaces.backbones import HEAD
from search_spaces.config import TrialId
from search_spaces.refusals import EnvironmentRefusal
from sweep.schedule.assignment import Assignment
from tests.trainables.small_networks import point, training_data

pytestmark = pytest.mark.slow

ALONE = point("VGG16", size=48, unfreeze=HEAD)
DEEP = point("VGG16", size=48, head_from=1)


def test_a_trial_whose_head_is_wanted_must_be_finished(tmp_path: Path) -> None:
    from trainables.training.heads import trained_head
    from trainables.training.network_cache import NetworkCache

    data, folder = training_data(tmp_path, size=48, points={}), RunFolder(tmp_path / "run")
    with pytest.raises(EnvironmentRefusal, match=r"VGG16/t01.* must be finished"):
        trained_head(DEEP, 0, folder=folder, data=data, networks=NetworkCache())


def test_the_search_starts_from_the_kept_head_and_a_repeat_trains_its_own(tmp_path: Path) -> None:
    from trainables.training.heads import trained_head
    from trainables.training.network_cache import NetworkCache
    from trainables.training.train import train

    networks, folder = NetworkCache(), RunFolder(tmp_path / "run")
    data = training_data(tmp_path, size=48, points={})
    result = train(ALONE, data, report=lambda _: None, networks=networks)
    trial = TrialId("VGG16", 1)
    digest = folder.write_artefacts(trial.name, result.predictions, result.test, result.weights)
    folder.write_record(Assignment(1, ALONE, {}).finished(result, digest))

    fresh = replace(DEEP, seed=ALONE.seed + 1)
    kept = trained_head(DEEP, 0, folder=folder, data=data, networks=networks)
    repeated = trained_head(fresh, 1, folder=folder, data=data, networks=networks)
    again = train(replace(ALONE, seed=fresh.seed), data, report=lambda _: None, networks=networks)
    assert kept is not None
    assert repeated is not None
    assert set(kept) == set(repeated) == set(result.weights)
    for name in kept:
        np.testing.assert_array_equal(kept[name], result.weights[name])
        np.testing.assert_array_equal(repeated[name], again.weights[name])
    assert any(np.abs(kept[name] - repeated[name]).max() > 0 for name in kept)
    assert trained_head(ALONE, 1, folder=folder, data=data, networks=networks) is None

    [record] = folder.records()
    drop_weights(folder, record)
    trained_again = trained_head(DEEP, 0, folder=folder, data=data, networks=networks)
    assert trained_again is not None
    for name in kept:
        np.testing.assert_array_equal(trained_again[name], kept[name])
