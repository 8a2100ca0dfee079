"""Networks of one process, built once and set back for each trial that needs them again."""

from __future__ import annotations

from typing import Any

from search_spaces.config import TrialConfig
from trainables.features.fill import TrainingData
from trainables.networks.backbones import FullNetwork, build
from trainables.networks.cuts import PHOTO, Cut
from trainables.networks.frozen import InputFormat
from trainables.networks.network import Network


class NetworkCache:
    """Keeps what was built; see the module."""

    def __init__(self) -> None:
        self._full_networks: dict[tuple[Any, ...], FullNetwork] = {}
        self._networks: dict[tuple[Any, ...], Network] = {}

    def full_network(self, config: TrialConfig, data: TrainingData) -> FullNetwork:
        """The backbone of a configuration with its head, built at the first call."""
        digest = data.weights.digests[config.backbone]
        key = (
            *(config.backbone, config.head, config.image_size),
            *(data.classes, digest, data.precision),
        )
        if key not in self._full_networks:
            self._full_networks[key] = build(
                config.backbone,
                image_size=config.image_size,
                classes=data.classes,
                weights=data.weights,
                precision=data.precision,
                head=config.head,
            )
        return self._full_networks[key]

    def network(
        self,
        full: FullNetwork,
        cut: Cut,
        read: InputFormat,
        *,
        jit_compile: bool = False,
        freezes_batch_norm: bool = False,
    ) -> Network:
        """The trained part at a cut, built at the first call; any optimizer shares it."""
        scaling = read.scaling if PHOTO in read.nodes else ""  # stored outputs are scaled already
        options = {"jit_compile": jit_compile, "freezes_batch_norm": freezes_batch_norm}
        key = (id(full), cut.required, read.nodes, scaling, read.dtype, *options.values())
        if key not in self._networks:
            self._networks[key] = Network(full, cut, read, **options)
        return self._networks[key]
