"""What a run is asked to do: typed comes before preset, and a resume must agree with both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from results.ledger.serialise import from_json
from search_spaces.backbones import HEAD, PAPER_NAMES, backbone_named
from search_spaces.presets import (
    DEMONSTRATION,
    PAPER,
    cache_dir_known_as,
    default_cache_dir,
)
from search_spaces.refusals import UsageRefusal
from search_spaces.settings import Settings
from search_spaces.space import Categorical, LogUniform
from search_spaces.spaces import NAMED_SPACES, NamedSpace
from sweep.terminal.arguments import (
    most_trials,
    parse_arguments,
    refuse_contradictions,
    settings_from,
)
from tests.sweep.helpers import settings

SINCE_THEN = {
    "precision": "float32",
    "jit_compile": False,
    "class_weights": "none",
    "duplicates": "group",
    "metric": "accuracy",
    "ranges": {},
    "confirm": 0,
    "warm_start": (),
}
"""Settings that earlier versions did not record, and what they did."""

RECORDED = settings("--backbones", "xception,vgg16", "--trials", "5")


@pytest.mark.parametrize(
    ("backbones", "size", "named"),
    [("vgg16", 31, "VGG16"), ("xception", 70, "Xception"), ("all", 74, "InceptionV3")],
)
def test_photos_too_small_for_a_backbone_are_refused_by_its_name(
    backbones: str, size: int, named: str
) -> None:
    with pytest.raises(UsageRefusal) as refused:
        settings("--backbones", backbones, "--image-size", str(size))
    assert str(refused.value).startswith(f"{named} needs photos of at least")
    assert f"leave {named} out" in refused.value.fix


@pytest.mark.parametrize(
    ("words", "difference"),
    [
        ("--data cats_vs_dogs", "data was digits and is cats_vs_dogs"),
        ("--weights imagenet", "weights was random and is imagenet"),
        ("--backbones all", "backbones was"),
        ("--trials 4", "trials was 5 and is 4"),
        ("--trials 0", "trials was 5 and is 0"),
        ("--baseline-only", "trials was 5 and is 0"),
        ("--search learning_rate", "search was"),
        ("--early-stopping none", "early_stopping was True and is False"),
        ("--epochs 4", "epochs was 3 and is 4"),
        ("--batch-size 16", "batch_size was 32 and is 16"),
        ("--image-size 76", "image_size was 75 and is 76"),
        ("--seed 0", "seed was 42 and is 0"),
        ("--cache-dtype float16", "cache_dtype was float32 and is float16"),
        ("--precision mixed_float16", "precision was float32 and is mixed_float16"),
        ("--jit-compile", "jit_compile was False and is True"),
        ("--class-weights balanced", "class_weights was none and is balanced"),
        ("--duplicates drop", "duplicates was group and is drop"),
        ("--warm-start /old", "warm_start was () and is ('/old',)"),
        ("--space wide", "search was"),
        ("--space quick", "ranges was {} and is {'unfreeze': ('head',)}"),
    ],
)
def test_a_resume_with_another_argument_is_refused_by_its_name(words: str, difference: str) -> None:
    with pytest.raises(UsageRefusal) as refused:
        refuse_contradictions(parse_arguments(["--resume", "run", *words.split()]), RECORDED)
    assert difference in str(refused.value)
    assert str(refused.value).count(" was ") == 1


def test_a_resume_names_every_difference_at_once() -> None:
    words = "--resume run --epochs 4 --seed 1 --trials 5 --data here"
    typed = parse_arguments(words.split())
    with pytest.raises(UsageRefusal) as refused:
        refuse_contradictions(typed, RECORDED)
    line = str(refused.value)
    assert "epochs was 3 and is 4; seed was 42 and is 1" in line
    assert f"data was digits and is {Path.cwd() / 'here'}" in line
    assert "trials" not in line


@pytest.mark.parametrize(
    "words",
    [
        "",
        "--trials 5 --epochs 3 --seed 42 --data digits --weights random",
        "--backbones VGG16,xception",
        "--trials 6",
        "--early-stopping asha --cache-dtype float32",
        "--max-concurrent 9 --time-budget 1h --max-disk 1GB --cpus-per-trial 4 --plan --verbose",
    ],
)
def test_a_resume_that_repeats_what_was_typed_is_accepted(words: str) -> None:
    refuse_contradictions(parse_arguments(["--resume", "run", *words.split()]), RECORDED)


@pytest.mark.parametrize("key", sorted(RECORDED.to_dict().keys() - SINCE_THEN.keys()))
def test_a_run_of_another_version_is_refused(key: str) -> None:
    values = RECORDED.to_dict()
    del values[key]
    with pytest.raises(ValueError, match=key):
        from_json(Settings, values)


def test_a_resume_of_a_compiled_run_need_not_say_so_again() -> None:
    refuse_contradictions(parse_arguments(["--resume", "run"]), settings("--jit-compile"))


def test_a_run_from_before_there_was_a_choice_of_numerics_keeps_what_it_did() -> None:
    values = RECORDED.to_dict()
    older = {name: value for name, value in values.items() if name not in SINCE_THEN}
    assert from_json(Settings, older) == RECORDED
    assert {name: values[name] for name in SINCE_THEN} == SINCE_THEN


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", {"backbones": PAPER_NAMES, "trials": 20, "epochs": 10, "image_size": 150, "seed": 42}),
        ("", {"data": "cats_vs_dogs", "weights": "imagenet", "early_stopping": True}),
        ("--baseline-only", {"trials": 0}),
        ("--trials 0", {"trials": 0}),
        ("--seed 0", {"seed": 0}),
        ("--early-stopping none", {"early_stopping": False}),
        ("", {**SINCE_THEN, "confirm": 3}),
        ("--confirm 0", {"confirm": 0}),
        ("--precision mixed_float16 --jit-compile", {"precision": "mixed_float16"}),
        ("--precision mixed_float16 --jit-compile", {"jit_compile": True}),
        ("--data digits", {"data": "digits"}),
        ("--data photos", {"data": str(Path.cwd() / "photos")}),
        ("--data ./digits", {"data": str(Path.cwd() / "digits")}),
        ("--data /p/../q", {"data": "/p/../q"}),
        ("--weights ~/w", {"weights": str(Path.home() / "w")}),
        ("--warm-start old,/b,old", {"warm_start": (str(Path.cwd() / "old"), "/b")}),
    ],
)
def test_what_is_typed_comes_before_the_preset(words: str, expected: dict[str, Any]) -> None:
    found = settings_from(parse_arguments(words.split()), PAPER).to_dict()
    assert {name: found[name] for name in expected} == expected


def test_all_baselines_come_first_and_then_round_after_round() -> None:
    planned = settings("--backbones", "xception,vgg16", "--trials", "2").planned
    assert tuple(trial.name for trial in planned) == (
        "VGG16/baseline",
        "Xception/baseline",
        "VGG16/t01",
        "Xception/t01",
        "VGG16/t02",
        "Xception/t02",
    )


@pytest.mark.parametrize(
    ("words", "all_points"),
    [
        ("--trials 1", True),
        ("--trials 1 --search learning_rate,unfreeze", True),
        ("--trials 1 --search learning_rate", False),
        ("--baseline-only", False),
    ],
)
def test_trials_may_visit_all_points_only_where_unfreezing_is_searched(
    words: str, all_points: bool
) -> None:
    found = settings("--backbones", "xception", *words.split()).points
    entry = backbone_named("Xception")
    assert found == {"Xception": entry.points if all_points else (entry.baseline_unfreeze,)}


def test_a_baseline_has_the_runs_own_sizes() -> None:
    point = settings("--epochs", "7", "--batch-size", "5", "--seed", "3").baseline("VGG16")
    assert (point.epochs, point.batch_size, point.image_size, point.seed) == (7, 5, 75, 3)


@pytest.mark.parametrize(
    ("words", "most"),
    [
        ("", 6 * 21),
        ("--baseline-only", 6),
        ("--trials 0 --backbones vgg16", 1),
        ("--trials 3 --backbones vgg16,xception", 8),
    ],
)
def test_the_most_trials_hold_for_every_preset(words: str, most: int) -> None:
    typed = parse_arguments(words.split())
    assert most_trials(typed) == most
    for preset in (PAPER, DEMONSTRATION):
        assert len(settings_from(typed, preset).planned) <= most


def test_a_baseline_in_the_box_is_not_searched_again_whatever_it_has_that_changes_nothing(
    tmp_path: Path,
) -> None:
    box = tmp_path / "box.toml"
    box.write_text('[optimizer]\nchoices = ["adam", "sgd"]\n[momentum]\nchoices = [0.0, 0.8]\n')
    found = settings("--backbones", "vgg16", "--trials", "9", "--space", str(box))
    assert found.space.size("VGG16") == 3
    assert found.searched("VGG16") == 2  # the third is the baseline: Adam, which has no momentum


def test_the_demonstrations_ranges_give_way_to_a_named_space() -> None:
    plain = settings_from(parse_arguments([]), DEMONSTRATION)
    assert plain.ranges == DEMONSTRATION.ranges
    assert Categorical("unfreeze", (HEAD,)) in plain.space.dimensions("VGG16")
    named = settings_from(parse_arguments(["--space", "standard"]), DEMONSTRATION)
    assert named.ranges == {}
    assert settings_from(parse_arguments([]), PAPER).ranges == {}


def test_a_run_with_the_demonstrations_ranges_is_read_back_as_it_was() -> None:
    plain = settings_from(parse_arguments([]), DEMONSTRATION)
    stored = json.loads(json.dumps(plain.to_dict()))
    assert from_json(Settings, stored) == plain


def test_the_cache_is_the_platforms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert default_cache_dir() == Path("/somewhere/transfer-sweep")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert default_cache_dir() == Path.home() / ".cache/transfer-sweep"


@pytest.mark.parametrize("recorded", ["", "/no/such/folder"])
def test_a_run_without_a_cache_folder_here_has_this_machines(recorded: str) -> None:
    assert cache_dir_known_as(recorded) == default_cache_dir()


def test_a_space_gives_what_varies_and_how_far_and_is_recorded() -> None:
    recorded = settings("--space", "quick", "--trials", "3")
    assert from_json(Settings, json.loads(json.dumps(recorded.to_dict()))) == recorded
    assert recorded.search == ("learning_rate", "optimizer", "unfreeze", "scaling")
    [unfreeze] = [one for one in recorded.space.dimensions("VGG16") if one.name == "unfreeze"]
    assert unfreeze == Categorical("unfreeze", ("head",))
    entry = backbone_named("VGG16")
    assert set(recorded.points["VGG16"]) == {"head", entry.baseline_unfreeze}
    refuse_contradictions(parse_arguments(["--resume", "run", "--space", "quick"]), recorded)


def test_a_search_beside_a_space_picks_the_dimensions_and_keeps_the_spaces_bounds(
    tmp_path: Path,
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[learning_rate]\nlow = 1e-4\n[optimizer]\n")
    chosen = settings("--space", str(path), "--search", "learning_rate,scaling")
    assert chosen.search == ("learning_rate", "scaling")
    assert chosen.space.dimensions("VGG16")[0] == LogUniform("learning_rate", 1e-4, 1e-2)


def test_standard_is_what_is_searched_without_a_word() -> None:
    assert settings("--space", "standard") == settings()


def test_the_papers_space_has_the_baseline_and_its_own_scaling_alone() -> None:
    chosen = settings("--space", "paper", "--backbones", "vgg16,convnexttiny", "--trials", "9")
    assert [trial.name for trial in chosen.planned] == [
        *("VGG16/baseline", "ConvNeXtTiny/baseline", "VGG16/t01")
    ]


@pytest.mark.parametrize(
    "words", ["--backbones vgg16 --search momentum", "--backbones xception --search head,dropout"]
)
def test_a_search_that_can_change_nothing_is_refused(words: str) -> None:
    with pytest.raises(UsageRefusal, match="must change something") as refused:
        settings(*words.split(), "--trials", "2")
    assert "optimizer" in refused.value.fix


@pytest.mark.parametrize("named", NAMED_SPACES, ids=lambda named: named.name)
def test_the_command_of_a_named_space_asks_for_it(named: NamedSpace) -> None:
    assert parse_arguments(named.command.split()[2:]).space == named.space
