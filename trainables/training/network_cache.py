"""Networks of one process, built once and set back for each trial that needs them again."""

from __future__ import annotations

from typing import Any

from search_spaces.config import TrialConfig
from trainables.features.fill import Inputs, TrainingData
from trainables.networks.backbones import Whole, build
from trainables.networks.cuts import PHOTO, Cut
from trainables.networks.network import Network


class Bench:
    """Keeps what was built; see the module."""

    def __init__(self) -> None:
        self._wholes: dict[tuple[Any, ...], Whole] = {}
        self._networks: dict[tuple[Any, ...], Network] = {}

    def whole(self, config: TrialConfig, data: TrainingData) -> Whole:
        """The backbone of a point with its head, built at the first call."""
        digest = data.weights.digests[config.backbone]
        key = (config.backbone, config.image_size, data.classes, digest, data.precision)
        if key not in self._wholes:
            self._wholes[key] = build(
                config.backbone,
                image_size=config.image_size,
                classes=data.classes,
                weights=data.weights,
                precision=data.precision,
            )
        return self._wholes[key]

    def network(
        self,
        whole: Whole,
        cut: Cut,
        inputs: Inputs,
        kind: str,
        dtype: str,
        *,
        jit_compile: bool = False,
    ) -> Network:
        """The trained part at a cut, built at the first call; any optimizer shares it."""
        reads_photos = kind if PHOTO in inputs.nodes else ""
        key = (id(whole), cut.required, inputs.nodes, reads_photos, dtype, jit_compile)
        if key not in self._networks:
            self._networks[key] = Network(
                whole, cut, inputs.nodes, kind, dtype, jit_compile=jit_compile
            )
        return self._networks[key]
