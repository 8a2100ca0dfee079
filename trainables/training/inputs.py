"""What a trial's network reads: stored features of photos, and of the training photos' views."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from results.ledger.records import Cost
from results.ledger.runs import SPLITS
from search_spaces.config import TrialConfig
from trainables.features.fill import Inputs, TrainingData, frozen_inputs
from trainables.networks.backbones import FullNetwork
from trainables.networks.cuts import PHOTO, Cut, nearest_sources
from trainables.networks.frozen import InputFormat, table_dtype
from trainables.networks.network import Network
from trainables.photos.views import View
from trainables.progress import Progress

_PHOTOS_SENT = 256
"""To the device, at once."""
Arrays = Sequence[Any]
"""One [n, ...] array per layer that is read, or a `View` of photos."""


@dataclass(frozen=True)
class Batches:
    """What one call of a network takes.

    Attributes:
        inputs: per layer that is read one [n, ...] array, or a table on the device.
        labels: [n].
        places: [n] the tables' rows that the photos are; None for arrays.
    """

    inputs: list[Any]
    labels: NDArray[np.int64]
    places: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Part:
    """One part of the split, as the network reads it.

    Attributes:
        rows, labels: [n].
        arrays: [N, ...] each, of all photos.
        views: per view of the part's photos, [n, ...] arrays; empty but for training photos.
        tables: on the device, [n * (1 + views), ...] each: the photos, then one view after the
            other; None where rows are read from the arrays.
        reads_ahead: whether rows of the next call are read while the network has one.
    """

    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    arrays: Arrays
    views: tuple[Arrays, ...] = ()
    tables: tuple[Any, ...] | None = None
    reads_ahead: bool = False

    def in_order(self, at_once: int) -> Iterator[Batches]:
        """Every photo as it is, so many at once."""
        places = np.arange(len(self.rows))
        return self._batches(places, np.zeros_like(places), at_once)

    def shuffled(self, chance: np.random.Generator, at_once: int) -> Iterator[Batches]:
        """Every photo in a random order, as it is or as one of its views; so many at once."""
        order = chance.permutation(len(self.rows))
        drawn = chance.integers(1 + len(self.views), size=len(order))
        return self._batches(order, drawn, at_once)

    def on_device(self) -> Part:
        """The same with all that it reads on the device."""
        return replace(self, tables=tuple(map(self._table, range(len(self.arrays)))))

    def _table(self, at: int) -> Any:
        """One of `tables`; filled piece by piece, so that the host holds little besides."""
        array, photos = self.arrays[at], len(self.rows)
        shape = (photos * (1 + len(self.views)), *array.shape[1:])
        table = np.empty(shape, table_dtype(array.dtype))
        for start in range(0, photos, _PHOTOS_SENT):
            places = np.arange(start, min(start + _PHOTOS_SENT, photos))
            table[places] = array[self.rows[places]]
            for number, view in enumerate(self.views, start=1):
                table[number * photos + places] = view[at][places]
        return tf.convert_to_tensor(table)

    def _batches(
        self, order: NDArray[np.int64], drawn: NDArray[np.int64], at_once: int
    ) -> Iterator[Batches]:
        """Photos in an order, each as the view that is drawn for it; 0 is the photo itself."""
        parts = [slice(start, start + at_once) for start in range(0, len(order), at_once)]
        if self.tables is not None:
            tables, places = list(self.tables), drawn * len(order) + order
            return (Batches(tables, self.labels[order[at]], places[at]) for at in parts)
        batches = (self._gathered(order[at], drawn[at]) for at in parts)
        return one_ahead(batches) if self.reads_ahead else batches

    def _gathered(self, places: NDArray[np.int64], drawn: NDArray[np.int64]) -> Batches:
        inputs = [array[self.rows[places]] for array in self.arrays]
        for number, view in enumerate(self.views, start=1):
            [chosen] = np.nonzero(drawn == number)
            for array, rows in zip(inputs, view, strict=True):
                array[chosen] = rows[places[chosen]]
        return Batches(inputs, self.labels[places])


def one_ahead(batches: Iterator[Batches]) -> Generator[Batches, None, None]:
    """The same; the next is being made, in a thread of its own, while one is used."""
    with ThreadPoolExecutor(1, thread_name_prefix="reads-ahead") as reader:
        coming = reader.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = reader.submit(next, batches, None)
            yield batch


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

    def parts(self, data: TrainingData, network: Network, progress: Progress) -> dict[str, Part]:
        """Those of `SPLITS`, so that the network waits for them least.

        Where a call is short, reading what it takes is much of its time: it is read ahead, or, if
        every epoch needs it and it fits, lives on the device.
        """
        parts = {
            name: replace(self._part(name, data), reads_ahead=network.loops) for name in SPLITS
        }
        every_epoch = {name: parts[name] for name in ("train", "validation")}
        photos = sum(len(part.rows) * (1 + len(part.views)) for part in every_epoch.values())
        if network.loops and photos * network.table_bytes_of_photo <= data.device_bytes:
            progress("reading", 0, None)
            parts |= {name: part.on_device() for name, part in every_epoch.items()}
        return parts

    def _part(self, name: str, data: TrainingData) -> Part:
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
