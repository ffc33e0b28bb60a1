"""Where a higher threshold divides one object: on a probability, or on the distance to its edge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVELS = 24
"""Levels within one object that are tried, the lowest first: finer ones part it nowhere else."""


def distance_within(mask: NDArray[np.bool_], spacing: Sequence[float] | None) -> NDArray[np.float64]:
    """Return the distance to the object's edge, also to that of its box; not along axes of length 1."""
    from scipy import ndimage

    long = [axis for axis, length in enumerate(mask.shape) if length > 1]
    flat = mask.reshape([mask.shape[axis] for axis in long]) if long else mask.reshape(1)
    sampling = None if spacing is None else [spacing[axis] for axis in long] or None
    core = tuple(slice(1, -1) for _ in flat.shape)
    distance: NDArray[np.float64] = ndimage.distance_transform_edt(np.pad(flat, 1), sampling=sampling)[core]
    return distance.reshape(mask.shape)


def first_cores(mask: NDArray[np.bool_], height: NDArray[Any], share: float) -> NDArray[np.int32] | None:
    """Return the parts above the lowest level at which there are several large ones; None for never.

    A part is large where it grows to a share of the object.
    """
    from scipy import ndimage
    from skimage.segmentation import watershed

    values = np.unique(height[mask])
    least = max(1.0, share * np.count_nonzero(mask))
    for level in np.unique(np.quantile(values, np.linspace(0, 1, LEVELS), method="nearest"))[:-1]:
        parts, count = ndimage.label(mask & (height > level), np.ones((3,) * mask.ndim))
        if count < 2:
            continue
        grown = watershed(-height, parts, mask=mask)
        large = np.flatnonzero(np.bincount(grown[mask], minlength=count + 1)[1:] >= least) + 1
        if len(large) > 1:
            return np.where(np.isin(parts, large), parts, 0).astype(np.int32)
    return None
