"""The rates that a plan knows: of this machine's earlier runs under the same conditions."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from results.ledger.anatomy import Anatomy
from results.ledger.files import write_text
from results.ledger.records import Cost, TrialRecord
from sweep.rates import keep_rates, known_rates
from tests.sweep.helpers import machine, record, settings

COUNTS = {"train": 240, "validation": 80, "test": 80}
CHOSEN = settings("--backbones", "vgg16,xception")


def measured(backbone: str) -> TrialRecord:
    """A trial that filled the feature store."""
    return dataclasses.replace(
        record(backbone, 0),
        cost=Cost(photos_prefix=400, seconds_prefix=20.0, multiply_adds_prefix=400 * 1e8),
        anatomy=Anatomy(1, 1, 1, 1, 1, "", ("7 Conv2D",), 0, multiply_adds_frozen=1e8),
    )


def test_before_the_first_run_nothing_is_known(tmp_path: Path) -> None:
    assert known_rates(CHOSEN, machine(tmp_path), "1") == {}


def test_on_a_cluster_nothing_is_kept_and_nothing_read(tmp_path: Path) -> None:
    here = machine(tmp_path)
    cluster = dataclasses.replace(here, address="head:6379")
    keep_rates(CHOSEN, cluster, "1", [measured("VGG16")], COUNTS)
    assert list(tmp_path.iterdir()) == []
    keep_rates(CHOSEN, here, "1", [measured("VGG16")], COUNTS)
    assert known_rates(CHOSEN, cluster, "1") == {}


def test_a_damaged_file_is_not_known_and_the_next_run_replaces_it(tmp_path: Path) -> None:
    here = machine(tmp_path)
    keep_rates(CHOSEN, here, "1", [measured("VGG16")], COUNTS)
    [path] = (tmp_path / "rates").iterdir()
    write_text(path, "{")
    assert known_rates(CHOSEN, here, "1") == {}
    keep_rates(CHOSEN, here, "1", [measured("VGG16")], COUNTS)
    assert list(known_rates(CHOSEN, here, "1")) == ["VGG16"]


def test_a_backbone_that_measured_nothing_keeps_its_earlier_rates(tmp_path: Path) -> None:
    here = machine(tmp_path)
    keep_rates(CHOSEN, here, "1", [measured("VGG16"), record("Xception", 0)], COUNTS)
    before = known_rates(CHOSEN, here, "1")
    assert list(before) == ["VGG16"]
    keep_rates(CHOSEN, here, "1", [record("VGG16", 0)], COUNTS)
    assert known_rates(CHOSEN, here, "1") == before


@pytest.mark.parametrize("change", [{"image_size": 200}, {"batch_size": 7}, {"jit_compile": True}])
def test_rates_of_other_settings_are_not_known(tmp_path: Path, change: dict[str, int]) -> None:
    here = machine(tmp_path)
    keep_rates(CHOSEN, here, "1", [measured("VGG16")], COUNTS)
    assert known_rates(dataclasses.replace(CHOSEN, **change), here, "1") == {}  # type: ignore[arg-type]


def test_rates_of_other_threads_or_without_onednn_are_not_known(tmp_path: Path) -> None:
    here = machine(tmp_path)
    keep_rates(CHOSEN, here, "1", [measured("VGG16")], COUNTS)
    assert known_rates(CHOSEN, dataclasses.replace(here, cpus_per_trial=7), "1") == {}
    assert known_rates(CHOSEN, here, "0") == {}
    assert list(known_rates(CHOSEN, here, "1")) == ["VGG16"]
