"""Two processes push photos through the frozen layers of one backbone together."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from tests.trainables.passes import ROOT, contents, until
from tests.trainables.small_networks import PHOTOS, point, training_data

pytestmark = pytest.mark.slow

EARLY, LATE = "block4_conv1", "block5_conv1"
BATCH = 4


def inputs(folder: Path, unfreeze: str) -> Any:
    """What a trial that starts here and now reads, with features in half precision."""
    from trainables.features.fill import frozen_inputs
    from trainables.networks.cuts import cut_at
    from trainables.training.network_cache import Bench

    data = training_data(folder, size=48, points={"VGG16": (EARLY,)})
    data = replace(data, cache_dtype="float16")
    whole = Bench().whole(point("VGG16", size=48), data)
    return frozen_inputs(whole, cut_at(whole.graph, whole.first(unfreeze)), data, "unit")


def told_before_each_batch(before: Any) -> Any:
    from trainables.networks.prefix import Prefix

    class Told(Prefix):
        def __call__(self, batch: Any) -> Any:
            before()
            return super().__call__(batch)

    return Told


def help_in(folder: Path) -> None:
    """The other process: says when it has computed a batch, and in the end what it did."""
    from trainables.features import fill as frozen

    told = told_before_each_batch((folder / "helps").touch)
    with patch.object(frozen, "PREFIX_BATCH", BATCH), patch.object(frozen, "Prefix", told):
        found = inputs(folder, LATE)
    did = (found.photos_prefix, found.bytes_stored, found.seconds_tracing > 0)
    (folder / "did").write_text(json.dumps(did))


def test_two_processes_compute_a_deeper_cut_from_the_same_stored_rows_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trainables.features import fill as frozen

    together, alone = tmp_path / "together", tmp_path / "alone"
    monkeypatch.setattr(frozen, "PREFIX_BATCH", BATCH)
    for folder in (alone, together):
        inputs(folder, EARLY)
    inputs(alone, LATE)

    code = f"from tests.trainables.{Path(__file__).stem} import *; help_in(Path(sys.argv[1]))"
    running: list[subprocess.Popen[bytes]] = []

    def start_the_other() -> None:
        if not running:
            running.append(subprocess.Popen([sys.executable, "-c", code, str(together)], cwd=ROOT))
            until((together / "helps").exists)

    monkeypatch.setattr(frozen, "Prefix", told_before_each_batch(start_the_other))
    found = inputs(together, LATE)
    assert running[0].wait(120) == 0
    helped = json.loads((together / "did").read_text())
    assert 0 < helped[0] < PHOTOS
    assert helped[1:] == [0, True]
    assert found.photos_prefix + helped[0] == PHOTOS
    assert found.bytes_stored > 0
    assert contents(together) == contents(alone)
