"""Which cuts are worth storing: decided from measured seconds and bytes, without Keras.

A stored cut saves the frozen layers before it in every epoch of every trial that starts there, and
costs the fetching of its rows. Shallow cuts are the large ones (VGG16's first block gives 5.8 MB
for a photo of 68 KB), so from a slow disk, or beside a fast GPU, running a few layers again is the
cheaper way. Fewest bytes alone would pick the photo itself, fewest seconds alone the largest file.

Layers that are measured one by one take up to twice what they take in a traced network, so that a
doubtful cut is stored rather than computed again. What the measurements say is kept with the run,
which so decides the same way again after a resume.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from results.ledger.profiles import Profile
from trainables.networks.cuts import Cut, Graph, nearest_sources

_SHARE_OF_MEMORY = 0.5
"""Of the machine's memory, for rows that stay in it from epoch to epoch."""


def worth_storing(
    graph: Graph,
    cuts: Sequence[Cut],
    profile: Profile | None,
    *,
    rows: int,
    shrunk: float,
    memory_bytes: int,
) -> list[Cut]:
    """The cuts that are cheaper to fetch than to compute again, most seconds per byte first.

    Args:
        cuts: of one network, each once.
        profile: of the network on this machine; without one all cuts are returned as they came.
        rows: photos.
        shrunk: bytes stored per byte of float32: 1, or 0.5 as float16.
        memory_bytes: rows of a cut that is larger are read from the disk in every epoch.
    """
    if profile is None:
        return list(cuts)
    gains: dict[Cut, float] = {}
    for cut in cuts:
        size = cut.row_bytes(graph) * shrunk
        stays = size * rows <= memory_bytes
        per_byte = profile.seconds_per_byte_warm if stays else profile.seconds_per_byte_cold
        gain = seconds_again(graph, cut, profile) - size * per_byte
        if gain > 0:
            gains[cut] = gain / size
    return sorted(gains, key=lambda cut: -gains[cut])


def seconds_again(graph: Graph, cut: Cut, profile: Profile) -> float:
    """Of computing a cut's outputs for one photo from the photo."""
    _, run = nearest_sources(graph, cut.required, ())
    return sum(profile.seconds_by_node[node] for node in run)


def memory_for_rows() -> int:
    """Bytes of the machine's memory that mapped rows may count on."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return int(pages * _SHARE_OF_MEMORY)
