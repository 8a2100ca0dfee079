"""Settings from flags, environment and file: who comes first, what is refused, what is printed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as with_settings
from hypothesis import strategies as st

from run_sweep import main
from search_spaces.presets import DEMONSTRATION, PAPER
from search_spaces.refusals import UsageRefusal
from search_spaces.settings import FLAGS
from sweep.terminal.arguments import (
    parse_arguments,
    preset_of,
    refuse_contradictions,
    settings_from,
)
from sweep.terminal.printed import as_toml
from tests.sweep.helpers import settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sweep.toml"


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("epochs = 0", "epochs in"),
        ("epochs = 1.5", "a whole number"),
        ("epochs = 'ten'", "got 'ten'"),
        ("epochs = true", "got True"),
        ("epochs = [5]", "got [5]"),
        ("epochs = 1979-05-27", "datetime.date"),
        ("epochs = nan", "got 'nan'"),
        ("[epochs]\nn = 5", "got {'n': 5}"),
        ("epoch = 5", "Did you mean epochs?"),
        ("batch-sizes = 5", "Did you mean batch_size?"),
        ("'' = 5", "there is no setting ''"),
        ("batch_size = 5\nbatch-size = 5", "batch_size twice"),
        ("backbones = ['vgg17']", "Did you mean VGG16?"),
        ("backbones = []", "backbones in"),
        ("backbones = ['vgg16', 5]", "a list of names"),
        ("overwrite = 1", "true or false"),
        ("overwrite = 'yes'", "true or false"),
        ("jit_compile = 'yes'", "true or false"),
        ("data = ''", "a name or a path"),
        ("data = '--'", "data in"),
        ('data = "a\\u0000b"', "a text"),
        ("max_cache = 20", "20GB"),
        ("resume = 'runs/a'", "belongs on the command line"),
        ("print-config = true", "belongs on the command line"),
        ("help = true", "belongs on the command line"),
        ("config = 'b.toml'", "belongs on the command line"),
        ("baseline_only = true\ntrials = 5", "--baseline-only"),
        ("space = 'quik'", "Did you mean quick?"),
        ("epochs = ", "TOML"),
        ("a = " + "[" * 5000, "TOML"),
        ("epochs = 5\nepochs = 6", "TOML"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_in_one_line(
    file: Path, capsys: pytest.CaptureFixture[str], content: str, named: str
) -> None:
    file.write_text(content)
    assert main(["--print-config", "--config", str(file)]) == 2
    shown = capsys.readouterr()
    assert (shown.out, len(shown.err.splitlines())) == ("", 1)
    assert named in shown.err
    assert len(shown.err) < 1000


def test_a_file_that_cannot_be_read_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "latin1.toml").write_bytes(b"data = '\xe4'")
    for name in ("missing.toml", "latin1.toml", ""):
        with pytest.raises(UsageRefusal, match="TOML") as refused:
            parse_arguments(["--config", str(tmp_path / name)])
        assert str(tmp_path / name).rstrip("/") in str(refused.value)


@pytest.mark.parametrize(
    ("variable", "text", "named"),
    [
        ("TRANSFER_SWEEP_EPOCH", "5", "Did you mean epochs?"),
        ("TRANSFER_SWEEP_", "5", "there is no setting ''"),
        ("TRANSFER_SWEEP_EPOCHS", "0", "TRANSFER_SWEEP_EPOCHS"),
        ("TRANSFER_SWEEP_EPOCHS", " ", "TRANSFER_SWEEP_EPOCHS"),
        ("TRANSFER_SWEEP_OVERWRITE", "perhaps", "true or false"),
        ("TRANSFER_SWEEP_PLAN", "1", "belongs on the command line"),
        ("TRANSFER_SWEEP_CONFIG", "/no/such.toml", "/no/such.toml"),
    ],
)
def test_a_variable_that_does_not_fit_is_refused_by_its_name(
    variable: str, text: str, named: str
) -> None:
    with pytest.raises(UsageRefusal) as refused:
        parse_arguments([], {variable: text})
    assert named in str(refused.value)


def test_flags_come_before_the_environment_and_this_before_the_file(file: Path) -> None:
    file.write_text("epochs = 1\ntrials = 1\nseed = 1\noverwrite = true\n")
    around = {
        "TRANSFER_SWEEP_EPOCHS": "2",
        "TRANSFER_SWEEP_TRIALS": "2",
        "TRANSFER_SWEEP_OVERWRITE": "off",
        "TRANSFER_SWEEP_IMAGE_SIZE": "",
        "TRANSFER_SWEEPS": "of another program",
    }
    found = parse_arguments(["--epochs", "3", "--config", str(file)], around)
    assert (found.epochs, found.trials, found.seed, found.overwrite) == (3, 2, 1, False)
    settled = settings_from(found, DEMONSTRATION)
    assert (settled.epochs, settled.seed) == (3, 1)
    assert settled.image_size == DEMONSTRATION.image_size
    by_variable = parse_arguments([], {"TRANSFER_SWEEP_CONFIG": str(file)})
    assert (by_variable.epochs, by_variable.overwrite) == (1, True)


def test_what_comes_first_goes_with_what_it_contradicts(file: Path) -> None:
    file.write_text("trials = 5\nrun_dir = 'runs/a'\nepochs = 4\n")
    alone = parse_arguments(["--baseline-only", "--config", str(file)])
    assert (alone.trials, alone.epochs) == (None, 4)
    resumed = parse_arguments(["--resume", "runs/b", "--config", str(file)])
    assert (resumed.run_dir, resumed.epochs) == (None, 4)
    file.write_text("baseline_only = true")
    assert not parse_arguments(["--trials", "5", "--config", str(file)]).baseline_only


def test_a_resume_says_which_variable_or_file_asks_for_something_else(file: Path) -> None:
    file.write_text("seed = 1")
    found = parse_arguments(
        ["--resume", "run", "--config", str(file)], {"TRANSFER_SWEEP_EPOCHS": "9"}
    )
    with pytest.raises(UsageRefusal) as refused:
        refuse_contradictions(found, settings())
    assert "epochs was 3 and is 9 (TRANSFER_SWEEP_EPOCHS)" in str(refused.value)
    assert f"seed was 42 and is 1 (seed in {file})" in str(refused.value)


def test_what_depends_on_the_network_is_printed_as_a_comment() -> None:
    printed = as_toml(parse_arguments(["--seed", "7"], {"TRANSFER_SWEEP_TRIALS": "2"}))
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    assert "seed = 7 # --seed" in lines
    assert "trials = 2 # TRANSFER_SWEEP_TRIALS" in lines
    assert any(line.startswith('# data = "cats_vs_dogs"') for line in lines)
    assert 'early_stopping = "asha" # default' in lines
    known = as_toml(parse_arguments(["--data", "digits"]))
    assert f"image_size = {DEMONSTRATION.image_size} " in known


def test_settings_that_do_not_fit_each_other_are_not_printed() -> None:
    with pytest.raises(UsageRefusal, match="pixels"):
        as_toml(parse_arguments(["--image-size", "10"]))


def test_a_path_that_is_no_text_is_refused_wherever_it_is_given() -> None:
    with pytest.raises(UsageRefusal, match="UTF-8"):
        parse_arguments(["--data", "photos-\udcff"])
    with pytest.raises(UsageRefusal, match=r"UTF-8.*TRANSFER_SWEEP_DATA"):
        parse_arguments([], {"TRANSFER_SWEEP_DATA": "photos-\udcff"})


PATHS = st.text(min_size=1, max_size=12).filter(
    lambda text: text.strip() and "\0" not in text and "~" not in text and text != "--"
)
WORDS = {
    "data": PATHS,
    "weights": PATHS,
    "run_dir": PATHS,
    "address": PATHS,
    "backbones": st.sampled_from(["all", "vgg16", "ResNet50,vgg16", "modern"]),
    "search": st.sampled_from(["optimizer", "learning_rate,optimizer,dropout"]),
    "space": st.sampled_from(["quick", "wide"]),
    "max_cache": st.sampled_from(["20GB", "1.5 tb"]),
    "time_budget": st.sampled_from(["2h", "90s"]),
    "gpus_per_trial": st.sampled_from(["0", "0.5", "2", ".5"]),
    "max_concurrent": st.integers(1, 9).map(str),
    "early_stopping": st.sampled_from(["asha", "none"]),
    "cache_dtype": st.sampled_from(["float16", "float32"]),
    "precision": st.sampled_from(["float32", "mixed_bfloat16"]),
    "warm_start": st.sampled_from(["runs/one", "runs/one, ~/two"]),
    "class_weights": st.sampled_from(["none", "balanced"]),
    "trials": st.integers(0, 10_000).map(str),
    "epochs": st.integers(1, 10_000).map("+{}".format),
    "batch_size": st.integers(1, 60_000).map(str),
    "image_size": st.integers(75, 4096).map(str),
    "seed": st.integers(0, 10**8).map(str),
}
SWITCHES = st.lists(st.sampled_from(["--jit-compile", "--overwrite", "--tensorboard"]), unique=True)


@with_settings(deadline=None)  # other work on the machine is no fault
@given(st.fixed_dictionaries({}, optional=WORDS), SWITCHES, st.booleans())
def test_what_is_printed_is_read_back_as_the_same_settings(
    tmp_path_factory: pytest.TempPathFactory,
    words: dict[str, str],
    switches: list[str],
    baseline_only: bool,
) -> None:
    if baseline_only:
        words = {name: words[name] for name in words if name not in ("trials", "search", "space")}
        switches = [*switches, "--baseline-only"]
    typed = [f"--{name.replace('_', '-')}={word}" for name, word in words.items()]
    path = tmp_path_factory.getbasetemp() / "printed.toml"
    before = parse_arguments([*typed, *switches])
    printed = as_toml(before)
    path.write_text(printed, encoding="utf-8")
    after = parse_arguments(["--config", str(path)])
    preset = preset_of(before)
    for chosen in (PAPER, DEMONSTRATION) if preset is None else (preset,):
        assert settings_from(after, chosen) == settings_from(before, chosen)
    others = set(vars(before)) - {"given", "config", *FLAGS}
    assert {name: getattr(after, name) for name in others} == {
        name: getattr(before, name) for name in others
    }
    path.write_text(as_toml(after), encoding="utf-8")
    assert vars(parse_arguments(["--config", str(path)])) == vars(after)


@pytest.mark.parametrize("name", [*FLAGS])
def test_every_setting_is_printed_as_its_usual_value_and_read_back(name: str, file: Path) -> None:
    file.write_text(as_toml(parse_arguments(["--data", "digits"])))
    found = parse_arguments(["--config", str(file)])
    assert name in found.given
    assert preset_of(found) is DEMONSTRATION
    assert settings_from(found, DEMONSTRATION) == settings_from(
        parse_arguments(["--data", "digits"]), DEMONSTRATION
    )
