"""By what validation chooses, as names; `results.scores.choosing` computes them.

Everything is ordered by a *score*, higher is better: the metric itself, or its negative where lower
is better. Only what people read shows the metric's own value.
"""

from __future__ import annotations

ACCURACY, LOG_LOSS = "accuracy", "log_loss"
METRICS = (ACCURACY, "balanced_accuracy", "macro_f1", "auc", LOG_LOSS)

_WORDS = {"macro_f1": "macro F1", "auc": "AUC"}


def signed(metric: str, value: float) -> float:
    """A metric's value as a score, higher is better; and a score as the metric's value."""
    return -value if metric == LOG_LOSS else value


def metric_words(metric: str) -> str:
    """A metric's name in a sentence."""
    return _WORDS.get(metric, metric.replace("_", " "))
