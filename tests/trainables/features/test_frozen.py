"""The frozen part of a trial: what its numbers depend on, what is stored for it, what is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from results.ledger.profiles import Profile
from search_spaces.backbones import HEAD
from tests.trainables.small_networks import PLENTY, point, training_data
from trainables.features.shared_pass import Done
from trainables.features.store import FeatureStore
from trainables.networks.cuts import PHOTO

pytestmark = pytest.mark.slow

EARLY, LATE = "block4_conv1", "block5_conv1"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from trainables.training.network_cache import Bench

    data = training_data(tmp_path_factory.mktemp("whole"), size=48, points={})
    return Bench().whole(point("VGG16", size=48), data)


def inputs(whole: Any, folder: Path, unfreeze: str, *, max_bytes: int, others: Any = ()) -> Any:
    from trainables.features.fill import frozen_inputs
    from trainables.networks.cuts import cut_at

    data = training_data(folder, size=48, max_bytes=max_bytes, points={"VGG16": others})
    return frozen_inputs(whole, cut_at(whole.graph, whole.first(unfreeze)), data, "unit")


def stored(folder: Path) -> dict[str, int]:
    return {one.name: one.stat().st_size for one in (folder / "features").glob("*.h5")}


def test_a_damaged_file_is_computed_again_in_the_same_trial(whole: Any, tmp_path: Path) -> None:
    before = inputs(whole, tmp_path, LATE, max_bytes=PLENTY)
    expected = np.array(before.arrays[0])
    [path] = (tmp_path / "features").glob("*.h5")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.unlink()
    path.with_suffix(".new").write_bytes(content)
    path.with_suffix(".new").rename(path)
    again = inputs(whole, tmp_path, LATE, max_bytes=PLENTY)
    assert (again.photos_prefix, again.recomputed) == (40, 0)
    np.testing.assert_array_equal(again.arrays[0], expected)


def test_what_other_points_need_drives_out_nothing(whole: Any, tmp_path: Path) -> None:
    inputs(whole, tmp_path, EARLY, max_bytes=PLENTY)
    [(early, size)] = stored(tmp_path).items()
    room = size + 800_000  # for the late cut beside it, not for the head's
    late = inputs(whole, tmp_path, LATE, max_bytes=room, others=(EARLY, HEAD))
    assert (late.recomputed, early in stored(tmp_path)) == (0, True)
    for _ in range(2):
        again = inputs(whole, tmp_path, EARLY, max_bytes=room, others=(LATE, HEAD))
        assert (again.photos_prefix, again.recomputed) == (0, 0)


def test_a_deeper_cut_is_computed_from_a_shallower_one_that_stays(
    whole: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs(whole, tmp_path, EARLY, max_bytes=PLENTY)
    [(early, size)] = stored(tmp_path).items()
    found: list[bool] = []
    fill = FeatureStore.fill

    def watched(store: FeatureStore, *words: Any, **named: Any) -> Done:
        done = fill(store, *words, **named)
        found.append((store.folder / early).is_file())
        return done

    monkeypatch.setattr(FeatureStore, "fill", watched)
    late = inputs(whole, tmp_path, LATE, max_bytes=size + 1000, others=(EARLY,))
    assert found == [True]
    assert late.recomputed > 0


def test_a_cut_that_is_not_worth_its_bytes_is_computed_again_in_every_epoch(
    whole: Any, tmp_path: Path
) -> None:
    from trainables.features.fill import frozen_inputs
    from trainables.networks.cuts import cut_at

    slow_disk = Profile(
        backbone="VGG16",
        image_size=48,
        onednn="0",
        seconds_by_node=tuple(float(node) for node in range(len(whole.layers))),
        points={},
        seconds_whole=1.0,
        seconds_per_byte_warm=1.0,
        seconds_per_byte_cold=1.0,
    )
    plain = training_data(tmp_path, size=48, points={"VGG16": (HEAD,)})
    data = replace(plain, profiles={"VGG16": slow_disk})
    cut = cut_at(whole.graph, whole.first(EARLY))
    found = frozen_inputs(whole, cut, data, "unit")
    assert (found.photos_prefix, found.bytes_stored) == (0, 0)
    assert (found.nodes, found.recomputed > 0) == ((PHOTO,), True)
    assert stored(tmp_path) == {}


def test_rows_stored_in_half_precision_are_what_a_deeper_cut_is_computed_from(
    whole: Any, tmp_path: Path
) -> None:
    from trainables.features.fill import frozen_inputs
    from trainables.networks.cuts import cut_at

    def half(unfreeze: str, others: tuple[str, ...]) -> Any:
        data = training_data(tmp_path, size=48, points={"VGG16": others})
        cut = cut_at(whole.graph, whole.first(unfreeze))
        return frozen_inputs(whole, cut, replace(data, cache_dtype="float16"), "unit")

    half(EARLY, ())
    late = half(LATE, (EARLY,))
    assert (late.photos_prefix, late.recomputed) == (40, 0)
    assert late.arrays[0].dtype.name == "float16"


def test_features_of_another_gpu_are_others(monkeypatch: pytest.MonkeyPatch) -> None:
    import tensorflow as tf

    from trainables.features.fill import numerics

    here = numerics()
    assert here.endswith(", cpu") or tf.config.get_visible_devices("GPU")
    named = {"first": {"device_name": "NVIDIA H100"}, "second": {"device_name": "NVIDIA L4"}}
    monkeypatch.setattr(tf.config.experimental, "get_device_details", named.__getitem__)
    seen = []
    for device in named:
        monkeypatch.setattr(tf.config, "get_visible_devices", lambda _, one=device: [one])
        seen.append(numerics())
    assert [one.rpartition(", ")[2] for one in seen] == ["NVIDIA H100", "NVIDIA L4"]


def test_a_gpu_that_is_hidden_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    import tensorflow as tf

    from trainables.features.fill import numerics

    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: ["a GPU"])
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda _: [])
    assert numerics().endswith(", cpu")


def test_half_and_full_precision_are_kept_apart(whole: Any, tmp_path: Path) -> None:
    from trainables.features.fill import frozen_inputs
    from trainables.networks.cuts import cut_at

    data = training_data(tmp_path, size=48, points={})
    cut = cut_at(whole.graph, whole.first(LATE))
    full = frozen_inputs(whole, cut, data, "unit")
    half = frozen_inputs(whole, cut, replace(data, cache_dtype="float16"), "unit")
    assert [one.arrays[0].dtype.name for one in (full, half)] == ["float32", "float16"]
