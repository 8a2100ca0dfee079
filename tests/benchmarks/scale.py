"""How the driver bears many trials and many workers, and writes SCALE.md. Nothing is trained.

    python -m tests.benchmarks.scale                                 (a quarter of an hour)
    python -m tests.benchmarks.scale --trials 200 --workers 1,8 --out /tmp/SCALE.md

The driver is the real one, see `tests.benchmarks.simulation`. Ray's own work per trial, starting
Ray and the network are not counted: there is no Ray here.
"""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import optuna

from results.report.write import write_report
from results.scores.summary import summarise
from search_spaces.settings import Settings
from sweep.schedule.pool import Pool
from sweep.schedule.studies import Studies
from tests.benchmarks.simulation import (
    Played,
    commit_answers,
    commit_record,
    drawn,
    play,
    temporary,
)
from tests.results.helpers import make_run_record, make_split
from tests.sweep.helpers import MEMORY, settings

_HERE = Path(__file__).parent
_PHOTOS = {"train": 360, "validation": 200, "test": 200}
_FEW = 100


def main(words: Sequence[str]) -> int:
    """Play the sweeps and write the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.scale", description=__doc__)
    parser.add_argument("--trials", type=int, default=10_000, help="default: 10000")
    parser.add_argument("--workers", default="8,64,512", help="default: 8,64,512")
    parser.add_argument("--out", type=Path, default=_HERE / "SCALE.md")
    arguments = parser.parse_args(words)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    root = Path(tempfile.mkdtemp(prefix="scale-", dir=MEMORY))
    try:
        rows = [
            _row(sweep(trials, workers, root / f"{trials}-{workers}"), trials)
            for workers in map(int, arguments.workers.split(","))
            for trials in sorted({min(_FEW, arguments.trials), arguments.trials})
        ]
        after = ledger(arguments.trials, root / "ledger")
    finally:
        shutil.rmtree(root, ignore_errors=True)
    arguments.out.write_text(_page(rows, after, words))
    return 0


def asked(trials: int) -> Settings:
    """The default search of six backbones, of so many trials in all."""
    return settings("--backbones", "all", trials=max(1, trials // 6 - 1), epochs=10)


def sweep(trials: int, workers: int, path: Path) -> Played:
    """Play a sweep whose ledger has records alone, and remove it."""
    played = play(temporary(path), asked(trials), workers, commit_record)
    shutil.rmtree(path)
    print(f"{trials} trials, {workers} workers: {played.seconds:,.0f} s", flush=True)
    return played


def ledger(trials: int, path: Path) -> list[tuple[str, str, str]]:
    """What a resume and a report of a sweep take whose last trial is left: what, measured, goal."""
    folder, asked_for = temporary(path), asked(trials)
    planned = asked_for.planned
    run = make_run_record(("cat", "dog"), [trial.name for trial in planned], demonstration=True)
    recorded = dataclasses.replace(run.settings, **vars(asked_for))
    folder.write_run(dataclasses.replace(run, settings=recorded))
    split = make_split(2, _PHOTOS)
    folder.write_split(split, ("cat", "dog"))
    for trial_id in planned[:-1]:
        assignment = drawn(asked_for, trial_id)
        folder.write_suggestion(trial_id.name, assignment.config)
        commit_answers(folder, assignment, split)
    print(f"a ledger of {len(planned) - 1} trials", flush=True)
    started = time.process_time()
    pool = Pool(folder, asked_for, 64)
    Studies(folder.optuna_db, asked_for.space, asked_for.backbones).add(pool.finished.values())
    assert pool.next() is not None
    resumed = time.process_time() - started
    started = time.process_time()
    write_report(folder, summarise(folder))
    reported = time.process_time() - started
    page = folder.report_html.stat().st_size
    return [
        (f"resume with {len(planned) - 1:,} trials, to the next", f"{resumed:.1f} s", "5 s"),
        ("their report", f"{reported:.1f} s", "30 s"),
        ("its page", f"{page / 1e6:.1f} MB", "8 MB"),
    ]


def _row(played: Played, trials: int) -> str:
    driver = sorted(1000 * seconds for seconds in played.driver)
    mean, late = sum(driver) / len(driver), driver[int(0.99 * len(driver))]
    return (
        f"| {trials:,} | {played.workers} | {mean:.1f} | {late:.1f} "
        f"| {played.idle_while_trials_were_left:.1%} | {played.idle:.1%} "
        f"| {played.seconds / 60:,.1f} |"
    )


def _page(rows: Sequence[str], after: Sequence[tuple[str, str, str]], words: Sequence[str]) -> str:
    return "\n".join(
        [
            "# Many trials, many workers",
            "",
            f"Written by `python -m tests.benchmarks.scale {' '.join(words)}`".rstrip() + ":",
            "the real pool, search and ledger over made-up workers, whose trials take the seconds",
            "that the demonstration's took (0.04 to 7.5 s an epoch, 10 epochs, most cut early).",
            "Driver: milliseconds of the processor per trial, all of pool, Optuna, ledger,",
            "`optuna.db`, a time budget that has room for all, and the lines of the log; not Ray's",
            "own. Idle: share of the workers' time, while trials were left to hand out, and to the",
            "end of the last trial. Goals: 5 ms, 5 %.",
            "",
            "| trials | workers | driver, ms | of 99 % below | idle | idle to the end | minutes |",
            "|---:|---:|---:|---:|---:|---:|---:|",
            *rows,
            "",
            "| what | measured, seconds of the processor | goal |",
            "|---|---:|---:|",
            *(f"| {what} | {measured} | {goal} |" for what, measured, goal in after),
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
