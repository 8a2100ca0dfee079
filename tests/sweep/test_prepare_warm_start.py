"""A run that starts with `--warm-start` copies what it is told, before anything is removed."""

from __future__ import annotations

from pathlib import Path

import pytest

from results.ledger.store import RunFolder
from search_spaces.refusals import UsageRefusal
from sweep.hardware import Hardware, Machine
from sweep.prepare import gather, start
from sweep.terminal.arguments import parse_arguments
from tests.sweep.helpers import machine, record
from trainables.progress import quiet

WORDS = ("--data", "digits", "--weights", "random", "--backbones", "vgg16", "--image-size", "32")
STANDARD = (*WORDS, "--space", "standard")
HERE = Hardware(2, 8000, 0, "test")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return machine(tmp_path_factory.mktemp("cache"))


def started(folder: RunFolder, kept: Machine, *words: str) -> None:
    """A new run of the digits."""
    materials = gather(parse_arguments(words), kept, progress=quiet, warn=pytest.fail)
    start(materials, folder, kept, HERE, words=words)


def test_what_is_no_run_guides_none_and_costs_no_old_run(tmp_path: Path, kept: Machine) -> None:
    run = RunFolder(tmp_path / "run")
    started(run, kept, *STANDARD)
    run.write_record(record("VGG16", 0))
    before = run.run_json.read_bytes()
    with pytest.raises(UsageRefusal, match="no run here"):
        started(run, kept, *STANDARD, "--warm-start", str(tmp_path / "none"))
    assert run.run_json.read_bytes() == before
    assert len(run.records()) == 1
    assert not run.warm_start_json.exists()


def test_trials_are_copied_even_from_the_run_that_is_replaced(
    tmp_path: Path, kept: Machine
) -> None:
    run = RunFolder(tmp_path / "run")
    started(run, kept, *STANDARD)
    run.write_record(record("VGG16", 0))
    old = run.records()
    started(run, kept, *STANDARD, "--warm-start", str(run.root))
    assert run.read_warm_start() == {str(run.root): old}
    assert run.records() == ()
