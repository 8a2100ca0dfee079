"""The same kills on Ray Tune's own means: `Tuner.restore` with OptunaSearch, for comparison.

    python -m tests.crash.stock FOLDER

runs or restores a sweep of `TRIALS` trials of `SECONDS` each, two at a time, and prints what its
result grid holds. Set up as Ray's documentation has it: a Tuner, its storage on the local disk, and
on the next start `Tuner.restore` where there is something to restore.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from sweep.process.leftovers import descendants, end
from tests.crash.row import Row

TRIALS, SECONDS = 30, 0.5
_START_SECONDS = 90.0
HOME = Path(__file__).resolve().parents[2]


def stock(seed: int, kills: int) -> Row:
    """Kill such sweeps so many times in all, at random moments after their first trial began."""
    row = Row("the same with `Tuner.restore` and OptunaSearch, 30 trials of 0.5 s", "kills", seed)
    choices = random.Random(seed)
    while row.count < kills:
        with tempfile.TemporaryDirectory(prefix="stock-") as name:
            _one_sweep(Path(name), choices, row, kills)
    return row


def _one_sweep(root: Path, choices: random.Random, row: Row, kills: int) -> None:
    """Until it ends by itself; more than five kills are another sweep's."""
    for at in range(6):
        process = _started(root)
        code = None
        if at < 5 and row.count < kills:
            before = len(_journal(root))
            until = time.monotonic() + _START_SECONDS
            while len(_journal(root)) == before and process.poll() is None:
                if time.monotonic() > until:
                    break
                time.sleep(0.05)
            time.sleep(choices.uniform(0.0, 0.7 * TRIALS * SECONDS / 2))
            code = process.poll()
        if code is None and at < 5 and row.count < kills:
            row.count += 1
            _kill(process)
            continue
        out, _ = process.communicate()
        _kill(process)
        _tell(root, out, process.returncode, row)
        return


def _started(root: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.crash.stock", str(root)],
        cwd=HOME,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        env={**_others(), "RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0"},
    )


def _others() -> dict[str, str]:
    """The environment without what would lead to another Ray, or change how Tune works."""
    return {name: value for name, value in os.environ.items() if name[:4] not in ("RAY_", "TUNE")}


def _kill(process: subprocess.Popen[str]) -> None:
    """The driver with SIGKILL; then what it leaves, which Ray does not end at once."""
    ours = descendants(process.pid)
    with suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGKILL)
    for other in ours:
        end(other)
    if process.returncode is None:  # else it has ended by itself and was read
        process.communicate()


def _journal(root: Path) -> list[list[str]]:
    """`begin` or `end`, and the trial."""
    path = root / "journal"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def _tell(root: Path, out: str, code: int, row: Row) -> None:
    lines = _journal(root)
    ended = {trial for word, trial in lines if word == "end"}
    begun = Counter(trial for word, trial in lines if word == "begin")
    row.sums["sweeps"] += 1
    row.sums["trainings begun"] += begun.total()
    row.sums["trials wanted"] += TRIALS
    seen: set[str] = set()
    for word, trial in lines:
        row.sums["finished trials trained again"] += word == "begin" and trial in seen
        seen |= {trial} if word == "end" else set()
    if code:
        row.sums["sweeps that could not be restored"] += 1
        return
    kept = set(json.loads(out.splitlines()[-1]))
    row.sums["finished trials lost"] += len(ended - kept)
    row.sums["results in the end"] += len(kept)


def main(folder: str) -> None:
    """Run or restore the sweep, and print the trials that its grid has results of."""
    import ray
    from ray import tune
    from ray.tune.search.optuna import OptunaSearch

    root = Path(folder)

    def train(config: dict[str, Any]) -> None:
        trial = tune.get_context().get_trial_id()
        _note(root, f"begin {trial}")
        time.sleep(SECONDS)
        _note(root, f"end {trial}")
        tune.report({"score": -(config["x"] ** 2)})

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _temp_dir=str(root / "r"))
    place = str(root / "results" / "sweep")
    if tune.Tuner.can_restore(place):
        tuner = tune.Tuner.restore(place, train, resume_unfinished=True, restart_errored=True)
    else:
        tuner = tune.Tuner(
            train,
            param_space={"x": tune.uniform(-1, 1)},
            tune_config=tune.TuneConfig(
                search_alg=OptunaSearch(seed=1), metric="score", mode="max", num_samples=TRIALS
            ),
            run_config=tune.RunConfig(name="sweep", storage_path=str(root / "results"), verbose=0),
        )
    grid = tuner.fit()
    print(json.dumps([one.metrics["trial_id"] for one in grid if one.metrics and not one.error]))


def _note(root: Path, line: str) -> None:
    handle = os.open(root / "journal", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(handle, f"{line}\n".encode())
    os.close(handle)


if __name__ == "__main__":
    main(sys.argv[1])
