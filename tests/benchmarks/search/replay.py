"""Replays the table for five rules and many seeds: whose search finds how much, how soon.

    python -m tests.benchmarks.search replay                          (a few minutes)
    python -m tests.benchmarks.search replay --table FOLDER --seeds 20 --out FOLDER

Nothing is trained and nothing is measured here: figures are the table's, and the same at each run.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from results.ledger.files import write_text
from tests.benchmarks.search.findings import OURS, Replays, draw, page
from tests.benchmarks.search.hyperband import Hyperband
from tests.benchmarks.search.played import Played, Table, play
from tests.benchmarks.search.points import (
    EPOCHS,
    IMAGE,
    PHOTOS,
    VALIDATION,
    Cost,
    Row,
    read_costs,
    read_rows,
)
from tests.benchmarks.search.prices import OurPrices, PlainPrices, Prices
from tests.benchmarks.search.rules import Ours, Random, RaysOptuna, Rule

_HERE = Path(__file__).parent
Pricing = Callable[[Sequence[Cost], Sequence[Row]], Prices]
PRICES: dict[str, Pricing] = {
    "Each rule at its own side's prices": PlainPrices,
    "Every rule at our prices": OurPrices,
}
"""What the other rules pay; ours pays our prices in both."""

RULES: dict[str, Callable[[int, int, int], Rule]] = {
    "random": Random,
    "random + ASHA": lambda trials, epochs, seed: Random(trials, epochs, seed, asha=True),
    "TPE + ASHA": RaysOptuna,
    "Hyperband": Hyperband,
    "ours": Ours,
}
"""By name: made of the number of trials, the epochs of a whole one, and a seed."""

_ABOUT = """\
# Five searches on a table of real trials

Written by `python -m tests.benchmarks.search replay`: {rows} trials of Xception with ImageNet
weights on {photos} real photos of {image} px, {epochs} epochs each, chosen by {validation}
validation photos (so one photo is {photo:.2f} points of accuracy), replayed for {seeds} seeds of
{trials} trials, two at a time. The table is `trials.csv`, made by
`python -m tests.benchmarks.search table`; its best trial has {best:.4f}. It has most rates where
trials are cheap: {by_cut}.

A rule draws from the default space and is given the nearest trial of the table that it has not had;
`random`, `random + ASHA`, Ray Tune's `OptunaSearch` (TPE) with `ASHAScheduler`, KerasTuner's
Hyperband rule, and ours: the sweep's own pool with its order, lag, sampler, bars and starts from
trained heads. Ours may start from the best head of the table, which may be better than the one that
a replay has had. Fresh seeds that confirm a winner are in none.

One rule of ours was chosen on this table, so it flatters ours: a trial that starts from a trained
head is first judged at the second rung. Judged at the first as well, ours ended with a regret of
2.9 points after 40 trials (40 seeds), like the others.

Two honest ways to price it. *Each at its own side's prices*: a plain script pays building, tracing
and the whole network in every epoch (measured on it, `costs.csv`); ours pays the stored features'
epochs and one frozen pass per scaling. That is what a user meets. *Every rule at our prices*: all
of them on stored features, so that what is left is the search. Starting Ray is in neither. A rule
that has ended keeps its best.

![Regret against trials and seconds](replay.png)
"""


def main(words: Sequence[str]) -> int:
    """Replay, write REPLAY.md and replay.png."""
    arguments = _arguments(words)
    rows = read_rows(arguments.table / "trials.csv")
    costs = read_costs(arguments.table / "costs.csv")
    if not rows or not costs:
        raise SystemExit(f"--table: trials.csv and costs.csv are needed in {arguments.table}")
    replays = {
        name: replayed(rows, costs, prices, arguments.seeds, arguments.trials)
        for name, prices in PRICES.items()
    }
    cuts = Counter(row.point.unfreeze for row in rows)
    about = _ABOUT.format(
        rows=len(rows),
        photos=PHOTOS,
        image=IMAGE,
        epochs=EPOCHS,
        validation=VALIDATION,
        photo=100 / VALIDATION,
        seeds=arguments.seeds,
        trials=arguments.trials,
        best=best(rows),
        by_cut=", ".join(f"{count} {cut}" for cut, count in cuts.items()),
    )
    write_text(arguments.out / "REPLAY.md", page(replays, about))
    (arguments.out / "replay.png").write_bytes(draw(replays))
    return 0


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.search replay",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seeds", type=int, default=200, help="default: 200")
    parser.add_argument("--trials", type=int, default=40, help="of each replay; default: 40")
    parser.add_argument("--table", type=Path, default=_HERE, help="folder of the two CSV files")
    parser.add_argument("--out", type=Path, default=_HERE, help="folder of what is written")
    return parser.parse_args(words)


def best(rows: Sequence[Row]) -> float:
    """The best validation accuracy of the table."""
    return max(max(row.accuracies) for row in rows if row.right)


def replayed(
    rows: Sequence[Row],
    costs: Sequence[Cost],
    prices: Pricing,
    seeds: int,
    trials: int,
    rules: Sequence[str] = tuple(RULES),
) -> Replays:
    """Every rule for seeds from 0."""
    played = {
        rule: [one_replay(rule, rows, costs, prices, seed, trials) for seed in range(seeds)]
        for rule in rules
    }
    return Replays(best(rows), played)


def one_replay(
    rule: str,
    rows: Sequence[Row],
    costs: Sequence[Cost],
    prices: Pricing,
    seed: int,
    trials: int,
) -> Played:
    """A rule for one seed; ours always at our prices."""
    is_ours = rule == OURS
    epochs = max(len(row.right) for row in rows)
    table = Table(rows, epochs, seed, diverged_goes_on=not is_ours)
    chosen = OurPrices if is_ours else prices
    return play(RULES[rule](trials, epochs, seed), table, chosen(costs, rows))
