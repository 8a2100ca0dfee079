"""Folders, zips, images and HDF5 files that must be refused, and some that must not."""

from __future__ import annotations

import io
import os
import random
import shutil
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from PIL import Image

from results.ledger.files import read_json, write_json
from tests.crash.rubbish_words import GOOD, Case
from tests.trainables.photo_trees import classes, packed, photo, tree

PER_CLASS = 12
"""Photos of each class: two that are damaged are more than 5 %, one is not."""

_NAMES = ("cat\nnip", "a" * 200, "<b>bold", "кот", "e\u0301clair", "%s{0}", "[red]", "-rf", "a,b;c")


def image(choices: random.Random, folder: Path) -> Case:
    """A folder of photos some of which are rubbish: refused if they are more than 5 %."""
    bad = choices.choice((1, 2, 6, 12, 24))
    files = classes("cats", "dogs", each=PER_CLASS)
    for name in choices.sample(sorted(files), bad):
        files[name] = _rubbish(choices, files[name])
    return _folder(folder, files, valid=bad == 1)


def _rubbish(choices: random.Random, good: bytes) -> bytes:
    makes: list[Callable[[], bytes]] = [
        lambda: b"",
        lambda: good[: choices.randrange(len(good) - 20)],
        lambda: choices.randbytes(choices.randrange(1, 2000)),
        lambda: b"<!doctype html><html>404</html>",
        lambda: _picture("L", (30_000, 3_000)),
        lambda: _float_picture(),
        lambda: good[:16] + struct.pack(">II", 60_000, 60_000) + good[24:],
        lambda: b"GIF89a" + choices.randbytes(40),
        lambda: b"\xff\xd8\xff\xe0" + choices.randbytes(300),
        lambda: b"II*\x00" + choices.randbytes(200),
        lambda: b"RIFF\x00\x00\x00\x00WEBPVP8 " + choices.randbytes(60),
        lambda: b"BM" + choices.randbytes(80),
    ]
    return choices.choice(makes)()


def _picture(mode: str, size: tuple[int, int]) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size).save(file, "PNG")
    return file.getvalue()


def _float_picture() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.zeros((5, 5), dtype=np.float32)).save(file, "TIFF")
    return file.getvalue()


def layout(choices: random.Random, folder: Path) -> Case:
    """A folder whose classes cannot be read, or one with odd names that can."""
    cats, dogs = classes("cats", each=4), classes("dogs", each=4, first=100)
    odd = choices.sample(_NAMES, 2)
    layouts: list[tuple[dict[str, bytes], bool]] = [
        ({}, False),
        ({"readme.txt": b"x"}, False),
        (cats, False),
        ({**cats, "dogs/0.png": photo(1), "dogs/1.png": photo(2)}, False),
        ({**cats, "dogs/note.txt": b"x"}, False),
        ({name.replace("cats/", ""): content for name, content in cats.items()}, False),
        ({f"test/{name}": content for name, content in {**cats, **dogs}.items()} | dogs, False),
        ({f"train/{name}": one for name, one in {**cats, **dogs}.items()} | {"val/x": b""}, True),
        ({f"cats/{name}": photo(1) for name in ("0.png", "1.png", "2.png")} | dogs, False),
        (dict.fromkeys(cats, photo(1)) | dict.fromkeys(dogs, photo(2)), False),
        (cats | {name.replace("cats", "dogs"): one for name, one in cats.items()}, False),
        ({**cats, **dogs, ".DS_Store": b"x", "Thumbs.db": b"x", "cats/._0.png": b"x"}, True),
        (classes(*odd, each=4), True),
    ]
    files, valid = choices.choice(layouts)
    case = _folder(folder, files, valid=valid)
    if choices.random() < 0.3:
        _add_traps(folder / "data")
    if choices.random() < 0.2:
        name, is_text = choices.choice((("d\udcffta", False), ("dáta \n [red]x 🐈", True)))
        renamed = _emptied(folder / name)
        return _data((folder / "data").rename(renamed), valid=case.valid and is_text)
    return case


def _emptied(path: Path) -> Path:
    shutil.rmtree(path, ignore_errors=True)
    return path


def _add_traps(root: Path) -> None:
    """A link to the folder itself, a pipe, a link to a device: none of them may be opened."""
    (root / "loop").symlink_to(root)
    os.mkfifo(root / "pipe.png")
    (root / "zero.png").symlink_to("/dev/zero")


def archive(choices: random.Random, folder: Path) -> Case:
    """A zip that nobody should trust, or a good one."""
    path = folder / "photos.zip"
    path.unlink(missing_ok=True)
    good = list(classes("cats", "dogs", each=4).items())
    if choices.random() < 0.2:
        packed(path, good)
        return _data(path, valid=True)
    if choices.random() < 0.5:
        content = packed(path, good).read_bytes()
        path.write_bytes(_damaged(choices, content))
        return _data(path)
    members: list[tuple[str | zipfile.ZipInfo, bytes]] = [*good, *choices.choice(_members())]
    packed(path, members)
    return _data(path)


def _damaged(choices: random.Random, content: bytes) -> bytes:
    end = content.rindex(b"PK\x05\x06")
    return choices.choice(
        [
            content[: choices.randrange(end)],
            b"",
            b"<html>not found</html>",
            choices.randbytes(choices.randrange(1, 500)),
            b"PK\x03\x04" + choices.randbytes(100),
            content[:end] + b"PK\x05\x06" + choices.randbytes(18),
            gzip_like(choices),
        ]
    )


def gzip_like(choices: random.Random) -> bytes:
    return b"\x1f\x8b\x08" + choices.randbytes(80)


