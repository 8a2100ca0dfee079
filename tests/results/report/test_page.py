"""The page: one file that asks nothing of any network, every section with content, all escaped."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import re
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from results.figures.gallery import gallery
from results.ledger.runs import MeasuredCharacteristics, Rejected
from results.ledger.thumbnails import write_thumbnails
from results.report.format import LONGEST_NAME
from results.report.page import (
    POLICY,
    SECTIONS,
    Thumbnails,
    curves,
    environment,
    page,
    write_page,
)
from results.report.write import write_report
from results.scores.metrics import Outcome
from results.scores.mistakes import SHOWN, rows_to_show
from results.scores.summary import summarise
from results.scores.types import Summary
from search_spaces.backbones import PAPER_NAMES
from tests.results.helpers import Trial, make_run

VOID = {"meta", "br", "img", "hr", "input", "link"}
SELF_CLOSED = {"rect", "polyline", "polygon", "circle"}
EVIL = '</title><script>alert("x")</script>'
ODD = (EVIL, "\"quotes\" & 'more'", "قطة سوداء", "猫" * 400)
TEN = tuple("0123456789")
HUNDRED = tuple(f"class {number}" for number in range(100))
SIZES = {"train": 40, "validation": 24, "test": 24}


class Page(HTMLParser):
    """The page's structure; refuses tags that do not match."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self.section = ""
        self.words = ""
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "section":
            self.section = dict(attrs)["id"] or ""
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in SELF_CLOSED
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag == "section":
            self.section = ""

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.words += data
            self.texts[self.section] = self.texts.get(self.section, "") + data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for found, attributes in self.tags if found == tag]


def searched() -> list[Trial]:
    trials = [Trial(one, 0, skill=0.6) for one in PAPER_NAMES]
    trials += [Trial(one, 1, skill=0.9, changes={"scaling": "native"}) for one in PAPER_NAMES[:5]]
    return [*trials, Trial("Xception", 1, "failed")]


RUNS: dict[str, dict[str, Any]] = {
    "empty": {"trials": [], "unfinished": ["VGG16/baseline"]},
    "one trial": {"trials": [Trial("VGG16", 0)]},
    "a failed backbone": {"trials": [Trial("VGG16", 0, "failed"), Trial("Xception", 0)]},
    "six": {"trials": searched()},
    "partial": {"trials": searched(), "unfinished": ["VGG16/t02"]},
    "a demonstration": {"trials": searched(), "demonstration": True, "weights": "random"},
    "ten classes": {"trials": searched(), "classes": TEN},
    "a hundred classes": {"trials": searched(), "classes": HUNDRED},
    "odd class names": {"trials": searched(), "classes": ODD},
}


def summary_of(tmp_path: Path, run: str) -> Summary:
    return summarise(make_run(tmp_path / "run", **{"sizes": SIZES, **RUNS[run]}))


def drawn(summary: Summary, thumbnails: Thumbnails) -> str:
    return page(summary, gallery(summary), thumbnails)


@functools.cache
def page_of(run: str) -> str:
    """A run's page, drawn once for all tests: its pictures take seconds."""
    with tempfile.TemporaryDirectory() as folder:
        return drawn(summary_of(Path(folder), run), {})


@pytest.fixture(params=RUNS)
def any_page(request: pytest.FixtureRequest) -> str:
    return page_of(request.param)


def test_every_section_of_every_run_says_something(any_page: str) -> None:
    found = Page(any_page)
    anchors = [section.anchor for section in SECTIONS]
    assert [one.get("id") for one in found.all("section")] == anchors
    for one in SECTIONS:
        assert len(found.texts[one.anchor]) > len(one.title) + 20, one.anchor


