"""The recipes of CONTRIBUTING.md, each followed on a copy of the code by adding a made-up one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house import ROOMS, ROOT


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the code, to be changed."""
    for room in ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "tests/results", tmp_path / "tests/results")
    shutil.copy(ROOT / "run_sweep.py", tmp_path)
    return tmp_path


def insert(file: Path, before: str, lines: str) -> None:
    """Put lines in front of the one place that starts with `before`."""
    text = file.read_text()
    assert text.count(before) == 1, (file, before)
    file.write_text(text.replace(before, lines + before))


def run(copied: Path, code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=copied, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def command(copied: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "run_sweep.py", *words],
        cwd=copied,
        capture_output=True,
        text=True,
        check=False,
    )


BACKBONE = """    Backbone(
        name="MobileNetV2",
        native_scaling=NativeScaling.TF,
        smallest_image=32,
        points=(HEAD, "Conv_1", "block_16_expand", "block_13_expand", "block_6_expand"),
        baseline_unfreeze="block_16_expand",
        weights=_keras("mobilenet_v2/mobilenet_v2_no_top.h5", "0" * 32),
    ),
"""


def with_backbone(copied: Path) -> None:
    insert(copied / "search_spaces/backbones.py", ")\n\nNAMES: tuple", BACKBONE)


def test_a_backbone_is_one_row(copied: Path) -> None:
    with_backbone(copied)
    words = "--backbones mobilenetv2,vgg16 --data digits --weights random --image-size 32 --plan"
    planned = command(copied, *words.split(), "--cache-dir", str(copied / "cache"))
    assert (planned.returncode, planned.stderr) == (0, "")
    assert "MobileNetV2" in planned.stdout
    report = run(
        copied,
        "from pathlib import Path\n"
        "from results.report.write import write_report\n"
        "from results.scores.summary import summarise\n"
        "from results.figures.palette import colour, css, shape\n"
        "from tests.results.helpers import Trial, make_run\n"
        "trials = [Trial('MobileNetV2', 0), Trial('MobileNetV2', 1), Trial('VGG16', 0)]\n"
        "folder = make_run(Path('run'), trials)\n"
        "summary = summarise(folder)\n"
        "write_report(folder, summary)\n"
        "print(summary.backbones[-1].name, summary.backbones[-1].baseline.verdict)\n"
        "print(f'--{colour(\"MobileNetV2\")}:' in css(), shape('MobileNetV2') != shape('VGG16'))\n"
        "print('MobileNetV2/t01' in folder.report_html.read_text())\n",
    )
    assert report.split("\n")[:3] == ["MobileNetV2 None", "True True", "True"]


@pytest.mark.slow
def test_a_backbone_of_one_row_is_trained(copied: Path) -> None:
    with_backbone(copied)
    words = (
        "--backbones mobilenetv2 --data digits --weights random --image-size 32 "
        "--trials 1 --epochs 1 --confirm 0 --max-concurrent 1 --run-dir run"
    )
    done = command(copied, *words.split(), "--cache-dir", str(copied / "cache"))
    assert (done.returncode, done.stderr) == (0, "")
    assert (copied / "run/models/MobileNetV2.keras").is_file()


def test_a_searched_dimension_is_one_field(copied: Path) -> None:
    insert(
        copied / "search_spaces/config.py",
        "    def __post_init__(self) -> None:\n        entry = backbone_named(self.backbone",
        "    patience: float = log_uniform(1.0, 9.0, default=2.0)\n\n",
    )
    told = run(
        copied,
        "from dataclasses import replace\n"
        "from results.ledger.serialise import from_json\n"
        "from search_spaces import paper\n"
        "from search_spaces.config import TrialConfig\n"
        "from search_spaces.settings import FLAGS\n"
        "from search_spaces.space import DIMENSIONS, SearchSpace, parse_search\n"
        "from results.report.format import configuration\n"
        "from sweep.schedule.suggest import suggest\n"
        "base = paper.baseline('VGG16')\n"
        "old = base.to_dict(); del old['patience']\n"
        "assert from_json(TrialConfig, old) == base\n"
        "space = SearchSpace(varied=parse_search('patience,optimizer'))\n"
        "config = suggest(space, base, 1, seed=0, history=[])\n"
        "print(DIMENSIONS[-1], 1 <= config.patience <= 9 and config.patience != 2)\n"
        "print('patience' in FLAGS['search'].help)\n"
        "print('patience 3.0' in configuration(replace(base, patience=3.0)))\n",
    )
    assert told.split("\n")[:3] == ["patience True", "True", "True"]


