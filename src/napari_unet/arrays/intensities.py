"""The intensity range of a whole image, from pixels spread over it: one way, whatever is done with the image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.axes import Plane
from napari_unet.arrays.normalization import IntensityRange, Normalization, intensity_range
from napari_unet.progress import Progress, Steps

SAMPLED_PIXELS = 4_000_000
KEPT = 100_000
"""At most about so many pixels of a part are kept where the sampled ones were all the same."""
SAMPLED_PLANES = 64
"""At most so many planes, evenly picked, are read."""


def measure_intensity(planes: Sequence[Plane], normalization: Normalization) -> Steps[IntensityRange]:
    """Return the intensity range of all planes of an image, one yield a plane read.

    Where the pixels that are spread over it are all the same, every pixel is looked at before the image counts as
    constant: few objects on an empty ground may lie between them.
    """
    numbers = np.linspace(0, len(planes) - 1, min(SAMPLED_PLANES, len(planes))).round().astype(int)
    blocks = []
    for number in numbers:
        yield Progress(done=0, total=0, doing="Reading intensities")
        blocks.append(sample_blocks(planes[number], len(numbers)))
    measured = intensity_range(blocks, normalization)
    if measured.is_constant:
        blocks += yield from _unlike(planes, measured.low)
        measured = intensity_range(blocks, normalization)
    return measured


def _unlike(planes: Sequence[Plane], value: float) -> Steps[list[NDArray[Any]]]:
    """Return all pixels of an image that are finite and have another value."""
    found = []
    for plane in planes:
        for band in plane.bands(SAMPLED_PIXELS):
            yield Progress(done=0, total=0, doing="Reading intensities")
            values = band[np.isfinite(band) & (band != value)]
            found.append(values[:: max(1, values.size // KEPT)])
    return [values for values in found if values.size]


def sample_blocks(plane: Plane, planes_in_all: int = 1) -> NDArray[Any]:
    """Return a plane's share of some four million pixels in evenly spread rows, (C, *spatial)."""
    limit = max(1, SAMPLED_PIXELS // planes_in_all)
    step = max(1, round((np.prod(plane.whole_shape, dtype=float) / limit) ** (1 / (len(plane.spatial) - 1))))
    return plane.every(step)
