"""What storing features as float16 changes: one trial from float32 and from float16 features.

    python -m tests.benchmarks.halved NAME SPEC.json OUT.json

Both trials are the same point, seeds and order of photos; each has a feature store of its own.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from results.scores.metrics import accuracy
from tests.benchmarks.probes import Spec, main, point, training_data


def halved(spec: Spec) -> dict[str, Any]:
    """Per kind of features accuracies and bytes stored, and how far probabilities are apart."""
    from trainables.training.train import train

    config = point(spec, epochs=spec["epochs"])
    found, seen = {}, []
    for kind in ("float32", "float16"):
        data = training_data(spec, f"features-{kind}", (config.unfreeze,), cache_dtype=kind)
        result = train(config, data, lambda _: None)
        seen.append(np.concatenate([result.predictions.validation, result.test]))
        found[kind] = {
            "validation": result.validation_accuracy,
            "test": accuracy(result.test, data.split.labels[data.split.indices("test")]),
            "bytes": result.cost.bytes_stored,
        }
    apart = np.abs(seen[0] - seen[1])
    changed = int((seen[0].argmax(axis=1) != seen[1].argmax(axis=1)).sum())
    counts = data.split.counts()
    return {
        **found,
        "apart": float(apart.max()),
        "changed": changed,
        "judged": len(apart),
        "tested": counts["test"],
    }


if __name__ == "__main__":
    main(sys.argv[1:], {"halved": halved})