def _members() -> list[list[tuple[str | zipfile.ZipInfo, bytes]]]:
    link, pipe = (zipfile.ZipInfo(f"cats/{name}.png") for name in ("link", "pipe"))
    link.external_attr, link.create_system = (stat.S_IFLNK | 0o777) << 16, 3
    pipe.external_attr, pipe.create_system = (stat.S_IFIFO | 0o777) << 16, 3
    bomb = zipfile.ZipInfo("cats/bomb.png")
    bomb.compress_type = zipfile.ZIP_DEFLATED
    return [
        [("../../escaped.png", photo(9))],
        [("/absolute.png", photo(9))],
        [("C:\\windows.png", photo(9))],
        [("cats/../../x.png", photo(9))],
        [(link, b"/etc/passwd")],
        [(pipe, b"")],
        [("CATS/0.png", photo(9))],
        [("cats/inner.zip", b"PK")],
        [(bomb, bytes(80 * 1024 * 1024))],
        [("birds/1.png", b"")],
        [("birds/1.png", photo(1)), ("birds/2.png", photo(2))],
    ]


def dataset(choices: random.Random, folder: Path) -> Case:
    """An HDF5 file that this project did not write, or one that it did and that was damaged."""
    path = folder / "photos.h5"
    path.unlink(missing_ok=True)
    ours = folder / "ours.h5"
    if choices.random() < 0.5:
        content = bytearray(ours.read_bytes())
        if choices.random() < 0.3:
            path.write_bytes(content[: choices.randrange(8, len(content) - 1)])
        else:
            path.write_bytes(b"\x89HDF\r\n\x1a\n" + choices.randbytes(choices.randrange(0, 4000)))
        return _data(path)
    if choices.random() < 0.2:
        shutil.copy(ours, path)
        return _data(path, valid=True)
    shutil.copy(ours, path)
    with h5py.File(path, "r+") as file:
        choices.choice(_EDITS)(file)
    return _data(path)


def _linked(file: h5py.File) -> None:
    del file["labels"]
    file["labels"] = h5py.ExternalLink("/etc/passwd", "x")


def _external(file: h5py.File) -> None:
    del file["index"]
    file.create_dataset("index", (100,), "u1", external=[("/etc/passwd", 0, 100)])


def _without(name: str) -> Callable[[h5py.File], None]:
    return lambda file: file.__delitem__(name)


def _bomb(file: h5py.File) -> None:
    del file["photos"]
    file.create_dataset("photos", (10**6, 4096, 4096, 3), "u1")


def _attribute(name: str, value: object) -> Callable[[h5py.File], None]:
    return lambda file: file.attrs.__setitem__(name, value)


_EDITS: tuple[Callable[[h5py.File], None], ...] = (
    *(_without(name) for name in ("photos", "labels", "index")),
    *(_linked, _external, _bomb),
    *(_attribute("schema", 99), _attribute("complete", False), _attribute("index_sha256", "x")),
)


def weights(choices: random.Random, folder: Path) -> Case:
    """A folder of weights that are none."""
    place = folder / "weights"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    path = place / "vgg16_notop.weights.h5"
    kind = choices.randrange(5)
    if kind == 0:
        path.write_bytes(choices.randbytes(choices.randrange(0, 3000)))
    elif kind == 1:
        path.write_bytes(b"\x89HDF\r\n\x1a\n" + choices.randbytes(500))
    elif kind == 2:
        path.mkdir()
    elif kind == 3:
        with h5py.File(path, "w") as file:
            file["layers"] = h5py.ExternalLink("/etc/passwd", "x")
    else:
        with h5py.File(path, "w") as file:
            file.create_dataset("stars", data=np.zeros(5))
    good = [word for word in GOOD if word not in ("--weights", "random")]
    return Case((*good, "--data", str(folder / "photos"), "--weights", str(place)))


def run_file(choices: random.Random, folder: Path) -> Case:
    """A run one of whose files says what it may not say, with a digest that fits."""
    source, run = folder / "run", folder / "odd-run"
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(source, run)
    if choices.random() < 0.1:
        return Case(("--resume", str(run)), valid=True)
    path = choices.choice(
        [run / "run.json", run / "split.json", *run.glob("trials/*/*/trial.json")]
    )
    document = read_json(path)
    spoilt = _spoil(choices, document)
    write_json(path, document)
    return Case(("--resume", str(run)), note=f"{path.name}: {spoilt}")


_ODD: dict[str, object] = {"odd": [[]]}
_FREE = (
    "files",
    "hardware",
    "versions",
    "weights_source",
    "weights_sha256",
    "ranges",
    "command",
    "created",
)


def _spoil(choices: random.Random, document: dict[str, object]) -> str:
    """Put something where something else belongs, somewhere in a document; say where."""
    keys = [key for key in document if key not in _FREE]
    key = choices.choice(keys)
    value = document[key]
    if isinstance(value, dict) and value and choices.random() < 0.7:
        return f"{key} / {_spoil(choices, value)}"
    if isinstance(value, list) and value and choices.random() < 0.7:
        value[choices.randrange(len(value))] = 1.5
    elif choices.random() < 0.3:
        document[f"{key} "] = document.pop(key)
    else:
        document[key] = _ODD
    return key


def _folder(folder: Path, files: dict[str, bytes], *, valid: bool) -> Case:
    root = folder / "data"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    tree(root, files)
    return _data(root, valid=valid)


def _data(path: Path, *, valid: bool = False) -> Case:
    return Case((*GOOD, "--data", str(path)), valid)
