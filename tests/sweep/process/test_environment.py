"""The oneDNN setting: what the user's environment may say, and what a child process is told."""

from __future__ import annotations

import os

import pytest

from search_spaces.refusals import UsageRefusal
from sweep.process.environment import ONEDNN, run_onednn, with_onednn


@pytest.mark.parametrize("typed", ["2", "true", "yes", " ", "01"])
def test_a_onednn_setting_that_is_neither_0_nor_1_is_refused_by_name(typed: str) -> None:
    with pytest.raises(UsageRefusal, match=f"must be 0 or 1.*got '{typed}'") as refused:
        run_onednn({ONEDNN: typed})
    assert refused.value.where == "TF_ENABLE_ONEDNN_OPTS"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({}, "1"), ({ONEDNN: ""}, "1"), ({ONEDNN: "0"}, "0"), ({ONEDNN: "1"}, "1")],
)
def test_onednn_is_on_unless_the_environment_says_otherwise(
    environment: dict[str, str], expected: str
) -> None:
    assert run_onednn(environment) == expected


def test_a_child_gets_the_setting_beside_everything_else() -> None:
    assert with_onednn("0") == {**os.environ, ONEDNN: "0"}
    assert with_onednn("1") == {**os.environ, ONEDNN: "1"}


def test_a_run_that_chose_no_setting_leaves_the_environments() -> None:
    assert with_onednn(None) == dict(os.environ)
