"""Networks of one process, built once and set back for each trial that needs them again.

On a GPU, whose memory is small, the least recently used make room as a trial starts.
"""

from __future__ import annotations

import gc
from typing import Any

from search_spaces.config import TrialConfig
from trainables.features.fill import TrainingData
from trainables.networks.backbones import FullNetwork, build
from trainables.networks.cuts import PHOTO, Cut
from trainables.networks.devices import DeviceMemory
from trainables.networks.frozen import InputFormat
from trainables.networks.network import Network

_Key = tuple[Any, ...]


class NetworkCache:
    """Keeps what was built; see the module.

    Args:
        memory: the device's.
    """

    def __init__(self, memory: DeviceMemory | None = None) -> None:
        self._memory = memory or DeviceMemory()
        # Both in the order of their last use. A network's key starts with its full network's.
        self._full_networks: dict[_Key, FullNetwork] = {}
        self._networks: dict[tuple[_Key, _Key], Network] = {}

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
        self._full_networks[key] = self._full_networks.pop(key)
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
        """The trained part at a cut, built at the first call; any optimizer shares it.

        Args:
            full: the one that `full_network` gave last; former ones may have made room for it.
        """
        [of_full] = [key for key, kept in self._full_networks.items() if kept is full]
        scaling = read.scaling if PHOTO in read.nodes else ""  # stored outputs are scaled already
        options = {"jit_compile": jit_compile, "freezes_batch_norm": freezes_batch_norm}
        key = (of_full, (cut.required, read.nodes, scaling, read.dtype, *options.values()))
        self._make_room(key)
        if key not in self._networks:
            self._networks[key] = Network(full, cut, read, **options)
        self._networks[key] = self._networks.pop(key)
        return self._networks[key]

    def _make_room(self, needed: tuple[_Key, _Key]) -> None:
        """Forget other trained parts, then other backbones, until the device has enough room.

        Args:
            needed: key of the trial's network, and so of its backbone.
        """
        while self._memory.used() > self._memory.most_kept:
            parts = [key for key in self._networks if key != needed]
            backbones = [key for key in self._full_networks if key != needed[0]]
            if parts:
                del self._networks[parts[0]]
            elif backbones:
                del self._full_networks[backbones[0]]
            else:
                return
            gc.collect()  # Keras' layers and TensorFlow's functions refer to each other
