"""The paper: its documented baseline, and every figure it published.

Hernandez & Rodriguez, "Aprendizaje por Transferencia", UAQ, 2022. The tables are numbered as there.
Published accuracies are counts of 800 test photos; the fractions are derived, so that our code and
the paper's percentages can be held against each other.
"""

from __future__ import annotations

from dataclasses import dataclass

from search_spaces.backbones import backbone_named
from search_spaces.config import TrialConfig

TEST_PHOTOS = 800
PHOTOS_PER_CLASS = 2000
CLASSES = ("cat", "dog")
IMAGE_SIZE = 150
"""Not stated in the paper; 150 is the size that usually goes with this subset of 4,000 photos."""

BATCH_SIZE = 32
EPOCHS = 10
LEARNING_RATE = 5e-5

ENSEMBLE_MEMBERS = ("InceptionResNetV2", "Xception")
ENSEMBLE = "Ensemble"


@dataclass(frozen=True)
class PublishedCharacteristics:
    """A row of Table 1: the model *with* its ImageNet top, as Keras publishes it."""

    megabytes: int
    parameters_millions: float
    depth: int
    gpu_milliseconds_per_step: float


@dataclass(frozen=True)
class ClassReport:
    """One class of a classification report, rounded to two digits as published."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class PublishedResult:
    """What the paper reports for one method on its test photos.

    Attributes:
        table: the classification report's table number.
        correct: correctly classified photos out of `TEST_PHOTOS` (Tables 11 and 13).
        classes: the report's rows for class 0 and class 1.
    """

    table: int
    correct: int
    classes: tuple[ClassReport, ClassReport]

    @property
    def test_accuracy(self) -> float:
        return self.correct / TEST_PHOTOS


TABLE_1 = {
    "EfficientNetB0": PublishedCharacteristics(29, 5.3, 132, 4.9),
    "InceptionV3": PublishedCharacteristics(92, 23.9, 189, 6.9),
    "InceptionResNetV2": PublishedCharacteristics(215, 55.9, 449, 10.0),
    "ResNet50": PublishedCharacteristics(98, 25.6, 107, 4.6),
    "VGG16": PublishedCharacteristics(528, 138.4, 16, 4.2),
    "Xception": PublishedCharacteristics(88, 22.9, 81, 8.1),
}


def _row(table: int, correct: int, *rows: tuple[float, float, float, int]) -> PublishedResult:
    first, second = (ClassReport(*row) for row in rows)
    return PublishedResult(table=table, correct=correct, classes=(first, second))


PUBLISHED = {
    "EfficientNetB0": _row(10, 395, (0.49, 1.00, 0.66, 395), (0.00, 0.00, 0.00, 405)),
    "InceptionV3": _row(5, 708, (0.87, 0.91, 0.89, 395), (0.90, 0.86, 0.88, 405)),
    "InceptionResNetV2": _row(8, 771, (0.96, 0.96, 0.96, 395), (0.97, 0.96, 0.96, 405)),
    "ResNet50": _row(9, 499, (0.84, 0.29, 0.44, 395), (0.58, 0.95, 0.72, 405)),
    "VGG16": _row(6, 747, (0.91, 0.96, 0.93, 395), (0.96, 0.91, 0.93, 405)),
    "Xception": _row(7, 767, (0.96, 0.96, 0.96, 395), (0.96, 0.96, 0.96, 405)),
    ENSEMBLE: _row(12, 781, (0.98, 0.98, 0.98, 412), (0.97, 0.98, 0.98, 388)),
}
"""Tables 5 to 10 and 12 (reports), 11 and 13 (accuracies)."""


def baseline(
    backbone: str,
    *,
    epochs: int = EPOCHS,
    batch_size: int = BATCH_SIZE,
    image_size: int = IMAGE_SIZE,
    seed: int = 42,
) -> TrialConfig:
    """The documented configuration of one backbone, the run's own sizes put in.

    For the paper's six it is that of Tables 2 to 4. The others have the catalogue's: their own
    scaling, one pooling layer as a head, Adam, and the paper's learning rate.
    """
    entry = backbone_named(backbone)
    return TrialConfig(
        backbone=entry.name,
        unfreeze=entry.baseline_unfreeze,
        scaling=entry.scaling,
        optimizer=entry.optimizer,
        learning_rate=LEARNING_RATE,
        batch_size=batch_size,
        epochs=epochs,
        image_size=image_size,
        seed=seed,
    )