def test_every_page_has_sound_ids_links_and_alternative_texts(any_page: str) -> None:
    found = Page(any_page)
    ids = [attributes["id"] for _, attributes in found.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert all((one["href"] or "").removeprefix("#") in ids for one in found.all("a"))
    assert all(one.get("alt") for one in found.all("img"))
    assert all(one.get("aria-labelledby") in ids for one in found.all("svg"))
    assert len(found.all("table")) == len(found.all("caption"))


def test_no_page_asks_anything_of_a_network(any_page: str) -> None:
    found = Page(any_page)
    assert not re.search(r"https?:|//[a-z]|url\(|@import", any_page)
    assert found.all("link") == []
    assert all((one["src"] or "").startswith("data:image/png;") for one in found.all("img"))
    assert all("src" not in one for one in found.all("script"))
    assert not [attrs for _, attrs in found.tags if any(key.startswith("on") for key in attrs)]
    policies = [one["content"] for one in found.all("meta") if "http-equiv" in one]
    assert policies == [POLICY]
    assert POLICY.startswith("default-src 'none'; ")


def test_names_from_outside_are_shown_and_never_obeyed(tmp_path: Path) -> None:
    summary = summary_of(tmp_path, "odd class names")
    rows = (dataclasses.replace(summary.rows[0], error=EVIL), *summary.rows[1:])
    worst = tuple(dataclasses.replace(one, file=EVIL) for one in summary.mistakes.worst)
    data = dataclasses.replace(
        summary.data, name=EVIL, source=EVIL, examples_rejected=(Rejected(EVIL, EVIL),)
    )
    odd = dataclasses.replace(
        summary,
        name=EVIL,
        rows=rows,
        data=data,
        mistakes=dataclasses.replace(summary.mistakes, worst=worst),
        command=("--data", EVIL),
        settings={EVIL: EVIL},
        versions={EVIL: EVIL},
        hardware={EVIL: [EVIL]},
        weights=EVIL,
        created=EVIL,
    )
    source = drawn(odd, {row: np.zeros((64, 64, 3), np.uint8) for row in rows_to_show(odd)})
    assert len(Page(source).all("script")) == 2
    assert EVIL not in source
    assert "\"quotes\" & 'more'" in Page(source).words
    assert "قطة سوداء" in Page(source).words
    assert "猫" * (LONGEST_NAME + 1) not in source


def test_text_is_one_line_without_control_characters() -> None:
    def shown(template: str, value: str) -> str:
        return environment().from_string(template).render(value=value)

    assert shown("{{ value }}", "a\n<b>\x1b\udcff\u202e") == "a &lt;b&gt;���"
    assert shown("<bdi>{{ value|shorten }}</bdi>", '"') == "<bdi>&#34;</bdi>"


@pytest.mark.parametrize(
    ("run", "mark"), [("partial", "PARTIAL"), ("a demonstration", "DEMONSTRATION")]
)
def test_the_banner_and_every_caption_say_what_kind_of_run_it_is(run: str, mark: str) -> None:
    source = page_of(run)
    captions = re.findall(r"<caption><span>(.*?)</span>", source)
    assert f"<b>{mark}.</b>" in source
    assert len(captions) > 10
    assert all(one.startswith(mark) for one in captions)


def test_a_complete_run_has_no_banner() -> None:
    assert 'class="banner"' not in page_of("six")


def test_numbers_come_from_the_summary(tmp_path: Path) -> None:
    summary = summary_of(tmp_path, "six")
    words = Page(drawn(summary, {})).texts
    assert summary.ensemble is not None
    scores = summary.ensemble.scores
    assert f"{scores.correct} of {scores.photos} test photos" in words["result"]
    assert f"{summary.mistakes.wrong} of 24 test photos wrong" in words["mistakes"]
    for backbone in summary.backbones:
        assert f"{100 * (backbone.baseline.published_test_accuracy or 0):.3f}" in words["verdicts"]
    assert Outcome.NOT_COMPARABLE in words["verdicts"]
    assert "does not state its image size" in words["verdicts"]
    recommended = "Recommended by validation: the ensemble of " + " and ".join(
        summary.ensemble.members
    )
    single = f"Recommended by validation: {summary.recommended}"
    assert (recommended if summary.recommended == "ensemble" else single) in words["result"]
    assert words["result"].count("Warning.") == len(summary.warnings) > 0
    assert all(warning in words["result"] for warning in summary.warnings)
    assert "loss became nan" in words["mattered"]


def test_table_1_is_shown_measured_next_to_published(tmp_path: Path) -> None:
    folder = make_run(tmp_path, searched(), sizes=SIZES)
    assert "Nothing was measured" in Page(drawn(summarise(folder), {})).texts["sizes"]
    measured = MeasuredCharacteristics(
        "VGG16", 150, EVIL, 32, 527.8, 56.1, 138357544, 14714688, 16, 13, 812.3, 798.9
    )
    folder.write_characteristics([measured])
    summary = summarise(folder)
    assert summary.characteristics == (measured,)
    words = Page(drawn(summary, {})).texts["sizes"]
    assert all(one in words for one in (EVIL, "138,357,544", "14,714,688", "812.3", "138.4 M"))


def test_a_loss_that_is_no_number_leaves_a_gap_in_the_curve(tmp_path: Path) -> None:
    summary = summary_of(tmp_path, "one trial")
    [row] = summary.rows
    worse = dataclasses.replace(row.epochs[0], validation_loss=math.nan, train_loss=math.inf)
    odd = dataclasses.replace(row, epochs=(worse, *row.epochs[1:]))
    curve = json.loads(curves(dataclasses.replace(summary, rows=(odd,)))["VGG16/baseline"])
    assert [part[0] for part in curve["loss"]] == [None, None]
    assert curve["loss"][1][1:] == [one.validation_loss for one in row.epochs[1:]]


def test_every_trial_opens_to_its_own_curves_and_the_tables_can_be_filtered(tmp_path: Path) -> None:
    summary = summary_of(tmp_path, "six")
    found = Page(drawn(summary, {}))
    assert sum("data-filter" in one for one in found.all("table")) == 2  # leaderboard, all trials
    shown = [json.loads(one["data-curve"] or "") for one in found.all("tr") if "data-curve" in one]
    methods = sum(len(backbone.methods) for backbone in summary.backbones)
    trained = [row for row in summary.rows if row.epochs]
    assert len(shown) == methods + 1 + len(trained)  # the ensemble has validation curves
    kept = {name: json.loads(text) for name, text in curves(summary).items()}
    assert kept["ensemble"]["accuracy"][0] == []
    for row in trained:
        assert kept[row.trial]["best"] == row.best_epoch
        assert kept[row.trial]["accuracy"][1] == [
            round(100 * epoch.validation_accuracy, 4) for epoch in row.epochs
        ]
        assert kept[row.trial] in shown


def test_the_leaderboard_is_ordered_by_validation() -> None:
    source = page_of("six")
    board = source[source.index('id="leaderboard"') : source.index('id="verdicts"')]
    rows = [re.findall(r'data-value="(.*?)"', row)[:1] for row in board.split("<tr")[2:]]
    values = [float(row[0]) for row in rows if row and row[0]]
    assert len(values) >= len(PAPER_NAMES)
    assert values == sorted(values, reverse=True)


def test_photos_are_shown_where_they_were_kept(tmp_path: Path) -> None:
    folder = make_run(tmp_path, searched(), sizes=SIZES)
    summary = summarise(folder)
    rows = rows_to_show(summary)
    assert 0 < len(rows) == len(set(rows)) <= SHOWN
    assert rows[0] == summary.mistakes.worst[0].photo
    write_thumbnails(folder, {row: np.full((64, 64, 3), row % 256, np.uint8) for row in rows})
    write_page(folder, summary, gallery(summary))
    images = Page(folder.report_html.read_text(encoding="utf-8")).all("img")
    shown = [summary.mistakes.worst, summary.mistakes.suspects, *summary.mistakes.winners.values()]
    assert len(images) == sum(map(len, shown))
    assert images[0]["alt"] == f"the photo {summary.mistakes.worst[0].file}"


def test_a_report_has_its_page_and_stays_small(tmp_path: Path) -> None:
    folder = make_run(tmp_path, [Trial("VGG16", 0)], sizes=SIZES)
    summary = summarise(folder)
    write_report(folder, summary)
    assert folder.report_html.read_text(encoding="utf-8") == drawn(summary, {})
    assert len(page_of("six").encode()) < 1_000_000
    assert (folder.report / "figures" / "intervals.png").is_file()
