"""`report/report.html`: a run's whole story in one file that asks nothing of any network.

    write_page(RunFolder(Path("runs/monday")), summary, gallery(summary))

The page is `page.html.j2`, with `page.css` and `page.js` written into it. It works without a script
and in either colour scheme. Whatever the template inserts is cleaned of control characters and
escaped; only our own pictures and styles are trusted.
"""

from __future__ import annotations

import base64
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray

from results.figures import gallery, palette
from results.figures.findings import numbered_points
from results.figures.gallery import Gallery
from results.figures.matrices import LARGEST, NAMED
from results.figures.style import Picture
from results.ledger.commands import typed
from results.ledger.files import write_text
from results.ledger.store import RunFolder
from results.ledger.thumbnails import read_thumbnails
from results.ledger.units import clean, duration, size
from results.report import format as written
from results.report import (
    kinds,
    sheets_comparisons,
    sheets_confirmation,
    sheets_methods,
    sheets_photos,
    sheets_reports,
    sheets_run,
)
from results.report.sheets import chosen_by
from results.scores.method_types import ENSEMBLE
from results.scores.mistakes import FEWEST_WITNESSES
from results.scores.types import Summary
from search_spaces import paper
from search_spaces.backbones import NAMES
from search_spaces.metrics import metric_words

HERE = Path(__file__).parent
_PARTS = ("train", "validation")

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
"""What the page may load: only what stands in it."""

Thumbnails = Mapping[int, NDArray[np.uint8]]
"""By dataset row: [64, 64, 3] RGB."""


class Section(NamedTuple):
    """A part of the page: its id, its name in the navigation, and its title."""

    anchor: str
    link: str
    title: str


SECTIONS = (
    Section("result", "Result", "What came out"),
    Section("leaderboard", "Leaderboard", "Leaderboard"),
    Section("confirmed", "Confirmed", "Confirmed on fresh seeds"),
    Section("verdicts", "Verdicts", "Against the paper"),
    Section("paper", "The paper", "What the paper got wrong"),
    Section("sizes", "Sizes", "Size and speed"),
    Section("backbones", "Backbones", "Each backbone"),
    Section("together", "Together", "All backbones together"),
    Section("ensemble", "Ensemble", "The ensemble"),
    Section("ensembles", "Rules", "Ensembles for free"),
    Section("mattered", "What mattered", "What mattered"),
    Section("mistakes", "Mistakes", "Where it fails"),
    Section("cost", "Cost", "What it cost"),
    Section("photos", "Photos", "The photos"),
    Section("reproduce", "Reproduce", "How to repeat it"),
)
"""In this order; none is ever empty: what is missing is said in a sentence."""


def write_page(folder: RunFolder, summary: Summary, pictures: Gallery) -> None:
    """Write the page, whole or not at all.

    Raises:
        EnvironmentRefusal: the kept thumbnails are damaged, or the disk refuses.
    """
    write_text(folder.report_html, page(summary, pictures, read_thumbnails(folder)))


def page(summary: Summary, pictures: Gallery, thumbnails: Thumbnails) -> str:
    """The whole document."""
    return document(
        "page.html.j2",
        SECTIONS,
        summary=summary,
        groups=pictures,
        thumbnails={row: data_uri(pixels) for row, pixels in thumbnails.items()},
        command=as_typed(summary.command),
        curves=curves(summary),
        weights=written.weights_in_words(summary.weights, summary.weights_source.values()),
    )


def document(template: str, sections: Sequence[Section], **shown: Any) -> str:
    """A document of a template, with the styles and the script in it."""
    return (
        environment()
        .get_template(template)
        .render(
            sections=sections,
            titles={section.anchor: section.title for section in sections},
            policy=POLICY,
            css=Markup(palette.css() + (HERE / "page.css").read_text(encoding="utf-8")),
            js=Markup((HERE / "page.js").read_text(encoding="utf-8")),
            **shown,
        )
    )


def curves(summary: Summary) -> dict[str, str]:
    """By trial, and for the ensemble, what the script draws where a row is opened: JSON.

    Accuracy in percent and loss in nats by epoch, each for training (empty for the ensemble, which
    has no such curve) and validation; null where a loss is no number. `best` is from 1.
    """
    histories: dict[str, tuple[Any, ...]] = {row.trial: row.epochs for row in summary.rows}
    best = {row.trial: row.best_epoch for row in summary.rows}
    if summary.ensemble is not None:
        histories[ENSEMBLE] = summary.ensemble.history
    return {
        name: json.dumps(
            {
                "accuracy": [_curve(epochs, f"{part}_accuracy", 100) for part in _PARTS],
                "loss": [_curve(epochs, f"{part}_loss") for part in _PARTS],
                "best": best.get(name),
            },
            separators=(",", ":"),
        )
        for name, epochs in histories.items()
        if epochs
    }


def _curve(epochs: Sequence[Any], name: str, times: int = 1) -> list[float | None]:
    values = [times * getattr(epoch, name) for epoch in epochs if hasattr(epoch, name)]
    return [round(value, 4) if math.isfinite(value) else None for value in values]


def environment() -> Environment:
    """The templates' surroundings: the functions and filters that they use."""
    made = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: value if isinstance(value, Markup) else clean(value),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        between=written.between,
        duration=duration,
        p_value=written.p_value,
        percent=written.percent,
        points=written.points,
        shorten=written.shorten,
        size=size,
        svg=inline,
        whole=written.whole,
    )
    made.globals.update(
        FEWEST_WITNESSES=FEWEST_WITNESSES,
        LARGEST=LARGEST,
        NAMED=NAMED,
        NAMES=NAMES,
        chosen_by=chosen_by,
        Place=kinds.Place,
        colour=palette.colour,
        comparisons=sheets_comparisons,
        confirmation=sheets_confirmation,
        figures=gallery,
        methods=sheets_methods,
        numbered_points=numbered_points,
        paper=paper,
        reports=sheets_reports,
        run=sheets_run,
        photographs=sheets_photos,
        several=written.several,
        metric_words=metric_words,
        weighted=kinds.weighted,
    )
    return made


def inline(picture: Picture) -> Markup:
    """A picture as an element of the page; its own letters are escaped already."""
    return Markup(picture.svg())


def data_uri(pixels: NDArray[np.uint8]) -> str:
    """A small photo, [H, W, 3] RGB, as a PNG inside the page."""
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"


def as_typed(command: tuple[str, ...]) -> Markup:
    """The command that repeats a run, whole and on one line, fit to be copied.

    The ledger keeps the arguments; the script's name in front of them is not repeated.
    """
    arguments = command[1:] if command and command[0].endswith(".py") else command
    line = typed("run", *arguments)
    return Markup.escape("".join(letter if letter.isprintable() else "�" for letter in line))
