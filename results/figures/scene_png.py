"""A picture as a PNG file, drawn by matplotlib on its own canvas: no window, no global state."""

from __future__ import annotations

import io
import warnings
from typing import Any

from results.figures.palette import LIGHT
from results.figures.scene import Box, Item, Line, Marker, Picture, Words, corners, fitted

SCALE = 2
"""PNG pixels per pixel of the picture."""

_INCH = 72
_TITLE = 30
_ANCHORS = {"start": "left", "middle": "center", "end": "right"}


def png(picture: Picture) -> bytes:
    """The file's content; the title stands above, and the light colours are used."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    height = picture.height + _TITLE
    figure = Figure(figsize=(picture.width / _INCH, height / _INCH), dpi=_INCH * SCALE)
    canvas = FigureCanvasAgg(figure)
    figure.set_facecolor(LIGHT["paper"])
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_xlim(0, picture.width)
    axes.set_ylim(picture.height, -_TITLE)
    title = Words(12, -11, fitted(picture.title, picture.width - 24, 13), size=13, bold=True)
    for order, item in enumerate((title, *picture.items)):
        _add(axes, item, order)
    content = io.BytesIO()
    with warnings.catch_warnings():
        # A class name may have letters that the font lacks; a box is drawn in their place.
        warnings.filterwarnings("ignore", message="Glyph")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        canvas.print_png(content)
    return content.getvalue()


def _add(axes: Any, item: Item, order: int) -> None:
    if isinstance(item, Words):
        _write(axes, item, order)
    else:
        axes.add_artist(_artist(item, order))


def _write(axes: Any, words: Words, order: int) -> None:
    axes.text(
        words.x,
        words.y,
        words.text,
        color=LIGHT[words.colour],
        fontsize=words.size * 0.9,
        fontweight="bold" if words.bold else "normal",
        ha=_ANCHORS[words.anchor],
        va="baseline",
        rotation=90 if words.turned else 0,
        rotation_mode="anchor",
        # A class called "$x$" is a name, not a formula.
        parse_math=False,
        zorder=order,
    )


def _artist(item: Line | Box | Marker, order: int) -> Any:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Circle, Polygon, Rectangle

    colour = LIGHT[item.colour]
    if isinstance(item, Line):
        xs, ys = zip(*item.points, strict=True)
        dashes = (0, (4, 3)) if item.dashed else "solid"
        return Line2D(xs, ys, color=colour, linewidth=item.width, linestyle=dashes, zorder=order)
    look: dict[str, Any] = {"facecolor": colour, "edgecolor": "none", "zorder": order}
    if isinstance(item, Box):
        place = (item.x, item.y)
        return Rectangle(place, item.width, item.height, alpha=item.strength, **look)
    if item.shape == "circle":
        return Circle((item.x, item.y), item.size, **look)
    return Polygon(corners(item), closed=True, **look)
