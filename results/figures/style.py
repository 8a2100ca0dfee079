"""How every figure looks: its type, its axes and legend, and its two outputs, SVG and PNG.

    with drawing():
        figure, axes = chart(("train", "validation"), 176)
        ...
    picture = Picture("accuracy", "Accuracy per epoch", "At the end 95.9 %.", figure)
    picture.svg(), picture.png()

matplotlib lays a picture out once, in the light colours, without pyplot or global state. Lengths
are pixels, which are points at 72 dots per inch. The page takes the SVG, where each colour is the
CSS variable of its role and so follows the page's scheme.
"""

from __future__ import annotations

import io
import math
import unicodedata
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from results.figures.inline_svg import Frame, inline_svg
from results.figures.palette import LIGHT
from results.ledger.units import clean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 360
"""What a phone shows without shrinking the letters."""

SMALL, NORMAL, LARGE = 10, 11, 13
"""Letter sizes."""

SCALE = 2
"""PNG pixels per pixel of the picture."""

TITLE = 30
"""Height of the title, which only the PNG shows: the page has a caption of its own."""

EDGE = 14
"""Free to the left and the right."""

_LEGEND_ROW = 17
_MARKERS = {
    **{"circle": "o", "square": "s", "triangle": "^", "diamond": "D", "cross": "P", "down": "v"},
    **{"star": "*", "hexagon": "h", "left": "<", "saltire": "X", "pentagon": "p", "right": ">"},
}
_SETTINGS: dict[str, Any] = {
    **{f"axes.spines.{side}": False for side in ("left", "right", "top")},
    "axes.edgecolor": LIGHT["axis"],
    "axes.facecolor": "none",
    "axes.formatter.limits": (-9, 9),
    "axes.formatter.useoffset": False,
    "axes.grid": True,
    "axes.labelcolor": LIGHT["muted"],
    "axes.labelpad": 6,
    "axes.unicode_minus": False,
    "figure.facecolor": "none",
    "font.family": "DejaVu Sans",  # comes with matplotlib: every machine draws the same
    "font.size": SMALL,
    "grid.color": LIGHT["line"],
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "transfer-sweep",
    "text.color": LIGHT["ink"],
    "text.parse_math": False,  # a class called "$x$" is a name, not a formula
    "xtick.color": LIGHT["axis"],
    "xtick.labelcolor": LIGHT["muted"],
    "ytick.labelcolor": LIGHT["muted"],
    "ytick.left": False,
}


@dataclass(frozen=True, eq=False)
class Picture:
    """A finished figure of the report.

    Attributes:
        name: of its file, and its id in the page; letters, digits and hyphens.
        title: what it shows.
        description: the same for those who cannot see it, with its main numbers.
    """

    name: str
    title: str
    description: str
    figure: Figure

    def svg(self) -> str:
        """An `<svg>` element for the page, whose texts are texts."""
        content = io.StringIO()
        with drawing():
            self.figure.savefig(content, format="svg", metadata={"Date": None})
        height = self.figure.get_figheight() * 72 - TITLE
        frame = (0, TITLE, WIDTH, height)
        return inline_svg(content.getvalue(), self.name, self.title, self.description, frame)

    def png(self) -> bytes:
        """The file's content, with the title above."""
        content = io.BytesIO()
        text, room = clean(self.title), WIDTH - 2 * EDGE
        size = max(SMALL - 1, min(LARGE, room / breadth(text, 1.15)))  # bold is wider
        with drawing():
            y = 1 - 19 / (self.figure.get_figheight() * 72)
            text = fitted(text, room, 1.1 * size)
            heading = self.figure.text(EDGE / WIDTH, y, text, size=size, weight="bold")
            self.figure.savefig(content, dpi=72 * SCALE, facecolor=LIGHT["paper"])
            heading.remove()
        return content.getvalue()

    def _repr_png_(self) -> bytes:
        """As a notebook shows it."""
        return self.png()


