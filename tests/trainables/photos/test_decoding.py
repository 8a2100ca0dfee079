"""One photo: what is refused, and the pixels that every mode becomes."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from trainables.photos.decoding import FORMATS, MAX_PIXELS, Undecodable, decode

SIDE = 8


def encoded(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def noise(side: int = 40) -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return Image.fromarray(values)


def one_colour(pixels: NDArray[np.uint8]) -> tuple[int, ...]:
    colours = np.unique(pixels.reshape(-1, 3), axis=0)
    assert len(colours) == 1
    return tuple(colours[0].tolist())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html>not found</html>", "no JPEG"),
        (b"\xff\xd8\xff\xe0", "no JPEG"),
        (b"%PDF-1.4", "no JPEG"),
        (encoded(noise(), "PPM"), "no JPEG"),
        (encoded(noise().convert("I"), "TIFF"), "no defined white"),
        (encoded(noise().convert("F"), "TIFF"), "no defined white"),
    ],
    ids=["empty", "web page", "JPEG header only", "pdf", "unlisted format", "int32", "float32"],
)
def test_what_is_no_photo_is_refused_with_a_reason(content: bytes, reason: str) -> None:
    with pytest.raises(Undecodable, match=reason):
        decode(content, SIDE)


@pytest.mark.parametrize("form", FORMATS)
def test_a_photo_cut_anywhere_in_its_first_19_twentieths_is_refused(form: str) -> None:
    whole = encoded(noise(), form)
    for twentieth in range(20):
        with pytest.raises(Undecodable):
            decode(whole[: len(whole) * twentieth // 20], SIDE)


@pytest.mark.parametrize("form", FORMATS)
def test_flipped_bytes_give_pixels_or_a_reason_and_nothing_else(form: str) -> None:
    whole = bytearray(encoded(noise(), form))
    rng = np.random.default_rng(1)
    for place in rng.integers(0, len(whole), 100).tolist():
        damaged = bytes(whole[:place]) + bytes([whole[place] ^ 0xFF]) + bytes(whole[place + 1 :])
        with suppress(Undecodable):
            assert decode(damaged, SIDE).shape == (SIDE, SIDE, 3)


def bomb_of(side: int) -> bytes:
    """A PNG that declares side x side pixels; written by hand, since Pillow would fill them all."""
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((side // 8 + 2) * 100))
    chunks = [(b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")]
    packed = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


@pytest.mark.parametrize("side", [8_001, 12_000, 20_000], ids=["own cap", "warning", "error"])
@pytest.mark.parametrize("filters", ["ignore", "error"])
def test_a_bomb_is_refused_whatever_the_warning_filters_say(side: int, filters: str) -> None:
    bomb = bomb_of(side)
    assert side * side > MAX_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter(filters)  # type: ignore[arg-type]
        with pytest.raises(Undecodable, match=f"more than {MAX_PIXELS:,} pixels"):
            decode(bomb, SIDE)


def sixteen_bit(value: int) -> Image.Image:
    return Image.fromarray(np.full((10, 10), value, np.uint16))


def palette(*, clear: bool) -> tuple[Image.Image, dict[str, Any]]:
    image = Image.new("P", (10, 10), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    return image, {"transparency": 1} if clear else {}


@pytest.mark.parametrize(
    ("image", "form", "options", "expected"),
    [
        (Image.new("1", (10, 10), 1), "PNG", {}, (255, 255, 255)),
        (Image.new("1", (10, 10), 1), "TIFF", {}, (255, 255, 255)),
        (Image.new("L", (10, 10), 77), "PNG", {}, (77, 77, 77)),
        (Image.new("L", (10, 10), 77), "PNG", {"transparency": 77}, (255, 255, 255)),
        (Image.new("LA", (10, 10), (0, 0)), "PNG", {}, (255, 255, 255)),
        (Image.new("LA", (10, 10), (100, 255)), "PNG", {}, (100, 100, 100)),
        (Image.new("RGBA", (10, 10), (200, 0, 0, 0)), "PNG", {}, (255, 255, 255)),
        (Image.new("RGBA", (10, 10), (0, 0, 0, 128)), "PNG", {}, (127, 127, 127)),
        (Image.new("RGBA", (10, 10), (9, 8, 7, 255)), "WEBP", {"lossless": True}, (9, 8, 7)),
        (Image.new("RGB", (10, 10), (1, 2, 3)), "BMP", {}, (1, 2, 3)),
        (Image.new("CMYK", (10, 10), (0, 0, 0, 0)), "TIFF", {}, (255, 255, 255)),
        (Image.new("CMYK", (10, 10), (0, 255, 255, 0)), "TIFF", {}, (255, 0, 0)),
        (Image.new("CMYK", (10, 10), (0, 0, 0, 0)), "JPEG", {}, (255, 255, 255)),
        (sixteen_bit(0), "PNG", {}, (0, 0, 0)),
        (sixteen_bit(32896), "PNG", {}, (128, 128, 128)),
        (sixteen_bit(65535), "TIFF", {}, (255, 255, 255)),
        (palette(clear=False)[0], "PNG", {}, (10, 20, 30)),
        (palette(clear=False)[0], "BMP", {}, (10, 20, 30)),
        (palette(clear=False)[0], "GIF", {}, (10, 20, 30)),
        (*palette(clear=True)[:1], "PNG", palette(clear=True)[1], (255, 255, 255)),
    ],
)
def test_every_mode_has_one_defined_conversion(
    image: Image.Image, form: str, options: dict[str, Any], expected: tuple[int, int, int]
) -> None:
    pixels = decode(encoded(image, form, **options), SIDE)
    assert pixels.dtype == np.uint8
    assert pixels.shape == (SIDE, SIDE, 3)
    assert one_colour(pixels) == expected


def test_the_first_frame_of_an_animation_is_taken() -> None:
    frames = [Image.new("RGB", (10, 10), colour) for colour in ("red", "blue")]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert one_colour(decode(content, SIDE)) == (255, 0, 0)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_turned_upright(form: str, orientation: int) -> None:
    corners = np.zeros((2, 2, 3), np.uint8)
    corners[0, 0], corners[0, 1], corners[1, 0] = (250, 0, 0), (0, 250, 0), (0, 0, 250)
    upright = np.kron(corners, np.ones((32, 32, 1), np.uint8))
    # What a camera stores so that `orientation` turns it back.
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(Image.fromarray(np.ascontiguousarray(stored)), form, exif=exif.tobytes())
    pixels = decode(content, 64).astype(int)
    assert np.abs(pixels[8:56:40, 8:56:40] - corners).max() < 40


def test_damaged_exif_beside_sound_pixels_loses_no_photo() -> None:
    content = encoded(noise(), "JPEG", exif=b"Exif\0\0MM\0\x2a\xff\xff\xff\xff broken")
    assert decode(content, SIDE).shape == (SIDE, SIDE, 3)


def test_odd_shapes_become_squares() -> None:
    assert decode(encoded(Image.new("RGB", (1, 3000), "red")), SIDE).shape == (SIDE, SIDE, 3)
    assert one_colour(decode(encoded(Image.new("RGB", (1, 1), "blue")), 3)) == (0, 0, 255)
