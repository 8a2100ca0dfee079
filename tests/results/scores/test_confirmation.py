"""Winners by fresh seeds: what a run's repeats say, and what is not looked at."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from results.ledger.records import Status
from results.report.sheets_confirmation import confirmed, in_a_sentence
from results.report.sheets_methods import test_opened as opened
from results.scores.confirmation_types import Told
from results.scores.evidence import read_evidence
from results.scores.recommendation import recommended
from results.scores.summary import summarise
from search_spaces.config import TrialId
from tests.results.confirmed_runs import LUCKY, a_run, confirmation, trial, trials


def test_an_unfinished_confirmation_names_no_winner_and_the_run_is_partial(tmp_path: Path) -> None:
    folder = a_run(tmp_path, trials()[:-1])
    summary, evidence = summarise(folder), read_evidence(folder)
    found = confirmation(folder)
    assert (found.winner, found.outcome, found.test) == ("", None, None)
    assert found.reason == "8 of 9 repeats are finished"
    assert (summary.complete, summary.trials.planned, summary.trials.finished) == (False, 12, 11)
    best = evidence.best("VGG16")
    assert best is not None
    assert best.trial == "VGG16/t01"
    assert not any("-s" in name for name in summary.test_opened)
    assert in_a_sentence(summary) == "Not confirmed: 8 of 9 repeats are finished."


def test_a_repeat_cut_by_the_time_budget_is_not_finished_but_cost_something(tmp_path: Path) -> None:
    made = trials()
    made[-1] = dataclasses.replace(made[-1], status=Status.OUT_OF_TIME)
    folder = a_run(tmp_path, made)
    summary = summarise(folder)
    assert not summary.complete
    assert confirmation(folder).reason == "8 of 9 repeats are finished"
    assert summary.costs.total.trials == 12


def test_a_search_that_the_time_budget_ended_has_a_verdict_and_the_run_is_partial(
    tmp_path: Path,
) -> None:
    made = [one for one in trials() if one.number != 2]
    folder = a_run(tmp_path, made)
    run = folder.read_run()
    left = TrialId("VGG16", 2)
    folder.write_run(dataclasses.replace(run, planned=(*run.planned, left)).with_more_trials(2))
    assert confirmation(folder).winner == ""
    folder.write_left_out([left])
    summary, found = summarise(folder), confirmation(folder)
    assert (found.winner, found.finished, found.planned) == ("VGG16/t01", 6, 6)
    assert found.outcome is not None
    assert not summary.complete


def test_while_the_search_goes_on_repeats_are_planned_at_most(tmp_path: Path) -> None:
    folder = a_run(tmp_path, trials()[:2])
    summary = summarise(folder)
    assert (summary.complete, summary.trials.planned) == (False, 2 + 9)
    assert confirmation(folder).trials == ()
    assert [row.values[0] for row in confirmed(summary).rows] == ["VGG16"]


def test_a_candidate_that_fails_on_a_seed_does_not_win(tmp_path: Path) -> None:
    made = trials()
    made[-1] = dataclasses.replace(made[-1], status=Status.FAILED)
    folder = a_run(tmp_path, made)
    found = confirmation(folder)
    assert found.winner == "VGG16/t01"
    assert [one.completed for one in found.trials] == [3, 3, 2]
    assert [one.validation is None for one in found.trials] == [False, False, True]
    assert (summarise(folder).complete, summarise(folder).trials.failed) == (True, 1)


def test_without_the_baseline_on_every_seed_there_is_a_winner_but_no_verdict(
    tmp_path: Path,
) -> None:
    made = trials()
    made[3] = dataclasses.replace(made[3], status=Status.FAILED)
    found = confirmation(a_run(tmp_path, made))
    assert (found.winner, found.outcome) == ("VGG16/t02", None)
    assert found.reason == "the baseline did not complete on every seed"


def test_with_one_candidate_there_is_nothing_to_repeat_and_the_run_is_complete(
    tmp_path: Path,
) -> None:
    made = [trial("VGG16", 0, LUCKY[0])]
    made += [trial("VGG16", number, LUCKY[number], status=Status.FAILED) for number in (1, 2)]
    folder = a_run(tmp_path, made)
    assert (summarise(folder).complete, confirmation(folder).planned) == (True, 0)
    assert confirmation(folder).reason == "fewer than two trials ran to their end"


def test_the_lucky_trial_is_not_the_winner_and_the_model_is_the_searchs_own(
    tmp_path: Path,
) -> None:
    folder = a_run(tmp_path, trials())
    summary, evidence = summarise(folder), read_evidence(folder)
    [backbone] = summary.backbones
    assert backbone.best is not None
    assert backbone.best.trial == "VGG16/t02" == recommended(evidence, None)
    assert (backbone.best.validation_accuracy, backbone.best.test_accuracy) == (0.9, 0.8)
    found = confirmation(folder)
    assert (found.winner, found.outcome) == ("VGG16/t02", Told.BETTER)
    winner = found.of("VGG16/t02")
    assert winner is not None
    assert winner.test is not None
    assert winner.test.mean == pytest.approx((188 - 2) / 200)
    assert winner.test.deviation == pytest.approx(1 / 200)
    assert found.test is not None
    assert found.test.difference == pytest.approx(28 / 200)
    assert found.test.interval.low > 0


def test_only_the_baselines_and_the_winners_fresh_test_answers_are_opened_and_told(
    tmp_path: Path,
) -> None:
    summary = summarise(a_run(tmp_path, trials()))
    again = [name for name in summary.test_opened if "-s" in name]
    assert again == [
        f"VGG16/{label}-s{seed}" for label in ("baseline", "t02") for seed in (1, 2, 3)
    ]
    loser = confirmation(a_run(tmp_path / "again", trials())).of("VGG16/t01")
    assert loser is not None
    assert (loser.test, loser.validation is None) == (None, False)
    assert "8 of 12 trials were read: VGG16 (baseline and s1 s2 s3, t02 and s1 s2 s3)" in opened(
        summary
    )


def test_repeats_are_no_trials_of_the_search(tmp_path: Path) -> None:
    summary = summarise(a_run(tmp_path, trials()))
    assert [row.trial for row in summary.rows] == ["VGG16/baseline", "VGG16/t01", "VGG16/t02"]
    assert len(summary.repeats) == 9
    assert summary.backbones[0].finished == 3
    assert (summary.trials.planned, summary.complete) == (12, True)


def test_repeats_of_candidates_that_a_resume_displaced_are_not_counted(tmp_path: Path) -> None:
    changes = {"learning_rate": 1e-5}
    better = dataclasses.replace(trial("VGG16", 3, (99, 160)), changes=changes)
    folder = a_run(tmp_path, [*trials(), better])
    folder.write_run(folder.read_run().with_more_trials(3))
    summary = summarise(folder)
    # t03 and t01 are held against the baseline now, t02 with its three repeats no longer is.
    assert (summary.trials.planned, summary.trials.finished) == (4 + 9, 4 + 6)
    assert confirmation(folder).reason == "6 of 9 repeats are finished"
    folder.write_run(folder.read_run().with_more_trials(4))
    summary = summarise(folder)
    # While the search goes on those of the baseline count, which are due whatever comes.
    assert (summary.trials.planned, summary.trials.finished) == (5 + 9, 4 + 3)


def test_where_the_baseline_wins_nothing_is_shown_to_be_better(tmp_path: Path) -> None:
    folder = a_run(tmp_path, trials(again={0: (90, 170), 1: (80, 190), 2: (80, 190)}))
    found = confirmation(folder)
    assert (found.winner, found.outcome, found.test) == ("VGG16/baseline", Told.NOT_SHOWN, None)
    assert in_a_sentence(summarise(folder)) == (
        "Not shown to be better than the documented baseline, on 3 fresh seeds."
    )


def test_a_winner_on_validation_may_be_worse_on_test(tmp_path: Path) -> None:
    folder = a_run(tmp_path, trials(again={0: (80, 190), 1: (90, 150), 2: (80, 190)}))
    assert confirmation(folder).outcome is Told.WORSE
    assert in_a_sentence(summarise(folder)) == (
        "Worse than the documented baseline on 3 fresh seeds."
    )
    made = [*trials("Xception", {0: (80, 190), 1: (90, 150), 2: (80, 190)}), *trials()[:3]]
    assert in_a_sentence(summarise(a_run(tmp_path / "two", made))) == (
        "Not shown to be better than the documented baseline on any of 2 backbones, on 3 fresh "
        "seeds; worse on 1; 1 not confirmed."
    )


def test_backbones_that_are_not_confirmed_for_different_reasons_have_each_told(
    tmp_path: Path,
) -> None:
    one_alone = [trial("VGG16", 0, LUCKY[0])]
    one_alone += [trial("VGG16", number, LUCKY[number], status=Status.FAILED) for number in (1, 2)]
    folder = a_run(tmp_path, [*one_alone, *trials("Xception")[:-1]])
    assert in_a_sentence(summarise(folder)) == (
        "Not confirmed: fewer than two trials ran to their end; 8 of 9 repeats are finished."
    )


def test_over_several_backbones_p_values_are_adjusted_together(tmp_path: Path) -> None:
    close = {0: (80, 160), 1: (82, 160), 2: (90, 170)}
    made = [*trials("VGG16", close), *trials("Xception")]
    folder = a_run(tmp_path, made)
    alone = confirmation(a_run(tmp_path / "alone", trials("VGG16", close)))
    found = [confirmation(folder, at) for at in (0, 1)]
    tests = [one.test for one in found]
    assert alone.test is not None
    assert alone.adjusted_p == alone.test.p
    assert tests[0] is not None
    assert tests[1] is not None
    assert found[0].adjusted_p == pytest.approx(tests[0].p)  # the largest of two
    assert found[1].adjusted_p == pytest.approx(2 * tests[1].p)
    assert in_a_sentence(summarise(folder)) == (
        "Better than the documented baseline on 2 of 2 backbones, confirmed on 3 fresh seeds."
    )
