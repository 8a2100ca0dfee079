"""The learning rate of every step: a linear warm-up, then constant or half a cosine."""

from __future__ import annotations

import math

from search_spaces.config import COSINE, TrialConfig


def learning_rate(config: TrialConfig, step: int, steps_per_epoch: int) -> float:
    """The rate of one step, at most the configuration's.

    Warm-up rises linearly and reaches the rate at its last step (Goyal et al., "Accurate, Large
    Minibatch SGD", 2017); a warm-up longer than the trial never does. `cosine` falls from there
    to 0 at the end of the last planned epoch (Loshchilov & Hutter, "SGDR", ICLR 2017).

    Args:
        step: from 0, over all epochs.
        steps_per_epoch: batches of the training photos.
    """
    warmup = config.warmup * steps_per_epoch
    if step < warmup:
        return config.learning_rate * ((step + 1) / warmup)
    if config.schedule != COSINE:
        return config.learning_rate
    done = (step + 1 - warmup) / (config.epochs * steps_per_epoch - warmup)
    return config.learning_rate * ((1 + math.cos(math.pi * done)) / 2)
