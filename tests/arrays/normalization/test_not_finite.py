"""Pixels that are no numbers look like background, whatever the sign of the image and whichever side is dark."""

import numpy as np
import pytest

from napari_unet.arrays.normalization import Normalization
from napari_unet.arrays.normalization.invert_bright_background import InvertBrightBackground
from napari_unet.arrays.normalization.percentile import Percentile

FULL = Percentile(low=0, high=100)


@pytest.mark.parametrize("offset", [-50.0, 0.0, 50.0])
@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_they_are_as_dark_as_the_darkest_pixel(offset, odd):
    image = np.linspace(0, 10, 100).reshape(10, 10) + offset
    image[4, 4] = odd
    seen = Normalization(steps=(FULL,)).fit([image]).apply(image)
    assert seen[4, 4] == seen.min() == 0
    assert seen.max() == pytest.approx(1)


@pytest.mark.parametrize("offset", [-50.0, 50.0])
def test_on_a_bright_background_they_are_as_the_background(offset):
    image = np.full((20, 20), 10.0)
    image[5:9, 5:9] = 0
    image += offset
    image[0, 0] = np.nan
    seen = Normalization(steps=(InvertBrightBackground(), FULL)).fit([image]).apply(image)
    assert seen[0, 0] == seen[10, 10] == 0
    assert seen[6, 6] == pytest.approx(1)
