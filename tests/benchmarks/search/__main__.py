"""How good the search is, and how soon: real trials in a table, replays of it, and live sweeps.

    python -m tests.benchmarks.search table      makes the table: trials.csv and costs.csv
    python -m tests.benchmarks.search replay     replays it for five rules, writes REPLAY.md
    python -m tests.benchmarks.search spaces     replays it for our named spaces, writes SPACES.md
    python -m tests.benchmarks.search live       runs three tools side by side, writes LIVE.md

Each has `--help`.
"""

from __future__ import annotations

import sys


def main(words: list[str]) -> int:
    """Run one of the four."""
    match words:
        case ["table", *rest]:
            from tests.benchmarks.search.table import main as chosen
        case ["replay", *rest]:
            from tests.benchmarks.search.replay import main as chosen
        case ["spaces", *rest]:
            from tests.benchmarks.search.spaces import main as chosen
        case ["live", *rest]:
            from tests.benchmarks.search.live import main as chosen
        case _:
            print(__doc__)
            return 0 if {"-h", "--help"} & set(words) else 2
    return chosen(rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
