"""What the named search spaces come to on the table of real trials: SPACES.md.

    python -m tests.benchmarks.search spaces                          (a minute)

The sweep's own pool over each space, as many trials as `--trials` has by default; see `replay` for
how a replay goes and what its seconds are. `wide` has dimensions that the table lacks.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from results.ledger.files import write_text
from search_spaces.presets import PAPER
from search_spaces.spaces import NAMED_SPACES, NamedSpace
from tests.benchmarks.search.played import Played, Table, play
from tests.benchmarks.search.points import EPOCHS, Cost, Row, read_costs, read_rows
from tests.benchmarks.search.prices import OurPrices
from tests.benchmarks.search.rules import SPACE, Ours

HERE = Path(__file__).parent

_ABOUT = """\
# The named search spaces on a table of real trials

Written by `python -m tests.benchmarks.search spaces`: our search over each space, {trials} searched
trials beside the baseline where the space has as many, replayed for {seeds} seeds on the table that
REPLAY.md describes (Xception, 600 real photos of 96 px, two trials at a time). Best accuracy on
validation, mean with the smallest and largest; seconds to the search's end, median. Fresh seeds and
the start of Ray are in neither.

| space | trials | best | from | to | seconds |
|---|---:|---:|---:|---:|---:|
"""


@dataclass(frozen=True)
class Outcome:
    """Of one space, over seeds.

    Attributes:
        trials: the baseline included.
        best: validation accuracy of each seed's best trial.
        seconds: median, to the search's end.
    """

    trials: int
    best: tuple[float, ...]
    seconds: float


def main(words: Sequence[str]) -> int:
    """Replay and write the page."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.search spaces",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seeds", type=int, default=200, help="default: 200")
    parser.add_argument("--out", type=Path, default=HERE / "SPACES.md")
    arguments = parser.parse_args(words)
    rows, costs = read_rows(HERE / "trials.csv"), read_costs(HERE / "costs.csv")
    write_text(arguments.out, page(rows, costs, arguments.seeds))
    return 0


def page(rows: Sequence[Row], costs: Sequence[Cost], seeds: int) -> str:
    """The whole of SPACES.md."""
    lines = [_ABOUT.format(trials=PAPER.trials, seeds=seeds)]
    for named in on_the_table():
        one = outcome(named, rows, costs, seeds)
        best = f"{statistics.mean(one.best):.4f} | {min(one.best):.4f} | {max(one.best):.4f}"
        lines.append(f"| `{named.name}` | {one.trials} | {best} | {one.seconds:.0f} |\n")
    return "".join(lines)


def on_the_table() -> Iterator[NamedSpace]:
    """The spaces whose every dimension the table has."""
    for named in NAMED_SPACES:
        if set(named.space.varied) <= set(SPACE.varied):
            yield named


def outcome(named: NamedSpace, rows: Sequence[Row], costs: Sequence[Cost], seeds: int) -> Outcome:
    """Replay one space for seeds from 0."""

    def replayed(seed: int) -> Played:
        rule = Ours(1 + PAPER.trials, EPOCHS, seed, space=named.name)
        table = Table(rows, EPOCHS, seed, diverged_goes_on=False)
        return play(rule, table, OurPrices(costs, rows))

    played = [replayed(seed) for seed in range(seeds)]
    return Outcome(
        trials=len(played[0].bests),
        best=tuple(one.bests[-1] for one in played),
        seconds=statistics.median(one.seconds for one in played),
    )
