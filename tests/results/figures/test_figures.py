"""Figures: every kind of run draws, as SVG and as PNG, and odd names do no harm."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from PIL import Image

from results.figures import gallery as figures
from results.figures.matrices import LARGEST
from results.figures.palette import LIGHT
from results.figures.style import (
    SCALE,
    WIDTH,
    Picture,
    breadth,
    canvas,
    chart,
    drawing,
    fitted,
    keep_percent,
    marker,
)
from results.ledger.store import RunFolder
from results.scores.summary import summarise
from results.scores.types import Summary
from search_spaces.backbones import NAMES
from tests.results.helpers import SMALL, Trial, make_run, shares

ODD = ("<script>alert(1)</script>", '"quoted" & $x_$', "قطة سوداء 猫", "a very long class " * 20)
Drawn = list[tuple[Picture, str]]
SIZES = {"train": 40, "validation": 24, "test": 24}


def searched() -> list[Trial]:
    trials = [Trial(name, 0, skill=0.6) for name in NAMES]
    trials += [
        Trial(name, 1, skill=0.9, changes={"scaling": "native", "learning_rate": 1e-3})
        for name in NAMES[:5]
    ]
    return [*trials, Trial("Xception", 1, "failed")]


def six(tmp_path: Path, classes: tuple[str, ...] = ("cat", "dog")) -> RunFolder:
    mattered = {"VGG16": shares(learning_rate=0.75, optimizer=0.25)}
    return make_run(tmp_path, searched(), classes=classes, sizes=SIZES, importances=mattered)


def all_of(summary: Summary) -> list[Picture]:
    return [picture for group in figures.gallery(summary).values() for picture in group]


@pytest.fixture(scope="module", params=["two odd classes", "four odd classes", "ten classes"])
def drawn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """All pictures of a run of six backbones, each with its SVG."""
    classes = {
        "two odd classes": ODD[:2],
        "four odd classes": ODD,
        "ten classes": tuple("0123456789"),
    }
    pictures = all_of(summarise(six(tmp_path_factory.mktemp("six"), classes[request.param])))
    return [(picture, picture.svg()) for picture in pictures]


def finished(name: str = "p", title: str = "A title") -> Picture:
    """A picture whose only text is its name."""
    with drawing():
        figure, axes = canvas(80)
        axes.text(4, 40, name, rotation=90)
    return Picture("p", title, "described", figure)


def texts(picture: Picture) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(picture.svg()).iter("text")]


@pytest.mark.parametrize("trials", [[], [Trial("VGG16", 0, "failed")]])
def test_a_run_without_scores_has_no_pictures(tmp_path: Path, trials: list[Trial]) -> None:
    folder = make_run(tmp_path, trials, unfinished=["Xception/baseline"])
    assert all_of(summarise(folder)) == []
    figures.write_figures(folder, figures.gallery(summarise(folder)))
    assert not list(folder.report.rglob("*.png"))


def test_one_trial_has_its_own_pictures_and_no_ensemble(tmp_path: Path) -> None:
    pictures = all_of(summarise(make_run(tmp_path, [Trial("VGG16", 0)])))
    names = {picture.name for picture in pictures}
    kinds = {"accuracy", "loss", "confusion", "architecture"}
    assert {f"VGG16-baseline-{kind}" for kind in kinds} <= names
    assert not any(name.startswith("ensemble") or "unfreeze" in name for name in names)


def test_a_run_of_six_has_every_figure_of_the_paper(drawn: Drawn) -> None:
    names = [picture.name for picture, _ in drawn]
    assert len(names) == len(set(names))
    wanted = {
        *(f"{name}-baseline-{kind}" for name in NAMES for kind in ("accuracy", "loss")),
        *(f"{name}-baseline-{kind}" for name in NAMES for kind in ("confusion", "architecture")),
        *(f"together-baseline-{part}-accuracy" for part in ("train", "validation")),
        *(f"together-best-{part}-loss" for part in ("train", "validation")),
        *(f"ensemble-{kind}" for kind in ("diagram", "accuracy", "loss", "confusion")),
        *("intervals", "scaling", "learning-rate", "seconds"),
        *("VGG16-importances", "VGG16-unfreeze"),
    }
    assert wanted <= set(names)


def test_every_svg_is_well_formed_and_says_what_it_shows(drawn: Drawn) -> None:
    for picture, source in drawn:
        root = ElementTree.fromstring(source)
        title, description = root.find("title"), root.find("desc")
        assert root.get("role") == "img"
        assert title is not None
        assert description is not None
        assert root.get("aria-labelledby") == title.get("id")
        assert root.get("aria-describedby") == description.get("id")
        assert (title.text, description.text) == (picture.title, picture.description)


def test_every_svg_asks_for_nothing_and_takes_colours_and_letters_from_the_page(
    drawn: Drawn,
) -> None:
    foreign = r"<script|<style|<image|https?:|xmlns|url\(|clip-path|font-family: "
    for picture, source in drawn:
        assert not re.search(foreign, source)
        for style in re.findall(r'style="([^"]*)"', source):
            assert not re.search("#|rgb", style), picture.name
            assert set(re.findall(r"var\(--(\w+)\)", style)) <= set(LIGHT)


def test_many_pictures_stand_in_one_page_without_sharing_identifiers(drawn: Drawn) -> None:
    seen: list[str] = []
    for picture, source in drawn:
        elements = list(ElementTree.fromstring(source).iter())
        own = [element.attrib["id"] for element in elements if "id" in element.attrib]
        links = {element.attrib["href"] for element in elements if "href" in element.attrib}
        assert all(name.startswith(f"{picture.name}-") for name in own)
        assert links <= {f"#{name}" for name in own}
        seen += own
    assert len(seen) == len(set(seen))


def test_everything_drawn_lies_inside_its_picture(drawn: Drawn) -> None:
    for picture, _ in drawn:
        with drawing():
            picture.figure.canvas.draw()
            shown = picture.figure.get_tightbbox()
        width, height = 72 * picture.figure.get_size_inches()
        assert -1 <= 72 * shown.x0 <= 72 * shown.x1 <= width + 1, picture.name
        assert -1 <= 72 * shown.y0 <= 72 * shown.y1 <= height + 1, picture.name


def test_the_same_summary_gives_the_same_bytes(tmp_path: Path) -> None:
    summary = summarise(make_run(tmp_path, [Trial("VGG16", 0)]))
    first, second = all_of(summary), all_of(summary)
    assert [picture.svg() for picture in first] == [picture.svg() for picture in second]
    assert first[-1].png() == second[-1].png()
    assert first[-1].svg() == second[-1].svg()


def test_files_hold_the_same_pictures_and_old_ones_go(tmp_path: Path) -> None:
    folder = make_run(tmp_path, [Trial("VGG16", 0)], classes=ODD)
    old = folder.report / "figures" / "of-an-earlier-report.png"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"")
    summary = summarise(folder)
    figures.write_figures(folder, figures.gallery(summary))
    files = {path.stem: path for path in (folder.report / "figures").iterdir()}
    assert set(files) == {picture.name for picture in all_of(summary)}
    for path in files.values():
        with Image.open(path) as image:
            assert image.width == SCALE * WIDTH


@pytest.mark.parametrize("name", ["$\\frac{1}{", "$x$ and $y$", "#3451b2", 'style="fill: #3451b2"'])
def test_a_formula_or_a_colour_in_a_name_is_a_name(name: str) -> None:
    picture = finished(name, title=name)
    assert texts(picture) == [name]
    with Image.open(io.BytesIO(picture.png())) as image:
        assert image.format == "PNG"


def test_a_pointer_over_a_cell_or_a_point_tells_what_it_is(tmp_path: Path) -> None:
    trials = [Trial("VGG16", 0), Trial("VGG16", 1)]
    groups = figures.gallery(summarise(make_run(tmp_path, trials, classes=("a<b", "c"))))
    matrix = ElementTree.fromstring(figures.of_kind(groups["VGG16/baseline"], "confusion")[0].svg())
    tips = [element.findtext("title") or "" for element in matrix.iter("g")]
    assert any(tip.startswith("a<b taken for a<b: ") for tip in tips)
    points = ElementTree.fromstring(groups[figures.SCATTERS][0].svg())
    tips = [element.findtext("title") or "" for element in points.iter("g")]
    assert any(tip.startswith("VGG16/t01: ") for tip in tips)


def test_too_many_classes_make_no_matrix(tmp_path: Path) -> None:
    classes = tuple(f"class {number}" for number in range(LARGEST + 1))
    folder = make_run(tmp_path, [Trial("VGG16", 0)], classes=classes, sizes=SMALL)
    assert not any("confusion" in picture.name for picture in all_of(summarise(folder)))


@pytest.mark.parametrize(
    ("values", "percent", "ticks"),
    [
        ([50.0, 100.0], True, ["50", "60", "70", "80", "90", "100"]),
        ([0.0], True, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        ([100.0], True, ["95", "96", "97", "98", "99", "100"]),
        ([2.3025, 2.301], False, ["2.3010", "2.3015", "2.3020", "2.3025"]),
        ([3.0], False, ["2.9", "3.0", "3.1"]),
    ],
)
def test_ticks_are_round_numbers(values: list[float], percent: bool, ticks: list[str]) -> None:
    with drawing():
        figure, axes = chart(("a",), 176)
        axes.plot(range(len(values)), values, **marker("ink", "circle", 5))
        if percent:
            keep_percent(axes, "y")
        axes.set_xticks([])
    assert texts(Picture("p", "p", "p", figure)) == ticks


@pytest.mark.parametrize(
    ("epochs", "ticks"),
    [(1, ["1"]), (3, ["1", "2", "3"]), (25, ["1", "4", "7", "10", "13", "16", "19", "22", "25"])],
)
def test_epochs_are_whole_numbers_from_one(tmp_path: Path, epochs: int, ticks: list[str]) -> None:
    summary = summarise(make_run(tmp_path, [Trial("VGG16", 0, epochs=epochs)]))
    picture = figures.of_kind(figures.gallery(summary)["VGG16/baseline"], "accuracy")[0]
    shown = texts(picture)
    assert shown[: shown.index("epoch")] == ticks


@pytest.mark.parametrize(
    ("rates", "ticks"),
    [
        ((1e-5, 1e-2), ["1e-5", "1e-4", "1e-3", "0.01"]),
        ((2e-4, 4e-3), ["2e-4", "5e-4", "1e-3", "2e-3", "5e-3"]),
    ],
)
def test_learning_rates_stand_on_a_logarithmic_axis(
    tmp_path: Path, rates: tuple[float, float], ticks: list[str]
) -> None:
    trials = [
        Trial("VGG16", number, changes={"learning_rate": rate}) for number, rate in enumerate(rates)
    ]
    groups = figures.gallery(summarise(make_run(tmp_path, trials)))
    shown = texts(groups[figures.SCATTERS][0])
    assert shown[: shown.index("learning rate")] == ticks


def test_names_are_cut_to_the_room_they_have() -> None:
    assert fitted("cat", 100) == "cat"
    assert fitted("a\nb\x1b", 100) == "a b�"
    assert breadth(fitted("long " * 50, 100)) <= 100
    assert breadth("猫猫") > breadth("ab")
