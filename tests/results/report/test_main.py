"""`python -m results`: refusals in one line, the report re-made, rates."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest

from results.__main__ import main
from results.ledger.rates import read_rate_file
from results.ledger.verify import verify
from search_spaces.refusals import DataRefusal, EnvironmentRefusal, UsageRefusal
from tests.results.helpers import SMALL, Trial, make_run

TRIALS = (Trial("VGG16", 0, skill=0.7), Trial("VGG16", 1, skill=0.9), Trial("Xception", 0))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "RUN"),
        (["nowhere"], "there is no run here"),
        (["--unknown"], "RUN"),
        (["one", "two"], "unrecognized arguments: two"),
        (["run", "--tables", "none"], "--tables"),
        (["compare"], "RUN"),
        (["compare", "nowhere"], "RUN"),
        (["compare", "nowhere", "neither"], "there is no run here"),
        (["rates", "nowhere"], "there is no run here"),
    ],
)
def test_a_wrong_command_is_refused_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert main(arguments) == UsageRefusal.exit_code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert told in err


def test_damage_has_the_exit_code_of_its_refusal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_run(tmp_path, TRIALS)
    (folder.trial("VGG16/t01") / "predictions.npz").unlink()
    assert main([str(tmp_path)]) == EnvironmentRefusal.exit_code != DataRefusal.exit_code
    assert "predictions.npz" in capsys.readouterr().err


def test_what_trials_took_is_printed_as_a_rate_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_run(tmp_path, TRIALS)
    assert main(["rates", str(tmp_path)]) == UsageRefusal.exit_code
    assert "this one read them all from the store" in capsys.readouterr().err
    for record in folder.records():
        if record.backbone == "VGG16":
            cost = dataclasses.replace(record.cost, seconds_prefix=5.2)
            folder.write_record(dataclasses.replace(record, cost=cost))
    assert main(["rates", str(tmp_path)]) == 0
    (tmp_path / "rates.json").write_text(capsys.readouterr().out)
    [(name, rates)] = read_rate_file(tmp_path / "rates.json", ["VGG16"]).items()
    assert name == "VGG16"
    assert rates.seconds_pass == pytest.approx(5.2 / 52)
    assert rates.seconds_step == pytest.approx(1.25 / SMALL["train"])


def test_a_run_without_a_trial_is_not_said_to_have_read_all_features_from_the_store(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_run(tmp_path, [])
    assert main(["rates", str(tmp_path)]) == UsageRefusal.exit_code
    assert "or trained nothing" in capsys.readouterr().err


def test_a_report_is_made_again_from_the_ledger(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_run(tmp_path, TRIALS)
    assert main([str(tmp_path)]) == 0
    assert folder.summary_json.is_file()
    assert (folder.report / "tables" / "trials.csv").is_file()
    assert verify(folder).faults == ()
    assert "Best per backbone" in capsys.readouterr().out


def test_all_tables_are_printed_to_those_who_ask(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_run(tmp_path, TRIALS)
    outputs = {}
    for tables in ("short", "all"):
        assert main([str(tmp_path), "--tables", tables]) == 0
        outputs[tables] = capsys.readouterr().out
    assert "Cost per backbone" not in outputs["short"]
    assert "Cost per backbone" in outputs["all"]
    assert "Table 13" in outputs["all"]


def test_a_report_is_made_well_though_nobody_reads_what_is_printed(tmp_path: Path) -> None:
    folder = make_run(tmp_path, TRIALS)
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "results", str(tmp_path)],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")
    assert folder.report_html.is_file()


def test_help_answers(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    assert "RUN" in capsys.readouterr().out


def test_neither_ray_nor_tensorflow_is_loaded(tmp_path: Path) -> None:
    make_run(tmp_path, TRIALS)
    code = (
        "import sys\nfrom results.__main__ import main\nassert main(sys.argv[1:]) == 0\n"
        "print({'ray', 'tensorflow', 'keras', 'optuna'} & set(sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], check=True, capture_output=True, text=True
    )
    assert done.stderr == "set()\n"


def test_the_ledger_is_read_without_scikit_learn_or_rich() -> None:
    code = (
        "import sys\nimport results.ledger.store, results.scores.summary\n"
        "print({'sklearn', 'rich', 'matplotlib', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "set()\n"
