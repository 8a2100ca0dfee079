"""What a trial answers for its validation photos, epoch by epoch, in bounded memory.

    validated = Validated(config.epochs, photos, classes)
    validated.add(predicted, is_best=True)

Held are the best epoch's answers, and every epoch's only where `kept_by_epoch` allows them.
"""

from __future__ import annotations

import numpy as np

from results.ledger.arrays import Probabilities, kept_by_epoch


class Validated:
    """Answers of the epochs so far, N photos and C classes.

    Args:
        epochs: the most that are added.
        photos, classes: of every answer.

    Attributes:
        best: [N, C] of the best epoch so far; without rows before the first.
    """

    def __init__(self, epochs: int, photos: int, classes: int) -> None:
        kept = epochs if kept_by_epoch(epochs, photos, classes) else 0
        self.best: Probabilities = np.empty((0, classes), np.float32)
        self._kept = np.empty((kept, photos, classes), np.float32)
        self._added = 0

    @property
    def by_epoch(self) -> Probabilities:
        """[E, N, C] of the E epochs so far; [0, N, C] where they are not kept."""
        return self._kept[: self._added]

    def add(self, predicted: Probabilities, *, is_best: bool) -> None:
        """Take up the next epoch's answers.

        Args:
            predicted: [N, C].
            is_best: whether no earlier epoch is as good.
        """
        if is_best:
            self.best = predicted
        if len(self._kept):
            self._kept[self._added] = predicted
            self._added += 1
