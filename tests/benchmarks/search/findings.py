"""What many replays say: regret, intervals, and who reaches random search's accuracy how soon.

Regret is the table's best validation accuracy less the best that a rule has seen so far. Intervals
are percentiles of 2,000 means (or medians) over seeds drawn again with replacement, for one budget
at a time: no allowance is made for looking at many budgets, which is against ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.search.played import Played

OURS, RANDOM = "ours", "random"
TRIAL_BUDGETS = (5, 10, 20, 40)
SECOND_BUDGETS = (15, 30, 60, 120, 240, 480, 960)
_DRAWS = 2000
_INTERVAL = (2.5, 97.5)
Regrets = NDArray[np.float64]
"""[seeds, budgets]."""


@dataclass(frozen=True)
class Replays:
    """All replays of the rules under some prices, seed by seed.

    Attributes:
        best: the table's best validation accuracy.
        played: per rule, a replay per seed.
    """

    best: float
    played: Mapping[str, Sequence[Played]]

    def by_trials(self, rule: str) -> Regrets:
        """[seeds, trials] after each finished trial."""
        return self.best - np.array([one.bests for one in self.played[rule]])

    def by_seconds(self, rule: str, budgets: Sequence[float]) -> Regrets:
        """[seeds, budgets]; a rule that has ended keeps its best."""
        return self.best - np.array(
            [[one.best_at(seconds) for seconds in budgets] for one in self.played[rule]]
        )

    @property
    def longest(self) -> float:
        """Seconds of the longest replay."""
        return max(one.seconds for some in self.played.values() for one in some)


def interval(regrets: Regrets) -> NDArray[np.float64]:
    """[2, budgets]: 95 % interval of the mean over seeds."""
    chance, seeds = np.random.default_rng(0), len(regrets)
    means = [regrets[chance.integers(seeds, size=seeds)].mean(axis=0) for _ in range(_DRAWS)]
    found: NDArray[np.float64] = np.percentile(means, _INTERVAL, axis=0)
    return found


def median_interval(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Median over seeds and its 95 % interval; infinity where more than half are."""
    chance, seeds = np.random.default_rng(0), len(values)
    draws = np.sort(values[chance.integers(seeds, size=(_DRAWS, seeds))], axis=1)
    # An order statistic, since a mean of two middle ones may be of infinities.
    medians = np.sort(draws[:, (seeds - 1) // 2])
    low, high = (medians[int(share / 100 * (_DRAWS - 1))] for share in _INTERVAL)
    return float(np.sort(values)[(seeds - 1) // 2]), float(low), float(high)


def to_random(replays: Replays, rule: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Per seed, seconds until random search's final accuracy of that seed, over random search's:
    over those of its whole run, and over those until it got there itself."""
    pairs = list(zip(replays.played[rule], replays.played[RANDOM], strict=True))
    mine = np.array([one.seconds_to(chance.bests[-1]) for one, chance in pairs])
    whole = np.array([chance.seconds for _, chance in pairs])
    there = np.array([chance.seconds_to(chance.bests[-1]) for _, chance in pairs])
    return mine / whole, mine / there


def worse_budgets(ours: Regrets, other: Regrets, budgets: Sequence[float]) -> list[str]:
    """Budgets at which our mean regret is significantly larger, with by how much."""
    low, _ = interval(ours - other)
    gap = (ours - other).mean(axis=0)
    return [f"{budget:g} (by {gap[at]:.4f})" for at, budget in enumerate(budgets) if low[at] > 0]


def page(replays: Mapping[str, Replays], about: str) -> str:
    """The whole of REPLAY.md."""
    parts = [about]
    for name, one in replays.items():
        budgets = [budget for budget in SECOND_BUDGETS if budget <= one.longest]
        parts += [f"## {name}\n", _targets(one), _regrets(one, budgets), _worse(one)]
    return "\n".join(parts)


def _targets(replays: Replays) -> str:
    lines = [
        "Seconds until random search's final accuracy of the same seed, over the seconds of random",
        "search's whole run and over those until random search had it itself; medians with their",
        "intervals, and how often the rule had it at all.\n",
        "| rule | run, s | epochs | over random's run | over random's reaching it | had it |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for rule, some in replays.played.items():
        seconds = np.median([one.seconds for one in some])
        epochs = np.median([sum(told for *_, told in one.trials) for one in some])
        over_run, over_there = to_random(replays, rule)
        lines.append(
            f"| {rule} | {seconds:.0f} | {epochs:.0f} | {_median(over_run)} | "
            f"{_median(over_there)} | {np.isfinite(over_run).mean():.0%} |"
        )
    return "\n".join(lines) + "\n"


def _median(values: NDArray[np.float64]) -> str:
    middle, low, high = (
        f"{one:.2f}" if np.isfinite(one) else "never" for one in median_interval(values)
    )
    return f"{middle} ({low} to {high})"


def _regrets(replays: Replays, budgets: Sequence[float]) -> str:
    trials = [one for one in TRIAL_BUDGETS if one <= len(replays.by_trials(RANDOM)[0])]
    heads = [*(f"{one} trials" for one in trials), *(f"{one:g} s" for one in budgets)]
    lines = [
        "Mean regret in points of accuracy, with its interval.\n",
        f"| rule | {' | '.join(heads)} |",
        f"|---|{'---:|' * len(heads)}",
    ]
    for rule in replays.played:
        picked = replays.by_trials(rule)[:, [one - 1 for one in trials]]
        regrets = 100 * np.hstack([picked, replays.by_seconds(rule, budgets)])
        low, high = interval(regrets)
        cells = [
            f"{mean:.2f} ({low[at]:.2f} to {high[at]:.2f})"
            for at, mean in enumerate(regrets.mean(axis=0))
        ]
        lines.append(f"| {rule} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _worse(replays: Replays) -> str:
    """Where ours is significantly worse than another rule, of all trials and 40 times."""
    times = np.geomspace(5, replays.longest, 40).round(1).tolist()
    trials = range(1, len(replays.by_trials(OURS)[0]) + 1)
    lines = ["Budgets at which ours has significantly more regret than another rule:\n"]
    for rule in replays.played:
        if rule == OURS:
            continue
        by_trials = worse_budgets(replays.by_trials(OURS), replays.by_trials(rule), trials)
        mine, theirs = (replays.by_seconds(one, times) for one in (OURS, rule))
        by_seconds = worse_budgets(mine, theirs, times)
        lines.append(
            f"- {rule}: of trials {', '.join(by_trials) or 'none'}; "
            f"of seconds {', '.join(by_seconds) or 'none'}"
        )
    return "\n".join(lines) + "\n"


def draw(replays: Mapping[str, Replays]) -> bytes:
    """Mean regret with its interval against trials and seconds, a row for each kind of price."""
    import io

    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2 * len(replays)), layout="constrained")
    grid = figure.subplots(len(replays), 2, squeeze=False)
    for (name, one), (left, right) in zip(replays.items(), grid, strict=True):
        trials: Sequence[float] = range(1, len(one.by_trials(OURS)[0]) + 1)
        times = np.geomspace(5, one.longest, 60).tolist()
        for rule in one.played:
            for axes, at, regrets in (
                (left, trials, one.by_trials(rule)),
                (right, times, one.by_seconds(rule, times)),
            ):
                low, high = 100 * interval(regrets)
                [line] = axes.plot(at, 100 * regrets.mean(axis=0), label=rule)
                axes.fill_between(at, low, high, alpha=0.2, color=line.get_color(), linewidth=0)
        left.set(title=name, xlabel="finished trials", ylabel="regret, points of accuracy")
        right.set(xlabel="seconds", xscale="log")
        left.set_ylim(bottom=0, top=15)
        right.set_ylim(bottom=0, top=15)
        right.legend(frameon=False)
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=110, metadata={"Software": None})
    return png.getvalue()
