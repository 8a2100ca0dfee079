"""The catalogue: one row per backbone, and nothing else to write for a further one.

A row says how a backbone wants its photos, where it may be unfrozen, what its documented baseline
is, and where Keras keeps its ImageNet weights. Names, colours, tables and `--help` follow from it.

An unfreeze point is the *name* of the first trained layer of `keras.applications` without its top,
one that Keras itself fixes: indices and numbered names depend on weights and what was built before.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from search_spaces.heads import (
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling,
    HeadLayer,
)
from search_spaces.refusals import one_of

HEAD = "head"
"""The unfreeze point at which the whole backbone is frozen and only the head is trained."""


class Scaling(StrEnum):
    """How pixels, 0 to 255, become a network's input."""

    UNIT = "unit"
    """X / 255, the paper's for every backbone."""
    NATIVE = "native"
    """What the backbone's ImageNet weights were trained with."""


class NativeScaling(StrEnum):
    """What ImageNet weights expect of RGB pixels, by the names that Keras uses."""

    RAW = "raw"
    """0 to 255; the network rescales inside."""
    TF = "tf"
    """-1 to 1."""
    CAFFE = "caffe"
    """BGR, 0 to 255, minus the ImageNet mean."""
    TORCH = "torch"
    """0 to 1, minus the ImageNet mean and divided by its standard deviation."""


SCALINGS = tuple(Scaling)


@dataclass(frozen=True)
class KerasWeights:
    """Where Keras keeps a backbone's ImageNet weights without the top.

    Attributes:
        url: of the HDF5 file.
        md5, sha256: the digest that `keras.applications` states, one or the other.
    """

    url: str
    md5: str | None = None
    sha256: str | None = None

    @property
    def file(self) -> str:
        return self.url.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Backbone:
    """One row of the catalogue.

    Attributes:
        name: as in `keras.applications`.
        native_scaling: what its ImageNet weights expect.
        smallest_image: least height and width in pixels that Keras accepts without the top.
        points: unfreeze points at block boundaries, from `head` to the earliest.
        baseline_unfreeze: the first trained layer of the documented baseline, one of `points`.
        weights: ImageNet's.
        head: layers put on top, in order.
        optimizer: of the documented baseline.
        scaling: of the documented baseline.
        in_paper: whether the paper documents and measured it; see `search_spaces.paper`.
        divides_by_deviation_twice: Keras adds a second Rescaling with its ImageNet weights.
        has_batch_norm: whether there is any BatchNormalization in it.
    """

    name: str
    native_scaling: NativeScaling
    smallest_image: int
    points: tuple[str, ...]
    baseline_unfreeze: str
    weights: KerasWeights
    head: tuple[HeadLayer, ...] = (GlobalAveragePooling(),)
    optimizer: str = "adam"
    scaling: Scaling = Scaling.NATIVE
    in_paper: bool = False
    divides_by_deviation_twice: bool = False
    has_batch_norm: bool = True


_DENSE = (Dense(512), Dropout(0.5), Dense(256))
_HOST = "https://storage.googleapis.com/"
_APPLICATIONS = _HOST + "tensorflow/keras-applications/"
_NOTOP = "_weights_tf_dim_ordering_tf_kernels_notop.h5"


def _keras(path: str, md5: str) -> KerasWeights:
    return KerasWeights(_APPLICATIONS + path, md5)