def test_a_metric_is_one_function_and_one_column(copied: Path) -> None:
    metrics = copied / "results/scores/metrics.py"
    text = metrics.read_text()
    empty = "METRICS: Mapping[str, Metric] = {}"
    assert text.count(empty) == 1
    brier = (
        "def brier(probabilities: Probabilities, labels: Labels) -> float:\n"
        "    return float(((1 - probabilities[np.arange(len(labels)), labels]) ** 2).mean())\n\n\n"
    )
    metrics.write_text(text.replace(empty, brier + empty.replace("{}", '{"brier": brier}')))
    insert(
        copied / "results/report/sheets_methods.py",
        'PUBLISHED = (\n    Column("label"',
        'METHODS += (Column("brier", "Brier", value="method.scores.more.test_brier"),)\n',
    )
    told = run(
        copied,
        "from pathlib import Path\n"
        "from results.report.csv_files import write_tables\n"
        "from results.scores.summary import summarise\n"
        "from tests.results.helpers import Trial, make_run\n"
        "folder = make_run(Path('run'), [Trial('VGG16', 0)])\n"
        "write_tables(folder, summarise(folder))\n"
        "head, row = (folder.report / 'tables/methods.csv').read_text().splitlines()[:2]\n"
        "print(head.split(',')[-1], 0 <= float(row.split(',')[-1]) <= 1)\n",
    )
    assert told == "brier True\n"


def test_a_data_source_is_one_file_and_its_name(copied: Path) -> None:
    digits = (copied / "trainables/photos/digits.py").read_text()
    few = digits.replace('NAME = "digits"', 'NAME = "few_digits"').replace(
        'CLASSES = tuple("0123456789")', 'CLASSES = tuple("01")'
    )
    assert few != digits
    (copied / "trainables/photos/few_digits.py").write_text(few)
    named = copied / "trainables/photos/named.py"
    insert(named, "SOURCES: Mapping", "from trainables.photos import few_digits\n\n")
    insert(named, "    digits.NAME: ", "    few_digits.NAME: few_digits.digits,\n")
    settings = copied / "search_spaces/settings.py"
    settings.write_text(settings.read_text().replace('"digits")\n', '"digits", "few_digits")\n', 1))
    words = "--backbones vgg16 --data few_digits --weights random --image-size 32 --plan"
    planned = command(copied, *words.split(), "--cache-dir", str(copied / "cache"))
    assert (planned.returncode, planned.stderr) == (0, "")
    assert "VGG16" in planned.stdout


SETTING = """    confidence: int = setting(
        Flag(TRAINED, "made up; default: 3", "N", count("--confidence", 1, 9), default=3),
        absent=3,
    )
"""


def test_a_setting_is_one_field(copied: Path) -> None:
    insert(copied / "search_spaces/settings.py", "    ranges: Mapping", SETTING)
    told = run(
        copied,
        "from pathlib import Path\n"
        "from search_spaces.presets import DEMONSTRATION\n"
        "from search_spaces.refusals import UsageRefusal\n"
        "from sweep import run\n"
        "from sweep.terminal.arguments import parse_arguments, settings_from\n"
        "from sweep.terminal.completion import script\n"
        "from sweep.terminal.flags import parser\n"
        "from sweep.terminal.printed import as_toml\n"
        "Path('s.toml').write_text('confidence = 4\\n')\n"
        "file = ['--config', 's.toml']\n"
        "around = {'TRANSFER_SWEEP_CONFIDENCE': '5'}\n"
        "ways = [([], {}), (file, {}), (file, around), ([*file, '--confidence', '6'], around)]\n"
        "read = [parse_arguments(words, where) for words, where in ways]\n"
        "print(*(settings_from(one, DEMONSTRATION).confidence for one in read))\n"
        "print('confidence = 5' in as_toml(read[2]), 'confidence = 3' in as_toml(read[0]))\n"
        "print('--confidence' in script('bash', {'run': ('', parser())}))\n"
        "try: run(confidence=10)\n"
        "except UsageRefusal as refusal: print(refusal)\n",
    )
    assert told.split("\n")[:3] == ["3 4 5 6", "True True", "True"]
    assert "at most 9 is needed, got 10 (run(confidence=...))" in told
