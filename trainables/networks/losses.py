"""The loss that a network is trained on, and the one that is reported.

Reported is the mean cross-entropy, whatever a trial trains on, so that trials can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray


@dataclass(frozen=True)
class Loss:
    """What a trial trains on.

    Attributes:
        label_smoothing: share of a label that is spread over all classes (Szegedy et al.,
            "Rethinking the Inception Architecture", CVPR 2016).
        class_weights: one factor per class on its photos' losses; empty for none.
    """

    label_smoothing: float = 0.0
    class_weights: tuple[float, ...] = ()

    def __call__(self, labels: Any, logits: Any) -> tuple[Any, Any]:
        """The means over a batch that are trained on and that are reported, in nats.

        Args:
            labels: [n] int64.
            logits: [n, C] float32.
        """
        entropies = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)  # [n]
        plain, losses = tf.reduce_mean(entropies), entropies
        if self == CROSS_ENTROPY:  # the same tensor: the documented baseline's bits
            return plain, plain
        if self.label_smoothing:
            classes = int(logits.shape[-1])
            targets = tf.one_hot(labels, classes) * (1 - self.label_smoothing)  # [n, C]
            targets += self.label_smoothing / classes
            losses = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
        if self.class_weights:
            losses *= tf.gather(tf.constant(self.class_weights, tf.float32), labels)
        return tf.reduce_mean(losses), plain


CROSS_ENTROPY = Loss()
"""The documented baseline's."""


def balanced(labels: NDArray[np.int64], classes: int) -> tuple[float, ...]:
    """Weights inverse to the classes' sizes, whose mean over the photos is 1.

    As scikit-learn's `class_weight="balanced"`: n / (C * photos of the class). A class without
    photos has 0.

    Args:
        labels: [n], of the training photos.
        classes: C.
    """
    counts = np.bincount(labels, minlength=classes)
    present = np.count_nonzero(counts)
    return tuple(float(len(labels) / (present * n)) if n else 0.0 for n in counts)
