"""The one decoder: the bytes of a photo file in, RGB pixels of one size out.

Training, prediction and checks all read photos here, because decoders differ: TensorFlow and Pillow
disagree on 16-bit gray, palettes and even JPEG. Every mode has one defined conversion:

    1-bit, gray            repeated in the three channels; 1-bit becomes 0 and 255
    16-bit gray            value / 257, rounded: the full range 0..65535 becomes 0..255
    palette, CMYK, YCbCr   Pillow's conversion to RGB; embedded colour profiles are ignored
    transparency           composited on white
    animations             the first frame
    32-bit integer, float  refused: nothing in the file says which value is white

Then the EXIF orientation is applied, and the photo is resized to a square, its proportions not
kept, by Pillow's BILINEAR (a triangle as wide as the reduction, so that shrinking does not alias).

Only a full decode is a check: `Image.verify()` passes half a JPEG. Whatever is wrong with one photo
becomes `Undecodable`, with the reason as its text.

`decode_all` decodes many photos on a few threads (Pillow works outside Python's lock), a bounded
number at a time: memory stays flat, and the outcome is the same on every machine.
"""

from __future__ import annotations

import hashlib
import io
import os
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

DECODER_VERSION = 1
"""Raise it whenever the same file may give other pixels: cached datasets are then rebuilt."""

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP")
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".webp", ".tif", ".tiff", ".bmp"}
)
MAX_PIXELS = 64_000_000
"""Of one photo, before resizing: 256 MB as Pillow holds it, which takes two of these to convert and
four to put on white. Larger files are decompression bombs, or maps and the like."""

MAX_BYTES = 256 * 1024 * 1024
"""Of one photo file."""

Pixels = NDArray[np.uint8]
"""[S, S, 3] uint8, RGB, 0..255."""

_AHEAD = 64
"""Photos that are read and decoded before the first of them is taken."""

_ORIENTATION = 0x0112  # EXIF's tag
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class Undecodable(Exception):
    """One photo cannot be used; its text says why, in one line."""


@dataclass(frozen=True, eq=False)
class Decoded:
    """A photo's pixels, [S, S, 3] uint8, and the SHA-256 of its file's content, hexadecimal."""

    pixels: Pixels
    sha256: str


def decode(content: bytes, size: int) -> Pixels:
    """Decode one photo file to [size, size, 3] uint8.

    Not from several threads at once, since Python's warning filters belong to the whole process;
    see `decode_all`.

    Raises:
        Undecodable: the file is no photo, is cut, is too large or has no defined conversion.
    """
    with _settled_warnings():
        return _decode(content, size)


def decode_all(
    readers: Sequence[Callable[[], bytes]], size: int
) -> Generator[Decoded | Undecodable, None, None]:
    """Read and decode many photos in parallel, at most `_AHEAD` ahead; yield in order.

    Args:
        readers: each returns the content of one photo file, or raises `Undecodable`. Whatever else
            it raises ends the whole.
    """
    with _settled_warnings(), ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting = deque(pool.submit(_outcome, read, size) for read in readers[:_AHEAD])
        for read in readers[_AHEAD:]:
            yield waiting.popleft().result()
            waiting.append(pool.submit(_outcome, read, size))
        while waiting:
            yield waiting.popleft().result()


def _outcome(read: Callable[[], bytes], size: int) -> Decoded | Undecodable:
    try:
        content = read()
        return Decoded(_decode(content, size), hashlib.sha256(content).hexdigest())
    except Undecodable as fault:
        return fault


@contextmanager
def _settled_warnings() -> Iterator[None]:
    """Make the outcome of decoding independent of the caller's warning filters.

    Pillow warns of bombs, which must fail, and of untidy metadata, which must not.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _decode(content: bytes, size: int) -> Pixels:
    if not content:
        raise Undecodable("the file is empty")
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            return _pixels(image, size)
    except Undecodable:
        raise
    except UnidentifiedImageError as fault:
        raise Undecodable(f"no {', '.join(FORMATS[:-1])} or {FORMATS[-1]} photo") from fault
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as fault:
        raise Undecodable(f"more than {MAX_PIXELS:,} pixels") from fault
    except Exception as fault:
        # Pillow's plugins raise nearly anything on a damaged file (SyntaxError, struct.error,
        # IndexError, ...); one bad photo must never stop the other thousands.
        raise Undecodable(_reason(fault)) from fault


def _pixels(image: Image.Image, size: int) -> Pixels:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise Undecodable(f"{width} x {height} is more than {MAX_PIXELS:,} pixels")
    image.load()
    upright = _to_upright(_to_rgb(image), _orientation(image))
    return np.asarray(upright.resize((size, size), Image.Resampling.BILINEAR), dtype=np.uint8)


def _to_rgb(image: Image.Image) -> Image.Image:
    mode = image.mode
    if mode in ("I", "F"):
        raise Undecodable(f"pixels of mode {mode} (32 bits a value) have no defined white")
    if mode.startswith("I;16"):
        return _scaled_from_16_bit(image).convert("RGB")
    if image.has_transparency_data:
        return _on_white(image)
    return _converted(image, "RGB")


def _scaled_from_16_bit(image: Image.Image) -> Image.Image:
    # Pillow's own conversion clips at 255, which makes nearly every such photo white.
    values = np.asarray(image).astype(np.float32)  # [H, W], 0..65535
    return Image.fromarray(np.rint(values / 257.0).astype(np.uint8))


def _on_white(image: Image.Image) -> Image.Image:
    layer = _converted(image, "RGBA")
    white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, layer).convert("RGB")


def _converted(image: Image.Image, mode: str) -> Image.Image:
    return image if image.mode == mode else image.convert(mode)  # which would copy it


def _orientation(image: Image.Image) -> int:
    """EXIF orientation 1..8; 1 where there is none or it cannot be read.

    Read after loading: PNG may keep it behind the pixels, and Pillow has by then turned a TIFF.
    """
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:
        # Damaged metadata beside sound pixels is common in the wild and no reason to lose a photo.
        return 1


def _to_upright(image: Image.Image, orientation: int) -> Image.Image:
    turn = _UPRIGHT.get(orientation)
    return image if turn is None else image.transpose(turn)


def _reason(fault: Exception) -> str:
    text = " ".join(str(fault).split())[:120]
    return f"cannot be decoded: {text or type(fault).__name__}"