CATALOGUE: tuple[Backbone, ...] = (
    Backbone(
        name="EfficientNetB0",
        native_scaling=NativeScaling.RAW,
        smallest_image=32,
        points=(
            HEAD,
            "top_conv",
            "block7a_expand_conv",
            "block5c_drop",
            "block5a_expand_conv",
            "block4a_expand_conv",
        ),
        baseline_unfreeze="block5c_drop",
        weights=KerasWeights(
            _HOST + "keras-applications/efficientnetb0_notop.h5",
            "50bc09e76180e00e4465e1a485ddc09d",
        ),
        head=(BatchNormalization(), Flatten(), *_DENSE),
        optimizer="adagrad",
        scaling=Scaling.UNIT,
        in_paper=True,
        divides_by_deviation_twice=True,
    ),
    Backbone(
        name="InceptionV3",
        native_scaling=NativeScaling.TF,
        smallest_image=75,
        points=(HEAD, "mixed9", "mixed8", "mixed7", "mixed5", "mixed3"),
        baseline_unfreeze="mixed8",
        weights=_keras("inception_v3/inception_v3" + _NOTOP, "bcbd6486424b2319ff4ef7d526e38f63"),
        head=(BatchNormalization(), Flatten(), *_DENSE),
        optimizer="adagrad",
        scaling=Scaling.UNIT,
        in_paper=True,
    ),
    Backbone(
        name="InceptionResNetV2",
        native_scaling=NativeScaling.TF,
        smallest_image=75,
        points=(
            HEAD,
            "conv_7b",
            "block8_6_mixed",
            "block8_1_mixed",
            "mixed_7a",
            "block17_11_mixed",
        ),
        baseline_unfreeze="block8_1_mixed",
        weights=_keras(
            "inception_resnet_v2/inception_resnet_v2" + _NOTOP, "d19885ff4a710c122648d3b5c3b684e4"
        ),
        scaling=Scaling.UNIT,
        in_paper=True,
    ),
    Backbone(
        name="ResNet50",
        native_scaling=NativeScaling.CAFFE,
        smallest_image=32,
        points=(
            HEAD,
            "conv5_block3_1_conv",
            "conv5_block1_1_conv",
            "conv4_block4_1_conv",
            "conv4_block1_1_conv",
        ),
        baseline_unfreeze="conv5_block1_1_conv",
        weights=_keras("resnet/resnet50" + _NOTOP, "4d473c1dd8becc155b73f8504c6f6626"),
        head=(Flatten(), BatchNormalization()),
        scaling=Scaling.UNIT,
        in_paper=True,
    ),
    Backbone(
        name="VGG16",
        native_scaling=NativeScaling.CAFFE,
        smallest_image=32,
        points=(HEAD, "block5_conv3", "block5_conv1", "block4_conv1", "block3_conv1"),
        baseline_unfreeze="block5_conv1",
        weights=_keras("vgg16/vgg16" + _NOTOP, "6d6bbae143d832006294945121d1f1fc"),
        head=(Flatten(), *_DENSE),
        scaling=Scaling.UNIT,
        in_paper=True,
        has_batch_norm=False,
    ),
    Backbone(
        name="Xception",
        native_scaling=NativeScaling.TF,
        smallest_image=71,
        points=(
            HEAD,
            "block14_sepconv2",
            "block14_sepconv1",
            "block13_sepconv1_act",
            "block11_sepconv1_act",
        ),
        baseline_unfreeze="block14_sepconv1",
        weights=_keras("xception/xception" + _NOTOP, "b0042744bf5b25fce3cb969f33bebb97"),
        scaling=Scaling.UNIT,
        in_paper=True,
    ),
    Backbone(
        name="EfficientNetV2B0",
        native_scaling=NativeScaling.RAW,
        smallest_image=32,
        points=(
            HEAD,
            "top_conv",
            "block6e_expand_conv",
            "block6a_expand_conv",
            "block5a_expand_conv",
            "block4a_expand_conv",
        ),
        baseline_unfreeze="block6a_expand_conv",
        weights=_keras(
            "efficientnet_v2/efficientnetv2-b0_notop.h5", "893217f2bb855e2983157299931e43ff"
        ),
    ),
    Backbone(
        name="ConvNeXtTiny",
        native_scaling=NativeScaling.RAW,
        smallest_image=32,
        points=(
            HEAD,
            "convnext_tiny_stage_3_block_2_depthwise_conv",
            "convnext_tiny_stage_3_block_0_depthwise_conv",
            "convnext_tiny_stage_2_block_6_depthwise_conv",
            "convnext_tiny_stage_2_block_0_depthwise_conv",
        ),
        baseline_unfreeze="convnext_tiny_stage_3_block_0_depthwise_conv",
        weights=KerasWeights(
            _APPLICATIONS + "convnext/convnext_tiny_notop.h5",
            sha256="d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
        ),
        has_batch_norm=False,
    ),
    Backbone(
        name="DenseNet121",
        native_scaling=NativeScaling.TORCH,
        smallest_image=32,
        points=(
            HEAD,
            "conv5_block9_0_bn",
            "conv5_block1_0_bn",
            "conv4_block13_0_bn",
            "conv4_block1_0_bn",
        ),
        baseline_unfreeze="conv5_block1_0_bn",
        weights=_keras("densenet/densenet121" + _NOTOP, "30ee3e1110167f948a6b9946edeeb738"),
    ),
    Backbone(
        name="MobileNetV3Large",
        native_scaling=NativeScaling.RAW,
        smallest_image=32,
        points=(
            HEAD,
            "conv_1",
            "expanded_conv_12_expand",
            "expanded_conv_10_expand",
            "expanded_conv_6_expand",
        ),
        baseline_unfreeze="expanded_conv_12_expand",
        weights=_keras(
            "mobilenet_v3/weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5",
            "07fb09a5933dd0c8eaafa16978110389",
        ),
    ),
)

NAMES: tuple[str, ...] = tuple(backbone.name for backbone in CATALOGUE)
GROUPS: dict[str, tuple[str, ...]] = {
    "all": tuple(backbone.name for backbone in CATALOGUE if backbone.in_paper),
    "modern": tuple(backbone.name for backbone in CATALOGUE if not backbone.in_paper),
}
"""Words that `--backbones` takes beside names: the paper's six, and those that came later."""

PAPER_NAMES = GROUPS["all"]
_BY_NAME = {backbone.name: backbone for backbone in CATALOGUE}


def backbone_named(name: str, *, where: str = "--backbones") -> Backbone:
    """Return the catalogue's row for a name in any case.

    Raises:
        UsageRefusal: no backbone has that name.
    """
    return _BY_NAME.get(name) or _BY_NAME[one_of(name, NAMES, what="backbone", where=where)]
