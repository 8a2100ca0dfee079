"""A run that is resumed with more trials than it had."""

from __future__ import annotations

import dataclasses

import pytest

from tests.results.helpers import make_run_record


@pytest.mark.parametrize(("asked", "trials"), [(None, 2), (0, 2), (2, 2), (3, 3), (30, 30)])
def test_a_resume_may_ask_for_more_trials_and_changes_nothing_else(
    asked: int | None, trials: int
) -> None:
    recorded = make_run_record(("cat", "dog"), ("VGG16/baseline",))
    recorded = dataclasses.replace(
        recorded, settings=dataclasses.replace(recorded.settings, trials=2)
    )
    raised = recorded.with_more_trials(asked)
    assert raised.settings == dataclasses.replace(recorded.settings, trials=trials)
    if trials == 2:
        assert raised == recorded
    else:
        assert raised.planned == raised.settings.planned
        assert (
            dataclasses.replace(raised, settings=recorded.settings, planned=recorded.planned)
            == recorded
        )
