"""How a trial's network was divided, in layers, parameters and multiply-adds: for its record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from results.ledger.anatomy import FROM_PHOTOS, Anatomy, Work
from search_spaces.config import FROZEN, TrialConfig
from trainables.features.fill import Inputs
from trainables.networks.backbones import FullNetwork, weights_of
from trainables.networks.cuts import PHOTO, Cut


def anatomy(full: FullNetwork, cut: Cut, config: TrialConfig, inputs: Inputs) -> Anatomy:
    """Count what is frozen and what is trained, as the paper's Tables 2 to 4 do."""
    first = full.first(config.unfreeze)
    work = [_work(full, node) for node in range(len(full.layers))]
    trained, everything = _sum(work[node] for node in cut.trained), _sum(work)
    frozen_norms = full.batch_norms(cut) if config.batch_norm == FROZEN else ()
    parameters_trained = trained.parameters - _sum(work[node] for node in frozen_norms).parameters
    return Anatomy(
        layers_frozen=first,
        layers_trained=full.backbone_layers - first,
        parameters_frozen=everything.parameters - parameters_trained,
        parameters_trained=parameters_trained,
        parameters_head=_sum(work[full.backbone_layers :]).parameters,
        first_trained="" if first == full.backbone_layers else config.unfreeze,
        stored=tuple(
            FROM_PHOTOS if node == PHOTO else f"{node} {type(full.layers[node]).__name__}"
            for node in inputs.format.nodes
        ),
        recomputed=inputs.recomputed,
        multiply_adds_frozen=everything.multiply_adds - trained.multiply_adds,
        multiply_adds_trained=trained.multiply_adds,
        by_point=work_by_point(full, work),
    )


def work_by_point(full: FullNetwork, work: Sequence[Work] = ()) -> dict[str, Work]:
    """What is trained from each unfreeze point on, head included.

    Args:
        work: by layer, where it is known already.
    """
    known = work or [_work(full, node) for node in range(len(full.layers))]
    # What a cut leaves frozen behind its point has no weights, so it adds nothing.
    return {point: _sum(known[full.first(point) :]) for point in full.entry.points}


def _work(full: FullNetwork, node: int) -> Work:
    shapes = (weight.shape for weight in weights_of(full.layers[node]))
    parameters = sum(int(np.prod(shape)) for shape in shapes)
    return Work(full.multiply_adds([node]), parameters)


def _sum(work: Iterable[Work]) -> Work:
    parts = tuple(work)
    return Work(sum(part.multiply_adds for part in parts), sum(part.parameters for part in parts))
