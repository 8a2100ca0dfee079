"""How large the benchmarks are: chosen from the minutes that they may take.

A user has 4,000 photos and ten epochs. In an hour on two cores G3 is at that size, and G1 and G6
have its epochs; the other whole sweeps are smaller, so that fixed costs (imports, building,
tracing) weigh more on both sides than they would for that user. Rows of whole sweeps state the size
and, where it is smaller, what the same measured parts give at the user's size.
"""

from __future__ import annotations

from dataclasses import dataclass

from search_spaces.backbones import NAMES
from search_spaces.presets import PAPER

USERS_PHOTOS, USERS_EPOCHS = 4000, 10
SEED = 42
BATCH = 32
WITH_REPEATS = 150
"""Minutes on two cores: the sizes of an hour, with three repeats of whole sweeps."""
PHOTOS = 160
"""Splits into 96, 32 and 32: whole batches, so that no side pays for rests."""


@dataclass(frozen=True)
class Sizes:
    """What every row needs to know of sizes.

    Attributes:
        backbones: of the whole sweeps.
        image: pixels of the timed rows; small_image: of equality and memory.
        photos, epochs: of G1; searched_epochs: of G1b.
        paper_trials, searched_trials: per backbone, G1 and G1b.
        plain_share: every how-many-th trial of G1b the plain script is measured on.
        repeats: of rows that are cheap enough.
        sweep_repeats: of rows of whole sweeps, plain and ours first by turns.
        head_trials, head_epochs, head_photos: of G3; head_measured: trials, for three epochs, that
            the plain script is measured on.
        stopping_trials, stopping_epochs, stopping_photos, stopping_image: of G6.
        rows: the smaller and the larger number of synthetic photos of the memory row.
        growth: trials whose growth is measured, head-only and at the paper's cut.
        real_photos, real_trials, real_epochs: of the row with real photos; half_photos: of float16.
        backbone: of rows that look at one; light: a fast one; tiny: one that takes 32 pixels.
    """

    backbones: tuple[str, ...]
    image: int
    small_image: int
    photos: int
    epochs: int
    searched_epochs: int
    paper_trials: int
    searched_trials: int
    plain_share: int
    repeats: int
    sweep_repeats: int
    head_trials: int
    head_epochs: int
    head_photos: int
    head_measured: int
    stopping_trials: int
    stopping_epochs: int
    stopping_photos: int
    stopping_image: int
    rows: tuple[int, int]
    growth: tuple[int, int]
    real_photos: int
    real_trials: int
    real_epochs: int
    half_photos: int
    backbone: str
    light: str
    tiny: str


def sizes_for(minutes: float) -> Sizes:
    """The sizes for a budget; the numbers are made for 60 minutes."""
    share = minutes / 60
    epochs = min(USERS_EPOCHS, max(2, round(USERS_EPOCHS * share)))
    return Sizes(
        backbones=NAMES,
        image=150,
        small_image=75,
        photos=PHOTOS * max(1, round(share / 2.5)),
        epochs=epochs,
        searched_epochs=max(2, round(5 * min(1.0, share))),
        paper_trials=4,
        searched_trials=9,
        plain_share=5,
        repeats=3,
        sweep_repeats=3 if minutes >= WITH_REPEATS else 1,
        head_trials=20,
        head_epochs=USERS_EPOCHS,
        head_photos=USERS_PHOTOS if share >= 1 else 1000 if share >= 0.5 else 320,
        head_measured=2,
        stopping_trials=1 + (PAPER.trials if share >= 0.5 else PAPER.trials // 2),
        stopping_epochs=max(4, epochs),
        stopping_photos=2 * PHOTOS,
        stopping_image=96,
        rows=(5_000, 50_000),
        growth=(30, 10),
        real_photos=320 if share >= 1 else 160,
        real_trials=2,
        real_epochs=5,
        half_photos=1000 if share >= 1 else 320,
        backbone="Xception",
        light="EfficientNetB0",
        tiny="VGG16",
    )


def smoke_sizes() -> Sizes:
    """So small that figures mean nothing: to see that every row can be measured."""
    return Sizes(
        backbones=("VGG16",),
        image=32,
        small_image=32,
        photos=40,
        epochs=2,
        searched_epochs=2,
        paper_trials=2,
        searched_trials=2,
        plain_share=2,
        repeats=1,
        sweep_repeats=1,
        head_trials=2,
        head_epochs=2,
        head_photos=40,
        head_measured=1,
        stopping_trials=2,
        stopping_epochs=2,
        stopping_photos=40,
        stopping_image=32,
        rows=(40, 80),
        growth=(4, 3),
        real_photos=40,
        real_trials=1,
        real_epochs=2,
        half_photos=40,
        backbone="VGG16",
        light="VGG16",
        tiny="VGG16",
    )
