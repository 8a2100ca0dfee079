"""Where weights come from: a missing, damaged or treacherous file is refused before it is used."""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from results.ledger.files import file_sha256
from results.ledger.runs import WeightsSource
from search_spaces.backbones import CATALOGUE, KerasWeights, backbone_named
from search_spaces.refusals import EnvironmentRefusal
from trainables.networks.weight_files import resolve, source_of
from trainables.networks.weights import Weights
from trainables.photos.download import fetch

BACKBONES = ("VGG16", "Xception")


def write(path: Path, value: float = 0.5) -> Path:
    with h5py.File(path, "w") as file:
        file["layers/conv/vars/0"] = np.full((3, 3), value, np.float32)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One file under each of the two names that are known."""
    found = tmp_path / "weights"
    found.mkdir()
    write(found / "vgg16_notop.weights.h5", 0.25)
    write(found / backbone_named("Xception").weights.file, 0.75)
    return found


def resolved(name: str | Path, cache_dir: Path, *, seed: int = 42) -> Weights:
    return resolve(str(name), BACKBONES, cache_dir=cache_dir, seed=seed)


def _external_link(file: h5py.File, secret: Path) -> None:
    file["layers/stolen"] = h5py.ExternalLink(str(secret), "/secret")


def _soft_link(file: h5py.File, secret: Path) -> None:
    file["layers/stolen"] = h5py.SoftLink(str(secret))


def _external_storage(file: h5py.File, secret: Path) -> None:
    file.create_dataset("stolen", (8,), "uint8", external=[(str(secret), 0, 8)])


def _virtual(file: h5py.File, secret: Path) -> None:
    layout = h5py.VirtualLayout((3,), "float32")
    layout[:] = h5py.VirtualSource(str(secret), "secret", (3,))
    file.create_virtual_dataset("layers/deep/stolen", layout)


@pytest.mark.parametrize(
    ("plant", "word"),
    [
        (_external_link, "a link to elsewhere"),
        (_soft_link, "a link to elsewhere"),
        (_external_storage, "outside the file"),
        (_virtual, "outside the file"),
    ],
)
def test_weights_that_would_read_another_file_are_refused(
    tmp_path: Path, folder: Path, plant: Callable[[h5py.File, Path], None], word: str
) -> None:
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["secret"] = np.ones(3, np.float32)
    with h5py.File(folder / "vgg16_notop.weights.h5", "a") as file:
        plant(file, secret)
    with pytest.raises(EnvironmentRefusal, match=word) as refused:
        resolved(folder, tmp_path)
    assert "stolen" in str(refused.value)
    assert refused.value.where == str(folder / "vgg16_notop.weights.h5")


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"\x89HDF\r\n\x1a\n" + b"\0" * 500])
def test_a_file_that_is_no_hdf5_is_refused(tmp_path: Path, folder: Path, content: bytes) -> None:
    path = folder / "vgg16_notop.weights.h5"
    path.write_bytes(content)
    with pytest.raises(EnvironmentRefusal, match="VGG16 are damaged") as refused:
        resolved(folder, tmp_path)
    assert refused.value.where == str(path)


def test_an_hdf5_file_without_keras_weights_is_refused(tmp_path: Path, folder: Path) -> None:
    path = folder / "vgg16_notop.weights.h5"
    with h5py.File(path, "w") as file:
        file["photos"] = np.ones(3, np.float32)
    with pytest.raises(EnvironmentRefusal, match="no Keras weights, VGG16 needs") as refused:
        resolved(folder, tmp_path)
    assert refused.value.where == str(path)


def test_no_damage_anywhere_is_anything_but_refused_or_harmless(
    tmp_path: Path, folder: Path
) -> None:
    path = folder / "vgg16_notop.weights.h5"
    whole = path.read_bytes()
    for at in range(0, len(whole), 37):
        path.write_bytes(whole[:at] + b"\xff" * 16 + whole[at + 16 :])
        try:
            found = resolved(folder, tmp_path)
        except EnvironmentRefusal:
            continue
        assert found.digests["VGG16"] == file_sha256(path)


def test_half_a_file_is_refused(tmp_path: Path, folder: Path) -> None:
    path = folder / "vgg16_notop.weights.h5"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(EnvironmentRefusal, match="damaged"):
        resolved(folder, tmp_path)


def test_a_missing_file_is_refused_with_both_names_it_may_have(
    tmp_path: Path, folder: Path
) -> None:
    (folder / backbone_named("Xception").weights.file).unlink()
    with pytest.raises(EnvironmentRefusal, match="no weights of Xception") as refused:
        resolved(folder, tmp_path)
    assert refused.value.where == str(folder)
    assert "xception_notop.weights.h5" in refused.value.fix
    assert backbone_named("Xception").weights.file in refused.value.fix


@pytest.mark.parametrize("name", ["missing", "missing/deeper", "file"])
def test_a_folder_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(EnvironmentRefusal, match="no weights of VGG16"):
        resolved(tmp_path / name, tmp_path)


def test_imagenet_without_a_network_is_refused_in_time_with_the_way_out(tmp_path: Path) -> None:
    # `resolve` has no other address than Keras' own, so the closed port is behind its downloader.
    published = backbone_named("VGG16").weights
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    began = time.monotonic()
    with pytest.raises(EnvironmentRefusal, match="no connection") as refused:
        fetch(
            f"http://127.0.0.1:{port}/{published.file}",
            tmp_path / published.file,
            md5=published.md5,
            fix="Give --weights DIR with the file, or --weights random.",
        )
    assert time.monotonic() - began < 5
    assert "--weights random" in str(refused.value)
    assert not (tmp_path / published.file).exists()


def test_a_folders_files_are_found_and_hashed(tmp_path: Path, folder: Path) -> None:
    found = resolved(folder, tmp_path)
    assert not found.random
    assert found.files == {
        "VGG16": folder / "vgg16_notop.weights.h5",
        "Xception": folder / backbone_named("Xception").weights.file,
    }
    assert found.digests == {name: file_sha256(path) for name, path in found.files.items()}


def test_one_changed_byte_changes_the_digest(tmp_path: Path, folder: Path) -> None:
    before = resolved(folder, tmp_path).digests
    write(folder / "vgg16_notop.weights.h5", 0.250001)
    after = resolved(folder, tmp_path).digests
    assert (before["VGG16"] == after["VGG16"], before["Xception"]) == (False, after["Xception"])


def test_keras_own_format_comes_before_the_downloaded_name(tmp_path: Path, folder: Path) -> None:
    write(folder / backbone_named("VGG16").weights.file, 9.0)
    assert resolved(folder, tmp_path).files["VGG16"].name == "vgg16_notop.weights.h5"


def test_random_weights_need_no_file_and_are_named_by_backbone_and_seed(tmp_path: Path) -> None:
    one, same = (resolved("random", tmp_path / "none") for _ in range(2))
    other = resolved("random", tmp_path / "none", seed=43)
    assert one.random
    assert one.files == {}
    assert set(one.sources.values()) == {WeightsSource.RANDOM}
    assert one == same
    assert len({*one.digests.values(), *other.digests.values()}) == 4
    assert not (tmp_path / "none").exists()


def test_cached_imagenet_weights_with_the_wrong_digest_are_never_used(tmp_path: Path) -> None:
    cached = tmp_path / backbone_named("VGG16").weights.file
    write(cached)
    expected = backbone_named("VGG16").weights.md5
    assert hashlib.md5(cached.read_bytes()).hexdigest() != expected
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(EnvironmentRefusal):
        fetch(f"http://127.0.0.1:{port}/x", cached, md5=expected, fix="Give another.")
    assert not cached.exists()


def test_only_a_file_with_the_published_digest_is_known_to_be_imagenets(
    tmp_path: Path, folder: Path
) -> None:
    assert set(resolved(folder, tmp_path).sources.values()) == {WeightsSource.UNKNOWN}
    path = folder / "vgg16_notop.weights.h5"
    by_md5 = KerasWeights("https://host/x.h5", hashlib.md5(path.read_bytes()).hexdigest())
    by_sha256 = KerasWeights("https://host/x.h5", sha256=file_sha256(path))
    for published in (by_md5, by_sha256):
        assert source_of(published, path, file_sha256(path)) == WeightsSource.KERAS
    write(path, 0.250001)
    for published in (by_md5, by_sha256):
        assert source_of(published, path, file_sha256(path)) == WeightsSource.UNKNOWN


def test_every_backbone_has_a_published_file_of_its_own() -> None:
    published = [entry.weights for entry in CATALOGUE]
    assert len({weights.file for weights in published}) == len(published)
    for weights in published:
        assert weights.url.startswith("https://")
        assert "notop" in weights.file.replace("no_top", "notop")
