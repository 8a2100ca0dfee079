"""Weights that make room: the best stay, whatever follows; a kill in between leaves nothing."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import pytest

from results.ledger.dropping import clear_dropped, drop_weights, spare
from results.ledger.records import Status, TrialRecord
from results.ledger.store import RunFolder
from results.ledger.verify import verify
from results.scores.summary import summarise
from search_spaces.config import TrialId
from search_spaces.refusals import EnvironmentRefusal
from tests.results.helpers import Trial, make_run

SKILLS = (0.6, 0.95, 0.7, 0.9, 0.8, 0.65, 0.75)
BASELINE, *SEARCHED = range(len(SKILLS))


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A baseline and six searched trials, of which the last two are the worst, and a repeat."""
    return make_run(
        tmp_path / "run",
        [
            *(
                Trial("VGG16", at, skill=skill, changes={"learning_rate": 1e-5 * (at + 1)})
                for at, skill in enumerate(SKILLS)
            ),
            Trial("VGG16", 1, repeat=1, skill=0.99, changes={"learning_rate": 2e-5, "seed": 7}),
            Trial("Xception", 0, skill=0.5),
        ],
    )


def ranked(run: RunFolder) -> list[TrialRecord]:
    ours = (record for record in run.records() if record.backbone == "VGG16" and record.number)
    return sorted((one for one in ours if not one.repeat), key=lambda one: one.rank)


def test_weights_that_were_dropped_are_refused_with_what_to_do(run: RunFolder) -> None:
    worst = ranked(run)[-1]
    drop_weights(run, worst)
    dropped = run.read_record(worst.trial)
    assert dropped is not None
    with pytest.raises(EnvironmentRefusal, match=r"dropped to keep to --max-disk.*train the trial"):
        run.read_weights(dropped)


def test_the_best_three_the_baseline_and_what_is_needed_never_go(run: RunFolder) -> None:
    kept = {record.trial for record in ranked(run)[:3]}
    needed = ranked(run)[-1].id
    going = [record.trial for record in spare(run.records(), {needed})]
    others = [record.trial for record in reversed(ranked(run)[3:-1])]
    assert going == ["VGG16/t01-s1", *others]
    assert not kept & set(going)


def test_a_trial_without_weights_has_none_to_spare(run: RunFolder) -> None:
    failed = TrialRecord(9, Status.FAILED, run.records()[0].config, error="it diverged")
    dropped = replace(ranked(run)[-1], weights_dropped=True)
    others = [record for record in run.records() if record.id != dropped.id]
    assert {failed.id, dropped.id}.isdisjoint(
        record.id for record in spare([*others, failed, dropped], ())
    )


def test_what_may_go_may_still_go_after_more_trials(run: RunFolder) -> None:
    records = run.records()
    for count in range(1, len(records)):
        early = {record.id for record in spare(records[:count], ())}
        assert early <= {record.id for record in spare(records, ())}


def test_the_record_says_it_and_everything_else_is_as_before(run: RunFolder) -> None:
    before, [worst, *_] = summarise(run), reversed(ranked(run))
    size = (run.trial(worst.trial) / "weights.npz").stat().st_size
    assert drop_weights(run, worst) == size
    assert run.read_record(worst.trial) == replace(worst, weights_dropped=True)
    assert verify(run).faults == ()
    after = summarise(run)
    rows = tuple(replace(row, weights_dropped=False) for row in after.rows)
    assert replace(after, rows=rows) == before


def test_a_kill_between_the_record_and_the_file_is_made_good_by_the_next_start(
    run: RunFolder,
) -> None:
    worst = ranked(run)[-1]
    weights = run.trial(worst.trial) / "weights.npz"
    content = weights.read_bytes()
    drop_weights(run, worst)
    weights.write_bytes(content)
    assert [fault.where for fault in verify(run).faults] == [str(weights)]
    clear_dropped(run)
    assert not weights.exists()
    assert verify(run).faults == ()
    assert run.read_weights(ranked(run)[0])


def test_weights_that_are_gone_already_free_nothing_and_the_record_says_so(
    run: RunFolder,
) -> None:
    worst = ranked(run)[-1]
    (run.trial(worst.trial) / "weights.npz").unlink()
    assert drop_weights(run, worst) == 0
    assert run.read_record(worst.trial) == replace(worst, weights_dropped=True)


def test_dropped_weights_that_cannot_be_removed_are_refused_with_their_path(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    worst, unlink = ranked(run)[-1], Path.unlink

    def fails(path: Path, missing_ok: bool = False) -> None:
        if path.name == "weights.npz":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        unlink(path, missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", fails)
        with pytest.raises(EnvironmentRefusal, match=r"weights\.npz"):
            drop_weights(run, worst)
        with pytest.raises(EnvironmentRefusal, match=r"weights\.npz"):
            clear_dropped(run)
    clear_dropped(run)
    assert verify(run).faults == ()


def test_heads_that_others_start_from_are_named_by_their_trial(run: RunFolder) -> None:
    assert TrialId("VGG16", 6) in {record.id for record in spare(run.records(), ())}
    assert TrialId("VGG16", 6) not in {
        record.id for record in spare(run.records(), {TrialId("VGG16", 6)})
    }
