"""The learning rate of every step, in plain numbers."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces import paper

BASE = paper.baseline("VGG16", epochs=4)


@given(
    st.integers(0, 6), st.sampled_from(["constant", "cosine"]), st.integers(1, 9), st.integers(1, 5)
)
def test_no_step_is_above_the_rate_or_below_zero(
    warmup: int, schedule: str, steps: int, epochs: int
) -> None:
    config = dataclasses.replace(BASE, warmup=warmup, schedule=schedule, epochs=epochs)
    rates = [config.rate_at(step, steps) for step in range(epochs * steps)]
    assert all(0 <= rate <= config.learning_rate for rate in rates)
    rising = rates[: warmup * steps]
    assert rising == sorted(rising)
    assert rates[warmup * steps :] == sorted(rates[warmup * steps :], reverse=True)


def test_the_documented_rate_is_the_same_at_every_step() -> None:
    assert {BASE.rate_at(step, 3) for step in range(12)} == {5e-5}


def test_a_warm_up_is_over_when_its_epochs_are_and_a_cosine_ends_at_zero() -> None:
    config = dataclasses.replace(BASE, warmup=2, schedule="cosine")
    rates = [config.rate_at(step, 2) / 5e-5 for step in range(8)]
    assert rates[:4] == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert rates[5] == pytest.approx(0.5)
    assert rates[7] == pytest.approx(0.0, abs=1e-12)
