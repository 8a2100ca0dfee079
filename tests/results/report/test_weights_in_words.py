"""What a run's weights are called."""

from __future__ import annotations

from results.ledger.runs import WeightsSource
from results.report.format import weights_in_words


def test_random_weights_say_how_they_were_drawn() -> None:
    assert weights_in_words("random", [WeightsSource.RANDOM] * 2) == WeightsSource.RANDOM
    assert "mirrored pairs" in WeightsSource.RANDOM


def test_random_weights_of_earlier_versions_claim_nothing_new() -> None:
    assert weights_in_words("random", [WeightsSource.PLAIN_RANDOM]) == "random"
    assert weights_in_words("random", []) == "random"


def test_other_weights_are_named_as_given() -> None:
    assert weights_in_words("imagenet", [WeightsSource.KERAS]) == "imagenet"
    assert weights_in_words("/weights", [WeightsSource.UNKNOWN]) == "/weights"
