"""What a child process is told: the oneDNN setting, and where our code is."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from pathlib import Path

import pytest

from search_spaces.refusals import UsageRefusal
from sweep.process import environment
from sweep.process.environment import (
    HOME,
    ONEDNN,
    module_of_ours,
    path_to_our_code,
    run_onednn,
    with_onednn,
)


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


def test_our_modules_start_in_a_folder_that_has_modules_of_the_same_name(tmp_path: Path) -> None:
    for name in ("results", "trainables", "argparse"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the user's')")
    done = subprocess.run(
        module_of_ours("trainables", "--help"),
        cwd=tmp_path,
        env={**os.environ, **path_to_our_code()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.suffix for path in tmp_path.iterdir()] == [".py"] * 3


def test_the_users_own_path_stays_behind_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/theirs")
    assert path_to_our_code() == {"PYTHONPATH": os.pathsep.join([str(HOME), "/theirs"])}
    monkeypatch.delenv("PYTHONPATH")
    assert path_to_our_code() == {"PYTHONPATH": str(HOME)}


def test_installed_code_is_found_without_site_packages_before_the_standard_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(environment, "HOME", Path(sysconfig.get_path("purelib")).resolve())
    assert path_to_our_code() == {}
