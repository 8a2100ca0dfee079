"""Any record survives JSON."""

from __future__ import annotations

import dataclasses
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from results.ledger.anatomy import Anatomy
from results.ledger.records import Cost, EpochRecord, Status, TrialRecord
from results.ledger.run_record import RunRecord
from results.ledger.runs import DataRecord, Rejected
from results.ledger.serialise import from_json, to_json
from search_spaces import paper
from search_spaces.backbones import NAMES
from tests.results.helpers import make_run_record

TRIAL = "Xception/baseline"

numbers = st.floats(allow_nan=False, allow_infinity=False)
counts = st.integers(0, 10**9)
records = st.builds(
    TrialRecord,
    number=st.integers(0, 120),
    status=st.sampled_from(Status),
    config=st.builds(paper.baseline, st.sampled_from(NAMES), seed=st.integers(0, 2**31)),
    epochs=st.lists(st.builds(EpochRecord, st.integers(1, 99), *[numbers] * 6), max_size=4).map(
        tuple
    ),
    best_epoch=st.none() | st.integers(1, 99),
    validation_accuracy=st.none() | numbers,
    validation_loss=st.none() | numbers,
    cost=st.builds(Cost, numbers, numbers, numbers, counts, counts, counts),
    anatomy=st.none()
    | st.builds(
        Anatomy,
        *[counts] * 5,
        st.text(max_size=20),
        st.lists(st.text(max_size=20), max_size=3).map(tuple),
        counts,
    ),
    weights_sha256=st.text(max_size=64),
    error=st.text(max_size=50),
)


@given(records)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_any_record_comes_back_as_it_was(record: TrialRecord) -> None:
    assert from_json(TrialRecord, json.loads(json.dumps(to_json(record)))) == record


def test_a_record_of_a_version_that_counted_less_is_read() -> None:
    record = TrialRecord(0, Status.COMPLETED, paper.baseline("Xception"))
    anatomy = Anatomy(1, 2, 3, 4, 5, "", (), 0)
    values = to_json(dataclasses.replace(record, anatomy=anatomy))
    for part, key in (
        ("anatomy", "multiply_adds_frozen"),
        ("anatomy", "multiply_adds_trained"),
        ("cost", "multiply_adds_prefix"),
        ("cost", "seconds_prefix"),
    ):
        assert values[part].pop(key) == 0
    assert from_json(TrialRecord, values).anatomy == anatomy


@given(
    st.lists(st.text(max_size=30), min_size=2, max_size=4).map(tuple),
    st.lists(st.builds(Rejected, st.text(), st.text()), max_size=2).map(tuple),
)
@settings(max_examples=40, deadline=None)
def test_any_run_record_comes_back_as_it_was(
    classes: tuple[str, ...], rejected: tuple[Rejected, ...]
) -> None:
    base = make_run_record(classes, (TRIAL,))
    data = DataRecord("n", "s", "d", classes, 75, 9, rejected=rejected, conflicts=("a = b",))
    record = RunRecord(**{**vars(base), "data": data})
    assert from_json(RunRecord, json.loads(json.dumps(to_json(record)))) == record


def test_a_trial_takes_less_once_its_features_are_stored_and_its_network_is_traced() -> None:
    epochs = [EpochRecord(at, 1.0, 0.5, 1.0, 0.5, 1e-3, took) for at, took in enumerate((5, 2, 2))]
    cost = Cost(seconds_features=4.0, seconds_total=15.0)
    record = TrialRecord(0, Status.COMPLETED, paper.baseline("VGG16"), tuple(epochs), cost=cost)
    assert (record.seconds_traced, record.seconds_per_epoch) == (8.0, 8.0 / 3)
    assert dataclasses.replace(record, epochs=tuple(epochs[:1])).seconds_traced == 11.0
    assert dataclasses.replace(record, epochs=()).seconds_traced == 11.0
