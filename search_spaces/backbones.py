"""The six backbones as data: scaling, smallest photo, named unfreeze points, and the paper's head.

An unfreeze point is the *name* of the first trained layer of `keras.applications` without its top:
indices shift between `weights=None` and `weights="imagenet"`, names do not. Only names that Keras
itself fixes are used, never the numbered ones (`conv2d_17`) that depend on what was built before.
"""

from __future__ import annotations

from dataclasses import dataclass

from search_spaces.refusals import one_of

HEAD = "head"
"""The unfreeze point at which the whole backbone is frozen and only the head is trained."""

SCALINGS = ("unit", "native")
"""`unit`: X/255, the paper's for every backbone. `native`: what the backbone was trained with."""


@dataclass(frozen=True)
class Backbone:
    """One entry of the catalogue.

    Attributes:
        name: as in `keras.applications`.
        native_scaling: what its ImageNet weights expect of 0..255 RGB: `raw` (0..255, rescaled
            inside), `tf` (-1..1) or `caffe` (BGR minus the ImageNet mean).
        smallest_image: least height and width in pixels that Keras accepts without the top.
        layers: how many layers `include_top=False, weights=None` has, the photo's own included.
        paper_point: the paper's first trained layer (its Tables 2 to 4).
        points: unfreeze points at block boundaries, from `head` to the earliest.
        head: layers put on top, in order: `gap`, `flatten`, `batch_norm`, `dense:UNITS`,
            `dropout:RATE`; the softmax over the classes follows.
    """

    name: str
    native_scaling: str
    smallest_image: int
    layers: int
    paper_point: str
    points: tuple[str, ...]
    head: tuple[str, ...]


_DENSE = ("dense:512", "dropout:0.5", "dense:256")

CATALOGUE: tuple[Backbone, ...] = (
    Backbone(
        name="EfficientNetB0",
        native_scaling="raw",
        smallest_image=32,
        layers=237,
        paper_point="block5c_drop",
        points=(
            HEAD,
            "top_conv",
            "block7a_expand_conv",
            "block5c_drop",
            "block5a_expand_conv",
            "block4a_expand_conv",
        ),
        head=("batch_norm", "flatten", *_DENSE),
    ),
    Backbone(
        name="InceptionV3",
        native_scaling="tf",
        smallest_image=75,
        layers=311,
        paper_point="mixed8",
        points=(HEAD, "mixed9", "mixed8", "mixed7", "mixed5", "mixed3"),
        head=("batch_norm", "flatten", *_DENSE),
    ),
    Backbone(
        name="InceptionResNetV2",
        native_scaling="tf",
        smallest_image=75,
        layers=780,
        paper_point="block8_1_mixed",
        points=(
            HEAD,
            "conv_7b",
            "block8_6_mixed",
            "block8_1_mixed",
            "mixed_7a",
            "block17_11_mixed",
        ),
        head=("gap",),
    ),
    Backbone(
        name="ResNet50",
        native_scaling="caffe",
        smallest_image=32,
        layers=175,
        paper_point="conv5_block1_1_conv",
        points=(
            HEAD,
            "conv5_block3_1_conv",
            "conv5_block1_1_conv",
            "conv4_block4_1_conv",
            "conv4_block1_1_conv",
        ),
        head=("flatten", "batch_norm"),
    ),
    Backbone(
        name="VGG16",
        native_scaling="caffe",
        smallest_image=32,
        layers=19,
        paper_point="block5_conv1",
        points=(HEAD, "block5_conv3", "block5_conv1", "block4_conv1", "block3_conv1"),
        head=("flatten", *_DENSE),
    ),
    Backbone(
        name="Xception",
        native_scaling="tf",
        smallest_image=71,
        layers=132,
        paper_point="block14_sepconv1",
        points=(
            HEAD,
            "block14_sepconv2",
            "block14_sepconv1",
            "block13_sepconv1_act",
            "block11_sepconv1_act",
        ),
        head=("gap",),
    ),
)

NAMES: tuple[str, ...] = tuple(backbone.name for backbone in CATALOGUE)

_BY_NAME = {backbone.name: backbone for backbone in CATALOGUE}


def backbone_named(name: str, *, where: str = "--backbones") -> Backbone:
    """Return the catalogue's entry for a name in any case.

    Raises:
        UsageRefusal: no backbone has that name.
    """
    return _BY_NAME[one_of(name, NAMES, what="backbone", where=where)]
