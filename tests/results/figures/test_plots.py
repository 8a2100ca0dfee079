"""Pictures: every kind of run draws, both writers agree, and odd names do no harm."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from PIL import Image

from results.figures import gallery as plots
from results.figures.palette import DARK, LIGHT, SHAPES, colour, shape
from results.figures.plots_axes import Axis, Plane, Series, counted, named, numbers, picture, powers
from results.figures.plots_matrices import LARGEST
from results.figures.scene import Box, Line, Marker, Picture, Words, breadth, corners, fitted
from results.figures.scene_png import SCALE, png
from results.figures.scene_svg import svg
from results.ledger.store import RunFolder
from results.scores.summary import summarise
from results.scores.types import Summary
from search_spaces.backbones import NAMES
from tests.results.helpers import SMALL, Trial, make_run

ODD = ("<script>alert(1)</script>", '"quoted" & $x_$', "قطة سوداء 猫", "a very long class " * 20)
SIZES = {"train": 40, "validation": 24, "test": 24}


def searched() -> list[Trial]:
    trials = [Trial(name, 0, skill=0.6) for name in NAMES]
    trials += [
        Trial(name, 1, skill=0.9, changes={"scaling": "native", "learning_rate": 1e-3})
        for name in NAMES[:5]
    ]
    return [*trials, Trial("Xception", 1, "failed")]


def six(tmp_path: Path, classes: tuple[str, ...] = ("cat", "dog")) -> RunFolder:
    shares = {"VGG16": {"learning_rate": 0.75, "optimizer": 0.25}}
    return make_run(tmp_path, searched(), classes=classes, sizes=SIZES, importances=shares)


def all_of(summary: Summary) -> list[Picture]:
    return [one for group in plots.gallery(summary).values() for one in group]


@pytest.mark.parametrize("trials", [[], [Trial("VGG16", 0, "failed")]])
def test_a_run_without_scores_has_no_pictures(tmp_path: Path, trials: list[Trial]) -> None:
    folder = make_run(tmp_path, trials, unfinished=["Xception/baseline"])
    assert all_of(summarise(folder)) == []
    plots.write_figures(folder, summarise(folder))
    assert not list(folder.report.rglob("*.png"))


def test_one_trial_has_its_own_pictures_and_no_ensemble(tmp_path: Path) -> None:
    names = {one.name for one in all_of(summarise(make_run(tmp_path, [Trial("VGG16", 0)])))}
    kinds = {"accuracy", "loss", "confusion", "architecture"}
    assert {f"VGG16-baseline-{kind}" for kind in kinds} <= names
    assert not any(name.startswith("ensemble") or "unfreeze" in name for name in names)


def test_a_run_of_six_has_every_figure_of_the_paper(tmp_path: Path) -> None:
    summary = summarise(six(tmp_path))
    names = [one.name for one in all_of(summary)]
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


@pytest.mark.parametrize("classes", [ODD[:2], ODD, tuple("0123456789")])
def test_every_svg_is_well_formed_and_says_what_it_shows(
    tmp_path: Path, classes: tuple[str, ...]
) -> None:
    for one in all_of(summarise(six(tmp_path, classes))):
        drawn = svg(one)
        root = ElementTree.fromstring(drawn)
        title = root.find("title")
        assert root.get("role") == "img"
        assert title is not None
        assert root.get("aria-labelledby") == title.get("id")
        assert title.text == one.told
        assert "<script" not in drawn


def test_everything_drawn_lies_inside_its_picture(tmp_path: Path) -> None:
    for one in all_of(summarise(six(tmp_path, tuple("0123456789")))):
        for x, y in (place for item in one.items for place in _places(item)):
            assert -1 <= x <= one.width + 1, one.name
            assert -1 <= y <= one.height + 1, one.name


def test_files_hold_the_same_pictures_and_old_ones_go(tmp_path: Path) -> None:
    folder = make_run(tmp_path, [Trial("VGG16", 0)], classes=ODD)
    old = folder.report / "figures" / "of-an-earlier-report.png"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"")
    summary = summarise(folder)
    plots.write_figures(folder, summary)
    files = {path.stem: path for path in (folder.report / "figures").iterdir()}
    assert set(files) == {one.name for one in all_of(summary)}
    for one in all_of(summary):
        with Image.open(files[one.name]) as image:
            assert image.width == pytest.approx(SCALE * one.width, abs=1)


def test_a_formula_in_a_name_is_a_name() -> None:
    words = Words(4, 20, "$\\frac{1}{", turned=True)
    drawn = Picture("formula", "$\\oops{", "told", 80, 40, (words,))
    with Image.open(io.BytesIO(png(drawn))) as image:
        assert image.format == "PNG"


def test_too_many_classes_make_no_matrix(tmp_path: Path) -> None:
    classes = tuple(f"class {number}" for number in range(LARGEST + 1))
    folder = make_run(tmp_path, [Trial("VGG16", 0)], classes=classes, sizes=SMALL)
    assert not any("confusion" in one.name for one in all_of(summarise(folder)))


@pytest.mark.parametrize(
    ("axis", "texts"),
    [
        (numbers("x", [0.5, 1.0], percent=True), ["50", "60", "70", "80", "90", "100"]),
        (numbers("x", [2.3025, 2.301]), ["2.3010", "2.3015", "2.3020", "2.3025"]),
        (numbers("x", [3.0]), ["2.85", "2.90", "2.95", "3.00", "3.05", "3.10", "3.15"]),
        (numbers("x", [0.0]), ["-1.0", "-0.5", "0.0", "0.5", "1.0"]),
        (counted("x", 3), ["1", "2", "3"]),
        (counted("x", 25), ["1", "4", "7", "10", "13", "16", "19", "22", "25"]),
        (powers("x", [1e-5, 1e-2]), ["1e-5", "1e-4", "1e-3", "0.01"]),
        (powers("x", [3.0, 9.0]), ["4", "6", "8"]),
        (named("x", ["head", "1"]), ["head", "1"]),
    ],
)
def test_ticks_are_round_numbers(axis: Axis, texts: list[str]) -> None:
    assert [text for _, text in axis.ticks] == texts
    assert all(-1e-9 <= axis.share(value) <= 1 + 1e-9 for value, _ in axis.ticks)


def test_values_go_where_their_axes_say() -> None:
    points = ((0.0, 0.0), (1.0, 1.0))
    x, y = named("x", ["a", "b"]), numbers("y", [0.0, 1.0])
    drawn = picture(Plane("p", "p", "p", x, y, (Series("", "ink", points, joined=False),)))
    first, second = (item for item in drawn.items if isinstance(item, Marker))
    assert first.x < second.x
    assert first.y > second.y


def test_names_are_cut_to_the_room_they_have() -> None:
    assert fitted("cat", 100) == "cat"
    assert fitted("a\nb\x1b", 100) == "a b�"
    assert breadth(fitted("long " * 50, 100)) <= 100
    assert breadth("猫猫") > breadth("ab")


def test_both_schemes_know_the_same_roles_and_text_has_contrast() -> None:
    assert set(LIGHT) == set(DARK)
    for palette in (LIGHT, DARK):
        for ground in ("paper", "raised", "warning", "cached", "frozen", "trained", "head", "heat"):
            assert _contrast(palette["ink"], palette[ground]) >= 4.5, ground
        for words in ("muted", "accent", "good", "bad"):
            assert _contrast(palette[words], palette["paper"]) >= 4.5, words
        for name in NAMES:
            assert _contrast(palette[colour(name)], palette["paper"]) >= 3.0, name


def test_each_backbone_has_a_colour_and_a_shape_of_its_own() -> None:
    assert len({LIGHT[colour(name)] for name in NAMES}) == len(NAMES)
    assert {shape(name) for name in NAMES} == set(SHAPES)
    assert all(len(corners(Marker(0, 0, "ink", one))) >= 3 for one in SHAPES if one != "circle")


def _places(item: Line | Box | Marker | Words) -> list[tuple[float, float]]:
    if isinstance(item, Line):
        return list(item.points)
    if isinstance(item, Box):
        return [(item.x, item.y), (item.x + item.width, item.y + item.height)]
    return [(item.x, item.y)]


def _contrast(first: str, second: str) -> float:
    """WCAG 2's ratio."""
    lights = sorted((_luminance(first), _luminance(second)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def _luminance(colour_code: str) -> float:
    parts = [int(colour_code[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
