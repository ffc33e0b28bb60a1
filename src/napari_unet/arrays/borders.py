"""The border class: what a network learns beside the inside of instances, so that touching ones come apart.

The recipe that won the 2018 Data Science Bowl (Caicedo et al., Nat Methods 16:1247, 2019) predicts insides and
borders; here the border's width follows the size of its instance, so that small ones keep an inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.arrays.boundary_weights import carve

INSIDE, BORDER = 1, 2
SHARE = 0.25
"""Width of the border per radius of the largest circle that fits into the instance."""
MIN_BORDER_WIDTH, MAX_BORDER_WIDTH = 1.0, 5.0


def class_targets(
    labels: NDArray[Any], *, border: bool, spacing: Sequence[float] | None = None
) -> NDArray[np.int64]:
    """Return the class of each pixel: 0 = background and ridge, 1 = instance, 2 = its border where wanted.

    labels are instance ids of any dimensions, 0 = background. The border is the part of an instance that lies
    within a quarter of its inner radius (1 to 5 px) of anything else; `spacing` is that of the pixels per axis, in
    pixels of the finest one.
    """
    from scipy import ndimage

    carved = carve(labels)
    inside = carved > 0
    classes = inside.astype(np.int64)
    if not border or not inside.any():
        return classes
    depth = ndimage.distance_transform_edt(inside, sampling=spacing)
    ids, place = np.unique(carved, return_inverse=True)
    radius = ndimage.maximum(depth, place, np.arange(len(ids)))
    width = np.clip(SHARE * np.asarray(radius), MIN_BORDER_WIDTH, MAX_BORDER_WIDTH)
    classes[inside & (depth <= width[place.reshape(carved.shape)])] = BORDER
    return classes
