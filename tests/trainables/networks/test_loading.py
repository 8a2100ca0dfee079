"""Pretrained weights: they arrive in the right layers, and what does not fit is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search_spaces.refusals import EnvironmentRefusal
from trainables.networks.weight_files import resolve

pytestmark = pytest.mark.slow

SIZE = 75


def saved(backbone: str, folder: Path) -> Any:
    """Save a seeded network under the name that a weights folder uses; return the network."""
    import keras

    keras.utils.set_random_seed(3)
    base = getattr(keras.applications, backbone)(
        include_top=False, weights=None, input_shape=(SIZE, SIZE, 3)
    )
    base.save_weights(folder / f"{backbone.lower()}_notop.weights.h5")
    return base


def built(backbone: str, folder: Path) -> Any:
    from trainables.networks.backbones import build

    weights = resolve(str(folder), (backbone,), cache_dir=folder, seed=1)
    return build(backbone, image_size=SIZE, classes=2, weights=weights)


def test_weights_of_another_backbone_are_refused_in_one_line(tmp_path: Path) -> None:
    saved("VGG16", tmp_path)
    (tmp_path / "vgg16_notop.weights.h5").rename(tmp_path / "xception_notop.weights.h5")
    with pytest.raises(EnvironmentRefusal, match="do not fit Xception") as caught:
        built("Xception", tmp_path)
    assert "\n" not in str(caught.value)


def test_weights_that_were_changed_after_they_were_hashed_are_refused(tmp_path: Path) -> None:
    from trainables.networks.backbones import build

    base = saved("VGG16", tmp_path)
    weights = resolve(str(tmp_path), ("VGG16",), cache_dir=tmp_path, seed=1)
    base.layers[1].kernel.assign(base.layers[1].kernel.numpy() + 1)
    base.save_weights(tmp_path / "vgg16_notop.weights.h5", overwrite=True)
    with pytest.raises(EnvironmentRefusal, match="VGG16 were changed since the run") as caught:
        build("VGG16", image_size=SIZE, classes=2, weights=weights)
    assert "\n" not in str(caught.value)
    assert weights.digests["VGG16"] in str(caught.value)
    (tmp_path / "vgg16_notop.weights.h5").unlink()
    with pytest.raises(EnvironmentRefusal, match="VGG16 cannot be read: No such file"):
        build("VGG16", image_size=SIZE, classes=2, weights=weights)


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    base = saved("VGG16", tmp_path)
    base.layers[1].kernel.assign(base.layers[1].kernel.numpy() * np.nan)
    base.save_weights(tmp_path / "vgg16_notop.weights.h5", overwrite=True)
    with pytest.raises(EnvironmentRefusal, match="no numbers"):
        built("VGG16", tmp_path)


@pytest.mark.parametrize("backbone", ["VGG16", "Xception"])
def test_saved_weights_give_the_saved_networks_output(backbone: str, tmp_path: Path) -> None:
    base = saved(backbone, tmp_path)
    whole = built(backbone, tmp_path)
    photos = np.random.default_rng(0).normal(size=(2, SIZE, SIZE, 3)).astype(np.float32)
    ours = whole.part((0,), (whole.backbone_layers - 1,))([photos], training=False)
    ours = ours[0] if isinstance(ours, list) else ours
    np.testing.assert_allclose(np.asarray(ours), base(photos, training=False), atol=1e-5)


def test_efficientnet_from_a_file_sees_what_keras_gives_its_imagenet_weights(
    tmp_path: Path,
) -> None:
    import keras

    saved("EfficientNetB0", tmp_path)
    whole = built("EfficientNetB0", tmp_path)
    [normalization] = [
        node
        for node, layer in enumerate(whole.layers)
        if isinstance(layer, keras.layers.Normalization)
    ]
    photos = np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE, 3)).astype(np.float32)
    ours = whole.part((0,), (normalization,))([photos])
    ours = np.asarray(ours[0] if isinstance(ours, list) else ours)
    stddev = np.array([0.229, 0.224, 0.225], np.float32)
    np.testing.assert_allclose(ours, photos / 255 / np.sqrt(stddev), rtol=1e-5)
