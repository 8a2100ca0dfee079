"""The frozen part of a trial: what its numbers depend on, what is stored for it, what is not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search_spaces.backbones import HEAD
from tests.trainables.small_networks import PLENTY, point, training_data
from trainables.features.file import FeatureWriter
from trainables.features.store import FeatureStore

pytestmark = pytest.mark.slow

EARLY, LATE = "block4_conv1", "block5_conv1"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from trainables.training.network_cache import NetworkCache

    data = training_data(tmp_path_factory.mktemp("whole"), size=48, points={})
    return NetworkCache().full_network(point("VGG16", size=48), data)


def inputs(whole: Any, folder: Path, unfreeze: str, *, max_bytes: int, others: Any = ()) -> Any:
    from trainables.features.fill import frozen_inputs

    data = training_data(folder, size=48, max_bytes=max_bytes, points={"VGG16": others})
    return frozen_inputs(whole, whole.cut(unfreeze), data, "unit")


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
    assert (again.cost.photos_prefix, again.recomputed) == (40, 0)
    np.testing.assert_array_equal(again.arrays[0], expected)


def test_what_other_points_need_drives_out_nothing(whole: Any, tmp_path: Path) -> None:
    inputs(whole, tmp_path, EARLY, max_bytes=PLENTY)
    [(early, size)] = stored(tmp_path).items()
    room = size + 800_000  # for the late cut beside it, not for the head's
    late = inputs(whole, tmp_path, LATE, max_bytes=room, others=(EARLY, HEAD))
    assert (late.recomputed, early in stored(tmp_path)) == (0, True)
    for _ in range(2):
        again = inputs(whole, tmp_path, EARLY, max_bytes=room, others=(LATE, HEAD))
        assert (again.cost.photos_prefix, again.recomputed) == (0, 0)


class WatchedStore(FeatureStore):
    """Notes at the end of each pass which files there are."""

    @contextmanager
    def writing(self, *arguments: Any, **named: Any) -> Iterator[tuple[FeatureWriter, ...]]:
        with super().writing(*arguments, **named) as writers:
            yield writers
        seen.append({path.name for path in self.folder.glob("*.h5")})


seen: list[set[str]] = []


def test_a_deeper_cut_is_computed_from_a_shallower_one_that_stays(
    whole: Any, tmp_path: Path
) -> None:
    from trainables.features.fill import frozen_inputs

    inputs(whole, tmp_path, EARLY, max_bytes=PLENTY)
    [(early, size)] = stored(tmp_path).items()
    data = training_data(tmp_path, size=48, points={"VGG16": (EARLY,)})
    store = WatchedStore(tmp_path / "features", size + 1000)
    seen.clear()
    late = frozen_inputs(whole, whole.cut(LATE), replace(data, store=store), "unit")
    assert seen == [{early}]
    assert late.recomputed > 0


def test_the_cost_of_a_pass_is_counted_and_that_of_a_stored_cut_is_none(
    whole: Any, tmp_path: Path
) -> None:
    first = inputs(whole, tmp_path, LATE, max_bytes=PLENTY).cost
    frozen = whole.multiply_adds(range(whole.first(LATE)))
    assert (first.photos_prefix, first.multiply_adds_prefix) == (40, 40 * frozen)
    assert first.seconds_prefix > 0
    assert first.seconds_features > first.seconds_tracing > 0
    assert inputs(whole, tmp_path, LATE, max_bytes=PLENTY).cost.multiply_adds_prefix == 0


def test_a_trials_own_cut_is_stored_first_and_then_the_smallest(whole: Any, tmp_path: Path) -> None:
    inputs(whole, tmp_path / "all", EARLY, max_bytes=PLENTY, others=(LATE, HEAD))
    own, middle, smallest = sorted(stored(tmp_path / "all").values(), reverse=True)
    more = 20_000  # than two headers take
    for room, expected in ((own + more, [own]), (own + middle + more, [own, smallest])):
        folder = tmp_path / str(room)
        inputs(whole, folder, EARLY, max_bytes=room, others=(LATE, HEAD))
        assert sorted(stored(folder).values(), reverse=True) == expected


def test_what_is_stored_in_half_precision_does_not_depend_on_what_was_stored_before(
    whole: Any, tmp_path: Path
) -> None:
    from trainables.features.fill import frozen_inputs

    def half(folder: Path, unfreeze: str, others: tuple[str, ...]) -> Any:
        data = training_data(folder, size=48, points={"VGG16": others})
        cut = whole.cut(unfreeze)
        return frozen_inputs(whole, cut, replace(data, cache_dtype="float16"), "unit")

    half(tmp_path / "after", EARLY, ())
    after = half(tmp_path / "after", LATE, (EARLY,))
    alone = half(tmp_path / "alone", LATE, ())
    assert (after.cost.photos_prefix, after.recomputed) == (40, 0)
    assert after.arrays[0].dtype.name == "float16"
    np.testing.assert_array_equal(after.arrays[0], alone.arrays[0])


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

    data = training_data(tmp_path, size=48, points={})
    cut = whole.cut(LATE)
    full = frozen_inputs(whole, cut, data, "unit")
    half = frozen_inputs(whole, cut, replace(data, cache_dtype="float16"), "unit")
    assert [one.arrays[0].dtype.name for one in (full, half)] == ["float32", "float16"]
