"""What a trial's network reads: stored features of photos, and of the training photos' views."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from results.ledger.records import Cost
from search_spaces.config import TrialConfig
from trainables.features.fill import Inputs, TrainingData, frozen_inputs
from trainables.networks.backbones import FullNetwork
from trainables.networks.cuts import PHOTO, Cut, nearest_sources
from trainables.networks.frozen import InputFormat
from trainables.photos.views import View
from trainables.progress import Progress

Arrays = Sequence[Any]
"""One [n, ...] array per layer that is read, or a `View` of photos."""


@dataclass(frozen=True)
class Part:
    """One part of the split, as the network reads it.

    Attributes:
        rows, labels: [n].
        arrays: [N, ...] each, of all photos.
        views: per view of the part's photos, [n, ...] arrays; empty but for training photos.
    """

    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    arrays: Arrays
    views: tuple[Arrays, ...] = ()

    def read(self, places: NDArray[np.int64] | slice) -> list[NDArray[Any]]:
        """What the network reads for some of this part's photos."""
        return [array[self.rows[places]] for array in self.arrays]

    def batches(
        self, chance: np.random.Generator, batch_size: int
    ) -> Iterator[tuple[list[NDArray[Any]], NDArray[np.int64]]]:
        """One epoch in a random order, each photo as one of its views or as it is.

        Yields:
            Per batch what the network reads, and the labels.
        """
        order = chance.permutation(len(self.rows))
        drawn = chance.integers(1 + len(self.views), size=len(order)) if self.views else None
        for start in range(0, len(order), batch_size):
            places = order[start : start + batch_size]
            batch = self.read(places)
            for number, view in enumerate(self.views, start=1):
                assert drawn is not None
                [chosen] = np.nonzero(drawn[places] == number)
                for array, rows in zip(batch, view, strict=True):
                    array[chosen] = rows[places[chosen]]
            yield batch, self.labels[places]


@dataclass(frozen=True)
class TrialInputs:
    """Stored features of all photos and of the training photos' views, in one format."""

    photos: Inputs
    views: tuple[Inputs, ...]

    @property
    def cost(self) -> Cost:
        """Of finding and computing all of them."""
        cost = self.photos.cost
        for view in self.views:
            cost += view.cost
        return cost

    def part(self, name: str, data: TrainingData) -> Part:
        """One of `SPLITS`."""
        rows = data.split.indices(name)
        views = tuple(view.arrays for view in self.views) if name == "train" else ()
        return Part(rows, data.split.labels[rows], self.photos.arrays, views)


def trial_inputs(
    full: FullNetwork, cut: Cut, config: TrialConfig, data: TrainingData, progress: Progress
) -> TrialInputs:
    """Open what a trial reads, after computing what is missing of the store.

    Where the store has room for some of the views' features and not for others, all are computed
    from the photos in every epoch: same results.

    Raises:
        EnvironmentRefusal: the disk is full or broken.
    """
    scaling = config.scaling_kind
    sets = [data, *(_of_view(data, number) for number in range(1, config.views))]
    photos, *views = (frozen_inputs(full, cut, each, scaling, progress) for each in sets)
    if any(view.format != photos.format for view in views):
        photos, *views = (
            _from_photos(full, cut, each, inputs)
            for each, inputs in zip(sets, (photos, *views), strict=True)
        )
    return TrialInputs(photos, tuple(views))


def _of_view(data: TrainingData, number: int) -> TrainingData:
    """One view of the training photos in the place of all photos."""
    rows = data.split.indices("train")
    digest = hashlib.sha256(rows.tobytes()).hexdigest()[:16]
    return replace(
        data,
        photos=cast("NDArray[np.uint8]", View(data.photos, rows, number)),  # indexed alike
        digest=f"{data.digest} view {number} of {digest}",
    )


def _from_photos(full: FullNetwork, cut: Cut, data: TrainingData, inputs: Inputs) -> Inputs:
    """The same inputs with nothing read from the store."""
    _, recomputed = nearest_sources(full.graph, cut.required, ())
    return replace(
        inputs,
        format=InputFormat((PHOTO,), inputs.format.scaling, inputs.format.dtype),
        arrays=(data.photos,),
        recomputed=len(recomputed),
        held=(),
    )
