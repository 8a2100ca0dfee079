"""The trained head that a deep trial starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from results.ledger.remedies import train_again
from results.ledger.store import RunFolder
from search_spaces.config import TrialConfig, TrialId
from search_spaces.refusals import EnvironmentRefusal
from trainables.features.fill import TrainingData
from trainables.training.network_cache import NetworkCache
from trainables.training.train import train


def trained_head(
    config: TrialConfig,
    repeat: int,
    *,
    folder: RunFolder,
    data: TrainingData,
    networks: NetworkCache,
) -> Mapping[str, NDArray[Any]] | None:
    """Weights of the trial that a configuration names in `head_from`; None if it names none.

    A repeat on a fresh seed repeats all that led to the winner, so it trains the head anew; so does
    a trial whose head was dropped (`--max-disk`).

    Args:
        repeat: of the trial that is to be trained, 0 for one of the search.

    Raises:
        EnvironmentRefusal: the named trial has no weights, or they are damaged.
        Diverged: the head does, on this seed.
    """
    if not config.head_from:
        return None
    source = TrialId(config.backbone, config.head_from)
    record = folder.read_record(source.name)
    if record is None or not record.weights_sha256:
        raise EnvironmentRefusal(
            f"{source}, whose head another trial starts from, must be finished",
            where=str(folder.trial(source.name)),
            fix=train_again(folder.trial(source.name)),
        )
    if not repeat and not record.weights_dropped:
        return folder.read_weights(record)
    again = replace(record.trained, seed=config.seed)
    return train(again, data, report=lambda _: None, networks=networks).weights
