"""The rates that a run measured: what they are means of, and how they are kept."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from results.ledger.anatomy import Anatomy
from results.ledger.files import read_json, write_json
from results.ledger.rates import (
    Conditions,
    Rates,
    measured_rates,
    read_rate_file,
    read_rates,
    seconds_skipped,
    timed_passes,
    write_rates,
)
from results.ledger.records import Cost, EpochRecord, Status, TrialRecord
from search_spaces.paper import baseline
from search_spaces.refusals import UsageRefusal

RATES = Rates(seconds_pass=0.08, seconds_skipped=0.06, seconds_step=0.02, bytes_stored=1000.0)
CONDITIONS = Conditions("VGG16", 150, 32, ("float32", "float32", ""), 2, ("cpu", "Xeon"), "1")
PASS = Cost(
    seconds_features=30.0,
    photos_prefix=100,
    bytes_stored=5000,
    seconds_waiting=15.0,
    seconds_tracing=4.0,
    seconds_prefix=10.0,
    multiply_adds_prefix=100 * 2e6,
)
CACHED = Cost(seconds_features=0.1)


def trial(number: int, cost: Cost, *, work: float, seconds: tuple[float, ...]) -> TrialRecord:
    epochs = (
        EpochRecord(epoch, 0.7, 0.5, 0.7, 0.5, 1e-3, each)
        for epoch, each in enumerate(seconds, start=1)
    )
    return TrialRecord(
        number=number,
        status=Status.COMPLETED,
        config=baseline("VGG16"),
        epochs=tuple(epochs),
        cost=cost,
        anatomy=Anatomy(1, 1, 1, 1, 1, "", ("7 Conv2D",), 0, multiply_adds_frozen=work),
    )


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[1, 2, 3, 4]", b"{}", b'{"seconds_pass": 1}', b"\xff\xfe"],
)
def test_a_damaged_file_is_not_known_yet_and_the_log_says_so(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "rates.json"
    path.write_bytes(content)
    assert read_rates(path) is None
    assert "will be measured again" in caplog.text


@pytest.mark.parametrize("value", [-1.0, "fast", None])
def test_a_rate_that_cannot_be_is_not_known_yet(tmp_path: Path, value: object) -> None:
    path = tmp_path / "rates.json"
    write_json(path, asdict(RATES) | {"seconds_step": value})
    assert read_rates(path) is None


def test_changed_rates_are_not_known_yet(tmp_path: Path) -> None:
    path = tmp_path / "rates.json"
    write_rates(path, RATES)
    path.write_text(path.read_text().replace("0.08", "0.09"))
    assert read_rates(path) is None


def test_an_absent_file_is_not_known_yet(tmp_path: Path) -> None:
    assert read_rates(tmp_path / "rates.json") is None


@pytest.mark.parametrize("records", [(), (trial(1, CACHED, work=1e6, seconds=(1.0,)),)])
def test_trials_that_found_everything_stored_measure_no_rate(
    records: tuple[TrialRecord, ...],
) -> None:
    assert measured_rates(records, 60) is None


def test_a_file_of_a_version_that_scaled_to_other_layers_is_not_known(tmp_path: Path) -> None:
    path = tmp_path / "rates.json"
    write_rates(path, RATES)
    document = read_json(path)
    document["seconds_frozen"] = document.pop("seconds_skipped")
    write_json(path, document)
    assert read_rates(path) is None


def test_an_epochs_seconds_are_kept_by_unfreeze_point() -> None:
    slow = trial(0, replace(PASS, seconds_total=120.0), work=2e6, seconds=(1.0, 1.0))
    slow = replace(slow, cost=replace(slow.cost, seconds_features=20.0))
    head = replace(slow.config, unfreeze="head")
    fast = trial(1, Cost(seconds_total=3.0), work=2e6, seconds=(1.0,))
    rates = measured_rates([slow, replace(fast, config=head)], 50)
    assert rates is not None
    assert rates.by_point == {slow.config.unfreeze: 100 / 2 / 50, "head": 3 / 1 / 50}


@pytest.mark.parametrize("work", [0.0, 1e6, 4e6])
def test_layers_that_no_pass_went_through_exactly_are_not_measured(work: float) -> None:
    other = trial(1, CACHED, work=work, seconds=(1.0,))
    records = [trial(0, PASS, work=2e6, seconds=(1.0,)), other]
    assert seconds_skipped(other, timed_passes(records)) is None
    rates = measured_rates(records, 60)
    assert rates is not None
    assert rates.seconds_skipped is None


def test_tracing_and_waiting_are_no_part_of_a_passs_rate() -> None:
    own = trial(0, PASS, work=2e6, seconds=())
    assert seconds_skipped(own, timed_passes([own])) == pytest.approx(0.1)


def test_rates_are_means_over_the_trials_and_over_epochs_that_traced_nothing() -> None:
    deep = trial(0, PASS, work=2e6, seconds=(99.0, 1.0, 2.0))
    again = trial(1, CACHED, work=2e6, seconds=(99.0, 3.0))
    rates = measured_rates([deep, again], 50)
    assert rates is not None
    assert rates.seconds_pass == pytest.approx(0.1)
    assert rates.seconds_skipped == pytest.approx(0.1)
    assert rates.seconds_step == pytest.approx(2.0 / 50)
    assert rates.bytes_stored == pytest.approx(50.0)


def test_the_only_epoch_counts() -> None:
    rates = measured_rates([trial(0, PASS, work=1e6, seconds=(5.0,))], 50)
    assert rates is not None
    assert rates.seconds_step == pytest.approx(0.1)


@pytest.mark.parametrize(
    "other",
    [
        replace(CONDITIONS, backbone="VGG19"),
        replace(CONDITIONS, image_size=151),
        replace(CONDITIONS, batch_size=16),
        replace(CONDITIONS, numbers=("float32", "float16", "")),
        replace(CONDITIONS, cpus=4),
        replace(CONDITIONS, device=("cpu", "EPYC")),
        replace(CONDITIONS, onednn="0"),
    ],
)
def test_other_conditions_have_other_rates(tmp_path: Path, other: Conditions) -> None:
    untimed = replace(RATES, seconds_skipped=None)
    write_rates(CONDITIONS.path(tmp_path), untimed)
    assert read_rates(replace(CONDITIONS).path(tmp_path)) == untimed
    assert read_rates(other.path(tmp_path)) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "No such file"),
        ("", "something else"),
        ("[]", "something else"),
        ("[" * 100_000, "something else"),
        (json.dumps(asdict(RATES)), "something else"),  # one backbone's, as a cache keeps it
        (json.dumps({"VGG16": {**asdict(RATES), "watts": 1}}), "something else"),
        (json.dumps({"VGG16": {**asdict(RATES), "seconds_step": True}}), "something else"),
        (json.dumps({"VGG16": {**asdict(RATES), "seconds_step": -1}}), "from 0 up"),
        (json.dumps({"VGG16": {**asdict(RATES), "seconds_pass": math.nan}}), "from 0 up"),
        (json.dumps({"VGG16": {**asdict(RATES), "by_point": {"head": -1}}}), "from 0 up"),
        (json.dumps({"Xception": asdict(RATES)}), "got none of VGG16"),
    ],
)
def test_a_rate_file_that_is_missing_foreign_or_incomplete_is_refused_in_one_line(
    tmp_path: Path, text: str | None, told: str
) -> None:
    path = tmp_path / "rates.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageRefusal, match=told) as refused:
        read_rate_file(path, ["VGG16"])
    assert len(str(refused.value).splitlines()) == 1
    assert str(path) in str(refused.value)


def test_a_rate_file_gives_the_rates_of_its_backbones(tmp_path: Path) -> None:
    path = tmp_path / "rates.json"
    untimed = replace(RATES, seconds_skipped=None)
    path.write_text(json.dumps({"VGG16": asdict(RATES), "Xception": asdict(untimed)}))
    assert read_rate_file(path, ["VGG16"]) == {"VGG16": RATES, "Xception": untimed}
