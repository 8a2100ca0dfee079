"""What a record says of the work from each unfreeze point on is what training from there does."""

from __future__ import annotations

from pathlib import Path

import pytest

from search_spaces.backbones import backbone_named
from tests.trainables.small_networks import point, training_data

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["VGG16", "InceptionV3"])
def test_the_work_of_every_point_is_that_of_its_own_cut(name: str, tmp_path: Path) -> None:
    from trainables.networks.backbones import weights_of
    from trainables.training.anatomy import work_by_point
    from trainables.training.network_cache import NetworkCache

    data = training_data(tmp_path, size=75, points={}, counts=(1, 1, 1))
    full = NetworkCache().full_network(point(name, size=75), data)
    found = work_by_point(full)
    assert tuple(found) == backbone_named(name).points
    for unfreeze, work in found.items():
        trained = full.cut(unfreeze).trained
        weights = [one for node in trained for one in weights_of(full.layers[node])]
        assert work.multiply_adds == full.multiply_adds(trained)
        assert work.parameters == sum(int(weight.shape.num_elements()) for weight in weights)
