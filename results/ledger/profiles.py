"""What the layers of a backbone cost on the machine that trains: measured once, read by the planner
of the feature store, by `--plan` and by the report's cost ledger.

`trainables.features.profiling` measures it; `<cache>/profiles/` keeps it; a run has a copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class PointCost:
    """What the frozen part before one unfreeze point costs.

    Attributes:
        seconds: of its layers for one photo, forward.
        row_bytes: of the tensors that cross into the trained part, for one photo, as float32.
    """

    seconds: float
    row_bytes: int


@dataclass(frozen=True)
class Profile:
    """One backbone's layers, measured in batches in inference mode.

    Attributes:
        backbone, image_size: what was measured.
        onednn: `TF_ENABLE_ONEDNN_OPTS` while it was: `0` or `1`.
        seconds_by_node: of each layer for one photo, forward; one per node of the network's graph.
        points: per unfreeze point what is before it.
        seconds_whole: of all layers for one photo, forward.
        seconds_per_byte_warm: of fetching stored features that are in memory, to the device.
        seconds_per_byte_cold: the same from the disk.
    """

    backbone: str
    image_size: int
    onednn: str
    seconds_by_node: tuple[float, ...]
    points: Mapping[str, PointCost]
    seconds_whole: float
    seconds_per_byte_warm: float
    seconds_per_byte_cold: float

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Profile:
        """Read what `to_dict` gave.

        Raises:
            KeyError, TypeError: it is something else.
        """
        return Profile(
            **{
                **values,
                "seconds_by_node": tuple(values["seconds_by_node"]),
                "points": {name: PointCost(**one) for name, one in values["points"].items()},
            }
        )
