"""What layers and stored bytes cost: the measuring process as the driver starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from results.ledger.files import read_json
from results.ledger.profiles import Profile
from search_spaces.backbones import HEAD, backbone_named
from tests.sweeps import HOME

pytestmark = pytest.mark.slow

PHOTO_BYTES = 32 * 32 * 3


def profiling(*words: str, onednn: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "trainables.features.profiling", *words],
        cwd=HOME,
        env={**os.environ, "TF_ENABLE_ONEDNN_OPTS": onednn},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def words(target: str, size: str = "32") -> list[str]:
    return ["--image-size", size, "--cpus", "1", "--gpus", "0", target]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Profile:
    """VGG16 at 32 pixels without oneDNN."""
    path = tmp_path_factory.mktemp("cache") / "profiles/vgg16.json"
    done = profiling(*words(f"VGG16={path}"), onednn="0")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert list(path.parent.iterdir()) == [path]
    return Profile.from_dict(read_json(path))


@pytest.mark.parametrize(
    ("onednn", "backbone", "place", "code", "named"),
    [
        ("", "VGG16", "new", 2, "TF_ENABLE_ONEDNN_OPTS"),
        ("true", "VGG16", "new", 2, "got 'true'"),
        ("1", "VGG19", "new", 2, "no backbone 'VGG19'"),
        pytest.param(
            *("1", "VGG16", "/sys/kernel/transfer-sweep", 4, "cannot write"),
            marks=pytest.mark.skipif(
                not Path("/sys/kernel").is_dir(), reason="needs a place that takes no folder"
            ),
        ),
    ],
)
def test_what_cannot_be_measured_is_one_line_and_leaves_no_file(
    tmp_path: Path, onednn: str, backbone: str, place: str, code: int, named: str
) -> None:
    target = tmp_path / place / "one.json"
    done = profiling(*words(f"{backbone}={target}"), onednn=onednn)
    assert done.returncode == code
    assert done.stderr.startswith("error: ")
    assert named in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not target.exists()


def test_every_layer_has_its_seconds_and_the_photo_has_none(measured: Profile) -> None:
    entry = backbone_named("VGG16")
    assert (measured.backbone, measured.image_size, measured.onednn) == ("VGG16", 32, "0")
    assert len(measured.seconds_by_node) == entry.layers + len(entry.head) + 1
    assert measured.seconds_by_node[0] == 0
    assert all(seconds > 0 for seconds in measured.seconds_by_node[1:])
    assert measured.seconds_whole == pytest.approx(sum(measured.seconds_by_node))


def test_a_later_unfreeze_point_has_more_frozen_seconds_before_it(measured: Profile) -> None:
    points = backbone_named("VGG16").points
    assert set(measured.points) == set(points)
    seconds = [measured.points[name].seconds for name in points]
    assert seconds == sorted(seconds, reverse=True)
    assert measured.seconds_whole > seconds[0]
    assert min(seconds) > 0


def test_bytes_are_of_the_tensors_that_cross_as_float32(measured: Profile) -> None:
    crossing = {name: cost.row_bytes for name, cost in measured.points.items()}
    assert crossing == {
        HEAD: 4 * 1 * 1 * 512,
        "block5_conv3": 4 * 2 * 2 * 512,
        "block5_conv1": 4 * 2 * 2 * 512,
        "block4_conv1": 4 * 4 * 4 * 256,
        "block3_conv1": 4 * 8 * 8 * 128,
    }


def test_fetching_a_byte_takes_time(measured: Profile) -> None:
    assert 0 < measured.seconds_per_byte_warm < 1e-6
    assert 0 < measured.seconds_per_byte_cold < 1e-5


def test_photos_that_cross_are_counted_as_bytes() -> None:
    from trainables.features.profiling import _point_cost
    from trainables.networks.backbones import build
    from trainables.networks.cuts import cut_at
    from trainables.networks.weights import RANDOM, Weights

    weights = Weights(RANDOM, {}, 0, {"VGG16": RANDOM})
    whole = build("VGG16", image_size=32, classes=2, weights=weights)
    nothing_frozen = cut_at(whole.graph, 1)
    found = _point_cost(whole, nothing_frozen, [1.0] * len(whole.layers))
    assert (found.seconds, found.row_bytes) == (0, PHOTO_BYTES)