@contextmanager
def drawing() -> Iterator[None]:
    """Our settings, and silence about letters that the font lacks: a box stands for each."""
    import matplotlib

    with warnings.catch_warnings(), matplotlib.rc_context(_SETTINGS):
        warnings.filterwarnings("ignore", message="Glyph")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        yield


def chart(
    labels: Sequence[str], height: float, *, left: float = 58, below: float = 42
) -> tuple[Figure, Axes]:
    """Axes `height` pixels high under room for a legend of the labels; `add_legend` draws it."""
    above = 12 + _LEGEND_ROW * math.ceil(len(labels) / _columns(labels))
    total = TITLE + above + height + below
    figure = _figure(total)
    wide = WIDTH - left - EDGE
    axes = figure.add_axes((left / WIDTH, below / total, wide / WIDTH, height / total))
    axes.locator_params(nbins=6)
    return figure, axes


def canvas(height: float) -> tuple[Figure, Axes]:
    """Axes without lines over the whole picture, in pixels from its upper left corner."""
    figure = _figure(height + TITLE)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(height, -TITLE))
    axes.set_axis_off()
    return figure, axes


def rows_chart(
    names: Sequence[str], labels: Sequence[str], *, below: float = 42
) -> tuple[Figure, Axes]:
    """A chart with one row per name, the first on top."""
    figure, axes = chart(labels, 26 * len(names), left=128, below=below)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", labelcolor=LIGHT["ink"])
    axes.grid(visible=False, axis="y")
    return figure, axes


def add_entry(axes: Axes, label: str, look: Mapping[str, Any]) -> None:
    """An entry of the legend that belongs to no single artist."""
    axes.plot([], [], linestyle="none", label=label, in_layout=False, **look)


def add_legend(figure: Figure, labels: Sequence[str]) -> None:
    """The labelled series of all axes, above them."""
    anchor = (EDGE / WIDTH, 1 - (TITLE + 4) / (figure.get_figheight() * 72))
    look = {"borderpad": 0, "borderaxespad": 0, "columnspacing": 1.5}
    figure.legend(loc="upper left", bbox_to_anchor=anchor, ncols=_columns(labels), **look)


def marker(role: str, shape: str, size: float) -> dict[str, Any]:
    """`plot` arguments for one of the palette's shapes."""
    return {
        "color": LIGHT[role],
        "marker": _MARKERS[shape.removeprefix("hollow ")],
        "markerfacecolor": "none" if shape.startswith("hollow ") else LIGHT[role],
        "markersize": size,
        "clip_on": False,
    }


def box(axes: Axes, frame: Frame, role: str, *, strength: float = 1, tip: str = "") -> None:
    """A filled rectangle; `strength` is its opacity."""
    from matplotlib.patches import Rectangle

    x, y, width, height = frame
    look: dict[str, Any] = {"facecolor": LIGHT[role], "linewidth": 0, "alpha": strength}
    axes.add_artist(Rectangle((x, y), width, height, gid=tooltip(tip), **look))


def tooltip(text: str) -> str | None:
    """The identifier (`gid`) of an artist that shows a tooltip in the SVG."""
    return f"tip:{text}" if text else None


def keep_percent(axes: Axes, axis: str) -> None:
    """Keep an axis of percentages within 0 and 100, and at least one point long."""
    low, high = getattr(axes, f"get_{axis}lim")()
    low, high = max(0.0, low), min(100.0, high)
    getattr(axes, f"set_{axis}lim")(low, max(high, low + 1))


def breadth(text: str, size: float = NORMAL) -> float:
    """About how wide a text will be: no font is known while a page is laid out."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return size * (0.56 * (len(text) - wide) + wide)


def fitted(name: str, room: float, size: float = NORMAL) -> str:
    """A name from outside, cut to the room it has."""
    text = clean(name)
    if breadth(text, size) <= room:
        return text
    while text and breadth(text + "…", size) > room:
        text = text[:-1]
    return text + "…"


def _figure(height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH / 72, height / 72), dpi=72)


def _columns(labels: Sequence[str]) -> int:
    return 4 if max(map(len, labels), default=0) <= len("validation") else 2
