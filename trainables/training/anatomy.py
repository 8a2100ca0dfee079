"""How a trial's network was divided, in layers, parameters and multiply-adds: for its record."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from results.ledger.records import FROM_PHOTOS, Anatomy
from search_spaces.config import FROZEN, TrialConfig
from trainables.features.fill import Inputs
from trainables.networks.backbones import FullNetwork, weights_of
from trainables.networks.cuts import PHOTO, Cut


def anatomy(full: FullNetwork, cut: Cut, config: TrialConfig, inputs: Inputs) -> Anatomy:
    """Count what is frozen and what is trained, as the paper's Tables 2 to 4 do."""
    first = full.first(config.unfreeze)
    nodes = range(len(full.layers))
    still = full.batch_norms(cut) if config.batch_norm == FROZEN else ()
    trained = _parameters(full, set(cut.trained).difference(still))
    frozen_nodes = [node for node in nodes if node not in cut.trained]
    return Anatomy(
        layers_frozen=first,
        layers_trained=full.backbone_layers - first,
        parameters_frozen=_parameters(full, nodes) - trained,
        parameters_trained=trained,
        parameters_head=_parameters(full, nodes[full.backbone_layers :]),
        first_trained="" if first == full.backbone_layers else config.unfreeze,
        stored=tuple(
            FROM_PHOTOS if node == PHOTO else f"{node} {type(full.layers[node]).__name__}"
            for node in inputs.format.nodes
        ),
        recomputed=inputs.recomputed,
        multiply_adds_frozen=full.multiply_adds(frozen_nodes),
        multiply_adds_trained=full.multiply_adds(cut.trained),
    )


def _parameters(full: FullNetwork, nodes: Iterable[int]) -> int:
    weights = (weight for node in nodes for weight in weights_of(full.layers[node]))
    return sum(int(np.prod(weight.shape)) for weight in weights)
