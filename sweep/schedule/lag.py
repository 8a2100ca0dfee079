"""How far behind the newest results a suggestion is made, so that nobody waits and few are unseen.

Trial *n* of a backbone is suggested from trials up to *n - lag*. A short lag guides the search
soon; a long one lets workers go on past a slow trial. Workers are shared by all backbones, so a
backbone needs its share of them and one in hand. Later a third of the trials before may be unseen:
then it hardly guides worse. More than there are workers never need to be.

With 8 workers, 6 backbones and 20 searched trials, whose seconds vary tenfold, workers are idle 3 %
longer than if nothing waited, and 11 % with the short lag alone
(`tests/sweep/schedule/test_lag.py`).
"""

from __future__ import annotations

import math

UNSEEN_SHARE = 3
"""One in this many of the earlier trials may be unseen."""


def seen(number: int, *, concurrency: int, backbones: int) -> int:
    """How many trials of its backbone, from 0, trial `number` is suggested from; never decreases.

    Args:
        concurrency: trials at a time that the run started with.
        backbones: of the run.
    """
    least = math.ceil(concurrency / backbones) + 1
    lag = min(concurrency, max(least, math.ceil(number / UNSEEN_SHARE)))
    return max(0, number - lag + 1)
