"""Pictures for TensorBoard."""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("classes", "side"), [(1, 40), (2, 80), (100, 1200), (1500, 1500)])
def test_a_confusion_matrix_is_a_picture_of_bounded_size(classes: int, side: int) -> None:
    from trainables.finished.tensorboard_results import confusion_image

    counts = np.eye(classes, dtype=int)
    counts[0, 0] = 0  # a class without test photos
    image = confusion_image(counts.tolist())
    assert image.shape == (side, side, 3)
    assert image.dtype == np.uint8
    assert image[0, 0].tolist() == [247, 251, 255]
    if classes > 1:
        assert image[-1, -1].tolist() == [8, 48, 107]
