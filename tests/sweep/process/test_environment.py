"""The oneDNN setting: what the user's environment may say, and what a child process is told."""

from __future__ import annotations

import os

import pytest

from search_spaces.refusals import UsageRefusal
from sweep.process.environment import ONEDNN, typed_onednn, with_onednn


@pytest.mark.parametrize("typed", ["2", "true", "yes", " ", "01"])
def test_a_onednn_setting_that_is_neither_0_nor_1_is_refused_by_name(typed: str) -> None:
    with pytest.raises(UsageRefusal, match=f"must be 0 or 1.*got '{typed}'") as refused:
        typed_onednn({ONEDNN: typed})
    assert refused.value.where == "TF_ENABLE_ONEDNN_OPTS"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [({}, None), ({ONEDNN: ""}, None), ({ONEDNN: "0"}, "0"), ({ONEDNN: "1"}, "1")],
)
def test_a_onednn_setting_is_taken_from_the_environment(
    environment: dict[str, str], expected: str | None
) -> None:
    assert typed_onednn(environment) == expected


def test_a_child_gets_the_setting_beside_everything_else() -> None:
    assert with_onednn("0") == {**os.environ, ONEDNN: "0"}
    assert with_onednn("1") == {**os.environ, ONEDNN: "1"}


def test_a_run_that_chose_no_setting_leaves_the_environments() -> None:
    assert with_onednn(None) == dict(os.environ)
